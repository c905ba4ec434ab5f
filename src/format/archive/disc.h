// SPDX-License-Identifier: Apache-2.0
//
// The sectors of an image of a disc, and which parts of it have been told. Worker process only.
//
// An image holds sectors of 2048 bytes, or raw ones with 2336 to 2448, of which 2048 are data.
#pragma once

#include "base/buf.h"
#include "format/walk.h"

enum { OV_DISC_SECTOR_BYTES = 2048 };

struct ov_disc {
    struct ov_walk *walk;
    struct ov_span image;
    size_t raw_bytes; // from the data of one sector to that of the next
    uint64_t *seen;   // a table of places, by hash
    uint32_t seen_count;
};

// OV_MEMORY.
enum ov_status ov_disc_init(struct ov_disc *ret_disc, struct ov_span image, size_t raw_bytes,
                            struct ov_walk *walk);

// The data at `at`, counted in data alone: of the image itself, or gathered in `copy`. Shorter than
// `size` where the image ends, or where it does not fit ov_walk_room().
struct ov_span ov_disc_read(struct ov_disc *disc, uint64_t at, uint64_t size, struct ov_buf *copy);

// Notes a place. False: it was noted before, or there have been too many, which is a limit.
bool ov_disc_is_new(struct ov_disc *disc, uint64_t at, uint64_t size);
