// SPDX-License-Identifier: Apache-2.0
// The sectors of an image of a disc.
#include "format/archive/disc.h"

enum {
    SEEN_ROOM = 1 << 16,
    SEEN_MAX = SEEN_ROOM / 4 * 3,
};

enum ov_status ov_disc_init(struct ov_disc *ret_disc, struct ov_span image, size_t raw_bytes,
                            struct ov_walk *walk) {
    *ret_disc = (struct ov_disc){.walk = walk, .image = image, .raw_bytes = raw_bytes};
    ret_disc->seen = ov_arena_array(walk->arena, SEEN_ROOM, sizeof *ret_disc->seen);
    return ret_disc->seen != NULL ? OV_OK : OV_MEMORY;
}

static void add_sectors(struct ov_disc *disc, uint64_t at, size_t size, struct ov_buf *copy) {
    while (size > 0 && !copy->has_failed && ov_walk_has_time(disc->walk) == OV_OK) {
        uint64_t inside = at % OV_DISC_SECTOR_BYTES;
        size_t most = OV_DISC_SECTOR_BYTES - inside;
        most = size < most ? size : most;
        struct ov_span piece =
            ov_span_part(disc->image, at / OV_DISC_SECTOR_BYTES * disc->raw_bytes + inside, most);
        ov_buf_add(copy, piece.data, piece.size);
        if (piece.size < most) {
            break;
        }
        at += most;
        size -= most;
    }
}

struct ov_span ov_disc_read(struct ov_disc *disc, uint64_t at, uint64_t size, struct ov_buf *copy) {
    if (disc->raw_bytes == OV_DISC_SECTOR_BYTES) {
        return ov_span_part(disc->image, at, size);
    }
    size_t room = ov_walk_room(disc->walk);
    if (size > room) {
        ov_walk_note_cut(disc->walk);
    }
    ov_buf_reset(copy);
    add_sectors(disc, at, size < room ? (size_t)size : room, copy);
    return ov_buf_span(copy);
}

bool ov_disc_is_new(struct ov_disc *disc, uint64_t at, uint64_t size) {
    uint64_t key = (at + 1) * 0x9e3779b97f4a7c15u ^ size * 0xc2b2ae3d27d4eb4fu;
    key = key != 0 ? key : 1;
    size_t slot = key >> 48;
    for (; disc->seen[slot] != 0; slot = (slot + 1) % SEEN_ROOM) {
        if (disc->seen[slot] == key) {
            return false;
        }
    }
    if (disc->seen_count >= SEEN_MAX) {
        ov_budget_note(disc->walk->budget, OV_LIMIT_FILES);
        return false;
    }
    disc->seen[slot] = key;
    disc->seen_count++;
    return true;
}
