// SPDX-License-Identifier: Apache-2.0
// CryptFF: a file with all of its bits turned round, behind a header of 16 bytes.
#include "format/format.h"

enum { HEADER_BYTES = 16 };

static enum ov_status walk_cryptff(struct ov_cursor *in, struct ov_walk *walk) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    struct ov_span hidden = ov_span_from(in->bytes, HEADER_BYTES);
    size_t room = ov_walk_room(walk);
    if (hidden.size > room) {
        ov_walk_note_cut(walk);
    }
    size_t size = hidden.size < room ? hidden.size : room;
    uint8_t *bytes = ov_buf_extend(&plain, size);
    TRY(ov_buf_status(&plain));
    for (size_t i = 0; i < size; i++) {
        bytes[i] = hidden.data[i] ^ 0xff;
    }
    return ov_walk_member(walk, ov_buf_span(&plain), ov_span_make(NULL, 0), OV_FILETYPE_NONE);
}

static const struct ov_magic magics[] = {OV_MAGIC(0, "\xb6\xb9\xac\xae\xfe\xff\xff\xff")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_CRYPTFF, OV_MAGICS(magics), .walk = walk_cryptff},
};

OV_FORMAT_SET(cryptff, formats);
