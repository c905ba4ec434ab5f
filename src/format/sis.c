// SPDX-License-Identifier: Apache-2.0
// Installers of EPOC and Symbian before version 9 ("SIS File Format" by A. Thoukydides, 1.18).
#include "format/archive/sis.h"

#include "format/codec/codec.h"
#include "format/codec/codepage.h"
#include "format/format.h"
#include "format/codec/utf16.h"

enum {
    KIND_AT = 4,
    LANGUAGE_COUNT_AT = 18,
    OPTIONS_AT = 36,
    FILES_AT = 52,
    IS_WIDE = 1, // options
    IS_STORED = 8,
    SELECTED_BYTES = 16,
    WINDOWS_1252 = 1252,
    NAME_BYTES_MAX = 1024,
};

static const uint32_t KIND_EPOC5 = 0x1000006d; // and before; else that of release 6

enum record {
    RECORD_FILE = 0,
    RECORD_FILES, // one for each language
    RECORD_OPTIONS,
    RECORD_IF,
    RECORD_ELSE_IF,
    RECORD_ELSE,
    RECORD_END_IF,
};

struct installer {
    struct ov_walk *walk;
    struct ov_span file;
    uint16_t language_count;
    uint16_t options;
    bool is_old; // no sizes of packed files: nothing is packed
    struct ov_buf name;
    enum ov_status worst;
};

// Where the file is to be installed, or what it was called before if that is not said.
static enum ov_status read_name(struct installer *installer, struct ov_cursor *in) {
    ov_buf_reset(&installer->name);
    struct ov_span names[2];
    for (size_t i = 0; i < OV_COUNT(names); i++) {
        size_t size = ov_cursor_u32le(in);
        size_t at = ov_cursor_u32le(in);
        names[i] = ov_span_part(installer->file, at, size < NAME_BYTES_MAX ? size : NAME_BYTES_MAX);
    }
    struct ov_span name = names[1].size > 0 ? names[1] : names[0];
    if ((installer->options & IS_WIDE) != 0) {
        ov_utf16_add_bytes(&installer->name, name);
    } else {
        ov_codepage_add(&installer->name, name, WINDOWS_1252);
    }
    return ov_buf_status(&installer->name);
}

static enum ov_status tell_file(struct installer *installer, size_t at, size_t size,
                                uint32_t plain_bytes) {
    struct ov_span packed = ov_span_part(installer->file, at, size);
    struct ov_span name = ov_buf_span(&installer->name);
    if (packed.size < size) {
        ov_walk_keep_worst(&installer->worst, OV_DAMAGED);
    }
    if (packed.size == 0) {
        return OV_OK;
    }
    if (installer->is_old || (installer->options & IS_STORED) != 0) {
        return ov_walk_stored(installer->walk, packed, name);
    }
    struct ov_child child = {.name = name, .packed_bytes = size, .plain_bytes = plain_bytes};
    return ov_codec_tell(OV_CODEC_ZLIB, packed, &child, installer->walk, &installer->worst);
}

// Sizes, then places, then sizes of what is unpacked, each for all languages.
static enum ov_status read_files(struct installer *installer, struct ov_cursor *in,
                                 uint64_t count) {
    ov_cursor_skip(in, 2 * sizeof(uint32_t)); // what is to be done with it
    TRY(read_name(installer, in));
    size_t columns = installer->is_old ? 2 : 3;
    count = ov_cursor_count(in, count, columns * sizeof(uint32_t));
    struct ov_span numbers = ov_cursor_bytes(in, count * columns * sizeof(uint32_t));
    struct ov_cursor sizes = ov_cursor_init(numbers), places = sizes, plain_sizes = sizes;
    ov_cursor_seek(&places, count * sizeof(uint32_t));
    ov_cursor_seek(&plain_sizes, count * (columns - 1) * sizeof(uint32_t));
    for (uint64_t i = 0; i < count; i++) {
        uint32_t size = ov_cursor_u32le(&sizes), at = ov_cursor_u32le(&places);
        TRY(tell_file(installer, at, size, ov_cursor_u32le(&plain_sizes)));
    }
    ov_cursor_skip(in, installer->is_old ? 0 : 2 * sizeof(uint32_t)); // MIME type
    return OV_OK;
}

static enum ov_status read_record(struct installer *installer, struct ov_cursor *in) {
    uint64_t language_count = installer->language_count;
    switch (ov_cursor_u32le(in)) {
    case RECORD_FILE:
        return read_files(installer, in, 1);
    case RECORD_FILES:
        return read_files(installer, in, language_count);
    case RECORD_OPTIONS:
        ov_cursor_skip(in, ov_cursor_u32le(in) * language_count * 2 * sizeof(uint32_t));
        ov_cursor_skip(in, SELECTED_BYTES);
        return OV_OK;
    case RECORD_IF:
    case RECORD_ELSE_IF:
        ov_cursor_skip(in, ov_cursor_u32le(in));
        return OV_OK;
    case RECORD_ELSE:
    case RECORD_END_IF:
        return OV_OK;
    default:
        return OV_DAMAGED;
    }
}

static enum ov_status walk_records(struct installer *installer, struct ov_cursor *in,
                                   uint16_t count) {
    for (uint16_t i = 0; i < count && !in->has_failed; i++) {
        TRY(ov_walk_has_time(installer->walk));
        TRY(read_record(installer, in));
    }
    return ov_cursor_status(in);
}

static enum ov_status walk_old(struct ov_cursor *in, struct ov_walk *walk) {
    struct installer installer = {.walk = walk, .file = in->bytes};
    ov_cursor_seek(in, KIND_AT);
    installer.is_old = ov_cursor_u32le(in) == KIND_EPOC5;
    ov_cursor_seek(in, LANGUAGE_COUNT_AT);
    installer.language_count = ov_cursor_u16le(in);
    uint16_t count = ov_cursor_u16le(in);
    ov_cursor_seek(in, OPTIONS_AT);
    installer.options = ov_cursor_u16le(in);
    ov_cursor_seek(in, FILES_AT);
    ov_cursor_seek(in, ov_cursor_u32le(in));
    enum ov_status status = walk_records(&installer, in, count);
    ov_buf_release(&installer.name);
    return status != OV_OK ? status : installer.worst;
}

static const struct ov_magic magics_old[] = {OV_MAGIC(8, "\x19\x04\x00\x10")};
static const struct ov_magic magics_new[] = {OV_MAGIC(0, "\x7a\x1a\x20\x10")};

static enum ov_status walk_sis(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_span magic = ov_span_make(magics_new->bytes, magics_new->size);
    bool is_new = ov_span_is_equal(ov_span_part(in->bytes, 0, magic.size), magic);
    return is_new ? ov_sis_fields_walk(in, walk) : walk_old(in, walk);
}

// clamscan knows how to read the newer ones, but not how to find them.
static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_SIS, OV_MAGICS(magics_old), .walk = walk_sis},
    {.type = OV_FILETYPE_SIS, OV_MAGICS(magics_new), .walk = walk_sis, .is_beside = true},
};

OV_FORMAT_SET(sis, formats);
