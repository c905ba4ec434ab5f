// SPDX-License-Identifier: Apache-2.0
// The content of a file that may lie in several pieces of an image.
#include "format/codec/pieces.h"

struct ov_pieces ov_pieces_init(struct ov_walk *walk, struct ov_buf *whole) {
    ov_buf_reset(whole);
    return (struct ov_pieces){.walk = walk, .whole = whole, .room = ov_walk_room(walk)};
}

enum ov_status ov_pieces_add(struct ov_pieces *pieces, struct ov_span bytes, uint64_t size) {
    struct ov_buf *whole = pieces->whole;
    if (whole->size == 0 && pieces->first.size == 0 && bytes.size == size) {
        pieces->first = bytes;
        return OV_OK;
    }
    if (whole->size == 0) {
        ov_buf_add(whole, pieces->first.data, pieces->first.size);
    }
    uint64_t left = pieces->room > whole->size ? pieces->room - whole->size : 0;
    bool is_cut = size > left;
    if (is_cut) {
        ov_walk_note_cut(pieces->walk);
        size = left;
    }
    struct ov_span fits = ov_span_part(bytes, 0, size);
    ov_buf_add(whole, fits.data, fits.size);
    TRY(ov_buf_status(whole));
    bool has_failed = fits.size < size && ov_buf_extend(whole, size - fits.size) == NULL;
    return has_failed ? OV_MEMORY : is_cut ? OV_LIMIT : OV_OK;
}

struct ov_span ov_pieces_span(const struct ov_pieces *pieces) {
    return pieces->whole->size > 0 ? ov_buf_span(pieces->whole) : pieces->first;
}
