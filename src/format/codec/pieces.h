// SPDX-License-Identifier: Apache-2.0
//
// The content of a file that may lie in several pieces of an image: what is one run of bytes there
// is borrowed, more are gathered in a buffer. Worker process only.
#pragma once

#include "format/walk.h"

struct ov_pieces {
    struct ov_walk *walk;
    struct ov_buf *whole; // the caller's; used from the second piece on
    struct ov_span first; // as long as one run of bytes is enough
    uint64_t room;        // of the whole
};

// Nothing yet; the buffer is emptied.
struct ov_pieces ov_pieces_init(struct ov_walk *walk, struct ov_buf *whole);

// Adds bytes and, when there are fewer than `size`, zeros. OV_LIMIT: they did not fit
// ov_walk_room(), which is told; what fits was added. OV_MEMORY.
enum ov_status ov_pieces_add(struct ov_pieces *pieces, struct ov_span bytes, uint64_t size);

// What was added; valid until the next piece.
struct ov_span ov_pieces_span(const struct ov_pieces *pieces);
