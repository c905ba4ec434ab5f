// SPDX-License-Identifier: Apache-2.0
// Archives of RAR, versions 2.9 to 5, by libarchive.
//
// RAR 5.0 archive format (rarlab.com, technote.htm) for what libarchive passes over.
#include "format/format.h"
#include "format/archive/libarchive.h"

enum {
    MARK_BYTES = 8,
    SUM_BYTES = 4,
    BLOCK_FILE = 2,
    BLOCK_ENCRYPTION = 4, // all that follows is encrypted
    HAS_EXTRA = 1,
    HAS_DATA = 2,
    EXTRA_ENCRYPTION = 1,
};

static const uint8_t MARK_5[MARK_BYTES] = {'R', 'a', 'r', '!', 0x1a, 7, 1, 0};

// Seven bits in each byte, the lowest first; the highest bit says that there are more.
static uint64_t read_number(struct ov_cursor *in) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        uint8_t byte = ov_cursor_u8(in);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            break;
        }
    }
    return value;
}

// Records of a header: size, kind, data.
static bool has_encryption(struct ov_span extra) {
    struct ov_cursor in = ov_cursor_init(extra);
    while (ov_cursor_left(&in) > 0) {
        uint64_t size = read_number(&in);
        struct ov_cursor record = ov_cursor_init(ov_cursor_bytes(&in, size));
        if (size > 0 && read_number(&record) == EXTRA_ENCRYPTION && !in.has_failed) {
            return true;
        }
    }
    return false;
}

// Moves behind one block; whether it tells of something encrypted.
static bool pass_block(struct ov_cursor *in) {
    ov_cursor_skip(in, SUM_BYTES);
    uint64_t size = read_number(in);
    struct ov_span header = ov_cursor_bytes(in, size);
    struct ov_cursor fields = ov_cursor_init(header);
    uint64_t kind = read_number(&fields), flags = read_number(&fields);
    uint64_t extra_bytes = (flags & HAS_EXTRA) != 0 ? read_number(&fields) : 0;
    ov_cursor_skip(in, (flags & HAS_DATA) != 0 ? read_number(&fields) : 0);
    bool has_extra = extra_bytes > 0 && extra_bytes <= header.size;
    return kind == BLOCK_ENCRYPTION ||
           (kind == BLOCK_FILE && has_extra &&
            has_encryption(ov_span_from(header, header.size - extra_bytes)));
}

// libarchive 3.6 takes encrypted members of version 5 for damaged ones.
static enum ov_status note_encryption(struct ov_cursor in, struct ov_walk *walk) {
    if (!ov_span_is_equal(ov_cursor_bytes(&in, MARK_BYTES), ov_span_make(MARK_5, MARK_BYTES))) {
        return OV_OK;
    }
    while (ov_cursor_left(&in) > 0) {
        TRY(ov_walk_has_time(walk));
        if (pass_block(&in)) {
            ov_walk_fact(walk, OV_FACT_ENCRYPTED);
            break;
        }
    }
    return OV_OK;
}

static enum ov_status walk_rar(struct ov_cursor *in, struct ov_walk *walk) {
    TRY(note_encryption(*in, walk));
    return ov_archive_walk(in, walk, OV_ARCHIVE_RAR);
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "Rar!")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_RAR, OV_MAGICS(magics), .walk = walk_rar},
};

OV_FORMAT_SET(rar, formats);
