// SPDX-License-Identifier: Apache-2.0
// Packages of rpm: scripts of the header, and the payload, unpacked.
//
// RPM Package Format V4 (rpm.org, manual, format_v4): lead, signature, header, payload.
#include "format/codec/codec.h"
#include "format/format.h"

enum {
    LEAD_BYTES = 96,
    HEADER_ENTRY_BYTES = 16,
    SIGNATURE_ALIGN = 8,
    TYPE_STRING = 6,
    TYPE_STRING_ARRAY = 8,
    TAG_PREIN = 1023, // and POSTIN, PREUN, POSTUN
    TAG_POSTUN = 1026,
    TAG_TRIGGER = 1065,
    TAG_VERIFY = 1079,
    TAG_PRETRANS = 1151, // and POSTTRANS
    TAG_POSTTRANS = 1152,
};

static const char HEADER_MAGIC[] = "\x8e\xad\xe8\x01";

// ---- headers -----------------------------------------------------------------------------------

// One header: an index and the store that it points into; the cursor goes behind both.
static bool read_header(struct ov_cursor *in, struct ov_span *ret_index,
                        struct ov_span *ret_store) {
    if (!ov_span_has_prefix(ov_cursor_bytes(in, 4), HEADER_MAGIC)) {
        return false;
    }
    ov_cursor_skip(in, 4);
    uint64_t entries = ov_cursor_u32be(in);
    uint64_t store_bytes = ov_cursor_u32be(in);
    struct ov_span index = ov_cursor_bytes(in, entries * HEADER_ENTRY_BYTES);
    struct ov_span store = ov_cursor_bytes(in, store_bytes);
    if (in->has_failed) {
        return false;
    }
    *ret_index = index;
    *ret_store = store;
    return true;
}

static bool is_script(uint32_t tag) {
    return (tag >= TAG_PREIN && tag <= TAG_POSTUN) || tag == TAG_TRIGGER || tag == TAG_VERIFY ||
           tag == TAG_PRETRANS || tag == TAG_POSTTRANS;
}

// The programs that run when the package is installed or removed.
static enum ov_status tell_scripts(struct ov_span index, struct ov_span store,
                                   struct ov_walk *walk) {
    struct ov_cursor in = ov_cursor_init(index);
    while (ov_cursor_left(&in) >= HEADER_ENTRY_BYTES) {
        TRY(ov_walk_has_time(walk));
        uint32_t tag = ov_cursor_u32be(&in), type = ov_cursor_u32be(&in);
        uint32_t offset = ov_cursor_u32be(&in), count = ov_cursor_u32be(&in);
        if (!is_script(tag) || (type != TYPE_STRING && type != TYPE_STRING_ARRAY)) {
            continue;
        }
        struct ov_cursor texts = ov_cursor_init(ov_span_from(store, offset));
        for (uint32_t i = 0; i < count && ov_cursor_left(&texts) > 0; i++) {
            TRY(ov_walk_stored(walk, ov_cursor_until(&texts, 0), ov_span_make(NULL, 0)));
        }
    }
    return OV_OK;
}

// ---- payload -----------------------------------------------------------------------------------

// The payload says itself how it is packed; what the header says of it may be wrong.
static bool choose_codec(struct ov_span payload, enum ov_codec *ret_codec) {
    static const struct {
        const char *magic;
        enum ov_codec codec;
    } codecs[] = {
        {"\x1f\x8b", OV_CODEC_GZIP},
        {"BZh", OV_CODEC_BZIP2},
        {"\xfd"
         "7zXZ",
         OV_CODEC_XZ},
        {"\x28\xb5\x2f\xfd", OV_CODEC_ZSTD},
        {"\x5d", OV_CODEC_LZMA},
    };
    for (size_t i = 0; i < OV_COUNT(codecs); i++) {
        if (ov_span_has_prefix(payload, codecs[i].magic)) {
            *ret_codec = codecs[i].codec;
            return true;
        }
    }
    return false;
}

static enum ov_status tell_payload(struct ov_span payload, struct ov_walk *walk) {
    struct ov_span name = ov_span_text("payload");
    enum ov_codec codec;
    if (!choose_codec(payload, &codec)) {
        return ov_walk_stored(walk, payload, name);
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    size_t used = 0;
    enum ov_status status = ov_codec_unpack(codec, payload, walk, &plain, &used);
    if (status == OV_MEMORY) {
        return status;
    }
    struct ov_child child = {.bytes = ov_buf_span(&plain),
                             .name = name,
                             .packed_bytes = used,
                             .plain_bytes = plain.size};
    TRY(ov_walk_child(walk, &child));
    return status;
}

static enum ov_status walk_rpm(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_span index, store;
    ov_cursor_skip(in, LEAD_BYTES);
    if (!read_header(in, &index, &store)) {
        return OV_DAMAGED;
    }
    ov_cursor_skip(in, (SIGNATURE_ALIGN - in->at % SIGNATURE_ALIGN) % SIGNATURE_ALIGN);
    if (!read_header(in, &index, &store)) {
        return OV_DAMAGED;
    }
    TRY(tell_scripts(index, store, walk));
    return tell_payload(ov_span_from(in->bytes, in->at), walk);
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "\xed\xab\xee\xdb")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_RPM, OV_MAGICS(magics), .walk = walk_rpm, .is_beside = true},
};

OV_FORMAT_SET(rpm, formats);
