// SPDX-License-Identifier: Apache-2.0
// Packaged files, compressed storages and the marks of encryption in streams of Office documents.
#include "format/office/ole_objects.h"

#include "format/office/biff.h"
#include "format/codec/codec.h"
#include "format/office/office_password.h"
#include "format/office/ole_package.h"
#include "format/office/officeart.h"

enum {
    RECORD_BYTES = 8,
    RECORD_IS_CONTAINER = 0xf,
    PPT_OBJECT_STORAGE = 0x1011, // RT_ExternalOleObjectStg: objects, controls, VBA
    FIB_MAGIC = 0xa5ec,
    FIB_FLAGS_AT = 10,
    FIB_IS_ENCRYPTED = 0x100,
    USER_TOKEN_AT = 12,
    BIFF_START = 0x809,
    BIFF_FILE_PASS = 0x2f,
    BIFF_RECORDS_LOOKED_AT = 64, // FilePass stands near the start of the globals
};
static const uint32_t USER_IS_ENCRYPTED = 0xf3d1c4df;

// A zlib header that checks out (RFC 1950, 2.2).
static bool is_zlib(struct ov_span bytes) {
    return bytes.size > 2 && bytes.data[0] == 0x78 &&
           (bytes.data[0] * 256 + bytes.data[1]) % 31 == 0;
}

static enum ov_status tell_inflated(struct ov_ole *ole, struct ov_span packed,
                                    struct ov_span name) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    size_t used;
    enum ov_status status = ov_codec_unpack(OV_CODEC_ZLIB, packed, ole->walk, &plain, &used);
    if (status == OV_MEMORY) {
        return status;
    }
    ole->is_damaged |= status == OV_DAMAGED;
    TRY(ov_walk_member(ole->walk, ov_buf_span(&plain), name, OV_FILETYPE_NONE));
    return status == OV_LIMIT ? ov_walk_has_time(ole->walk) : OV_OK;
}

// ---- the packager ------------------------------------------------------------------------------

// \x01Ole10Native: a size, and mostly what the Object Packager writes. Others write their own bytes
// after the size alone.
static enum ov_status tell_packaged(struct ov_ole *ole, struct ov_span stream) {
    struct ov_cursor in = ov_cursor_init(stream);
    uint32_t total = ov_cursor_u32le(&in);
    struct ov_span file, label;
    uint32_t size;
    if (!ov_ole_package_read(ov_span_from(stream, 4), &file, &label, &size) || size > total) {
        struct ov_span rest = ov_span_part(stream, 4, total);
        return rest.size == 0
                   ? OV_OK
                   : ov_walk_member(ole->walk, rest, ov_span_text("Ole10Native"), OV_FILETYPE_NONE);
    }
    ole->is_damaged |= file.size < size;
    return ov_walk_member(ole->walk, file, label, OV_FILETYPE_NONE);
}

// ---- PowerPoint --------------------------------------------------------------------------------

// [MS-PPT] 2.10.34: instance 1 is compressed, behind the size that it will have.
static enum ov_status tell_storage(struct ov_ole *ole, struct ov_span body, unsigned instance) {
    struct ov_span name = ov_span_text("ExOleObjStg");
    struct ov_span packed = ov_span_from(body, 4);
    if (instance == 1 || is_zlib(packed)) {
        return tell_inflated(ole, packed, name);
    }
    return ov_walk_member(ole->walk, body, name, OV_FILETYPE_NONE);
}

// The records of [MS-PPT] 2.3.1, one inside another.
static enum ov_status tell_presentation(struct ov_ole *ole, struct ov_span stream) {
    struct ov_cursor in = ov_cursor_init(stream);
    while (ov_cursor_left(&in) >= RECORD_BYTES) {
        TRY(ov_walk_has_time(ole->walk));
        unsigned kind = ov_cursor_u16le(&in);
        unsigned type = ov_cursor_u16le(&in);
        uint32_t size = ov_cursor_u32le(&in);
        if (type == PPT_OBJECT_STORAGE) {
            TRY(tell_storage(ole, ov_span_part(stream, in.at, size), kind >> 4));
        }
        if ((kind & 0xf) != RECORD_IS_CONTAINER) {
            ov_cursor_skip(&in, size);
        }
    }
    return OV_OK;
}

// ---- encryption --------------------------------------------------------------------------------

bool ov_ole_is_encrypted(const struct ov_ole_entry *entry) {
    return ov_ole_is_named(entry, "EncryptedPackage");
}

// [MS-DOC] 2.5.2.
static bool is_encrypted_word(struct ov_span stream) {
    struct ov_cursor in = ov_cursor_init(stream);
    bool is_word = ov_cursor_u16le(&in) == FIB_MAGIC;
    ov_cursor_seek(&in, FIB_FLAGS_AT);
    return is_word && (ov_cursor_u16le(&in) & FIB_IS_ENCRYPTED) != 0;
}

// [MS-XLS] 2.4.117.
static bool is_encrypted_workbook(struct ov_span stream) {
    struct ov_cursor in = ov_cursor_init(stream);
    for (unsigned i = 0; i < BIFF_RECORDS_LOOKED_AT && !in.has_failed; i++) {
        unsigned record = ov_cursor_u16le(&in);
        if (record == BIFF_FILE_PASS || (i == 0 && (record & 0xff) != (BIFF_START & 0xff))) {
            return i > 0;
        }
        ov_cursor_skip(&in, ov_cursor_u16le(&in));
    }
    return false;
}

// [MS-PPT] 2.3.2.
static bool is_encrypted_presentation(struct ov_span stream) {
    struct ov_cursor in = ov_cursor_init(stream);
    ov_cursor_seek(&in, USER_TOKEN_AT);
    return ov_cursor_u32le(&in) == USER_IS_ENCRYPTED;
}

static bool is_workbook(const struct ov_ole_entry *entry) {
    return ov_ole_is_named(entry, "Workbook") || ov_ole_is_named(entry, "Book");
}

static uint32_t find_beside(const struct ov_ole *ole, uint32_t entry, const char *name) {
    for (uint32_t i = 0; i < ole->entry_count; i++) {
        if (ole->entries[i].parent == ole->entries[entry].parent &&
            ov_ole_is_named(&ole->entries[i], name)) {
            return i;
        }
    }
    return OV_OLE_NONE;
}

// A whole document, encrypted, and beside it how.
static enum ov_status tell_package(struct ov_ole *ole, uint32_t entry, struct ov_span package) {
    OV_CLEANUP(ov_buf_release) struct ov_buf info = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    uint32_t beside = find_beside(ole, entry, "EncryptionInfo");
    enum ov_status status = OV_UNSUPPORTED;
    if (beside != OV_OLE_NONE && !ole->has_tried_password) {
        ole->has_tried_password = true;
        TRY(ov_ole_read(ole, beside, &info));
        status = ov_package_open(ole->walk, ov_buf_span(&info), package, &plain);
    }
    if (status == OV_UNSUPPORTED) {
        ov_walk_fact(ole->walk, OV_FACT_ENCRYPTED);
        return OV_OK;
    }
    TRY(status);
    return ov_walk_member(ole->walk, ov_buf_span(&plain), ov_span_text("EncryptedPackage"),
                          OV_FILETYPE_NONE);
}

static enum ov_status tell_workbook(struct ov_ole *ole, struct ov_span stream) {
    if (!is_encrypted_workbook(stream)) {
        return ov_biff_tell(ole->walk, stream);
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    enum ov_status status = ov_workbook_open(ole->walk, stream, &plain);
    if (status == OV_UNSUPPORTED) {
        ov_walk_fact(ole->walk, OV_FACT_ENCRYPTED);
        return ov_biff_tell(ole->walk, stream); // the types of its sheets are not encrypted
    }
    TRY(status);
    TRY(ov_walk_member(ole->walk, ov_buf_span(&plain), ov_span_text("Workbook"), OV_FILETYPE_NONE));
    return ov_biff_tell(ole->walk, ov_buf_span(&plain));
}

// Encryption that is seen and not opened.
static bool is_protected(const struct ov_ole *ole, uint32_t number, struct ov_span bytes) {
    const struct ov_ole_entry *entry = &ole->entries[number];
    return (ov_ole_is_named(entry, "WordDocument") && is_encrypted_word(bytes)) ||
           (ov_ole_is_named(entry, "Current User") && is_encrypted_presentation(bytes)) ||
           (ov_ole_is_named(entry, "EncryptionInfo") &&
            find_beside(ole, number, "EncryptedPackage") == OV_OLE_NONE);
}

enum ov_status ov_ole_tell_parts(struct ov_ole *ole, uint32_t entry, struct ov_span bytes) {
    const struct ov_ole_entry *at = &ole->entries[entry];
    if (is_protected(ole, entry, bytes)) {
        ov_walk_fact(ole->walk, OV_FACT_ENCRYPTED);
    }
    if (ov_ole_is_encrypted(at)) {
        return tell_package(ole, entry, bytes);
    }
    if (is_workbook(at)) {
        return tell_workbook(ole, bytes);
    }
    if (ov_ole_is_named(at, "\x01Ole10Native")) {
        return tell_packaged(ole, bytes);
    }
    if (ov_ole_is_named(at, "PowerPoint Document")) {
        return tell_presentation(ole, bytes);
    }
    if (ov_ole_is_named(at, "Pictures")) {
        return ov_officeart_tell(ole->walk, bytes);
    }
    // Old Office keeps pictures and objects so: a size, then a zlib stream.
    if (is_zlib(ov_span_from(bytes, 4))) {
        return tell_inflated(ole, ov_span_from(bytes, 4), ov_span_make(NULL, 0));
    }
    return OV_OK;
}
