// SPDX-License-Identifier: Apache-2.0
// Windows shortcuts ([MS-SHLLINK]): what was put behind their end.
#include "format/format.h"

enum {
    HEADER_BYTES = 76,
    FLAGS_AT = 20,
    HAS_ID_LIST = 1 << 0,
    HAS_LINK_INFO = 1 << 1,
    STRING_FIRST = 1 << 2, // to STRING_LAST, one bit each
    STRING_LAST = 1 << 6,
    IS_WIDE = 1 << 7,
    BLOCK_BYTES_MIN = 4, // a smaller size ends the blocks
};

// Leaves the cursor behind the structure.
static void skip_structure(struct ov_cursor *in) {
    ov_cursor_seek(in, FLAGS_AT);
    uint32_t flags = ov_cursor_u32le(in);
    ov_cursor_seek(in, HEADER_BYTES);
    if ((flags & HAS_ID_LIST) != 0) {
        ov_cursor_skip(in, ov_cursor_u16le(in));
    }
    if ((flags & HAS_LINK_INFO) != 0) {
        uint32_t size = ov_cursor_u32le(in); // counts itself
        ov_cursor_skip(in, size > 4 ? size - 4 : 0);
    }
    for (uint32_t string = STRING_FIRST; string <= STRING_LAST; string <<= 1) {
        if ((flags & string) != 0) {
            uint64_t count = ov_cursor_u16le(in);
            ov_cursor_skip(in, (flags & IS_WIDE) != 0 ? count * 2 : count);
        }
    }
    uint32_t size = ov_cursor_u32le(in);
    while (size >= BLOCK_BYTES_MIN && !in->has_failed) {
        ov_cursor_skip(in, size - 4);
        size = ov_cursor_left(in) > 0 ? ov_cursor_u32le(in) : 0; // many lack the last one
    }
}

static enum ov_status walk_lnk(struct ov_cursor *in, struct ov_walk *walk) {
    skip_structure(in);
    TRY(ov_cursor_status(in));
    struct ov_span rest = ov_span_from(in->bytes, in->at);
    return rest.size == 0 ? OV_OK
                          : ov_walk_member(walk, rest, ov_span_make(NULL, 0), OV_FILETYPE_NONE);
}

static const struct ov_magic magics_lnk[] = {
    OV_MAGIC(0, "L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_LNK, OV_MAGICS(magics_lnk), .walk = walk_lnk},
};

OV_FORMAT_SET(lnk, formats);
