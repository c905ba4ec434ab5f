// SPDX-License-Identifier: Apache-2.0
// Implode: a window of 4 or 8 KB and two or three Shannon-Fano trees (APPNOTE.TXT 5.3).
#include "format/codec/lz.h"
#include "format/archive/zip_methods.h"

enum {
    HAS_LARGE_WINDOW = 2, // flags of the member
    HAS_LITERAL_TREE = 4,
    LENGTH_MORE = 63, // of a match: eight more bits follow
    PADDING_BITS = 16 // fewer bits than these behind the last byte are no data
};

struct exploder {
    struct ov_bits bits;
    struct ov_window window;
    struct ov_huffman literals, lengths, distances;
    bool has_literals;
    unsigned distance_bits; // the low ones, stored as they are
};

// A tree is stored as runs: low half of a byte, length of a code less one; high half, how many
// codes less one (5.3.7). The codes' bits are the opposite of canonical ones.
static enum ov_status read_tree(struct exploder *in, unsigned symbols,
                                struct ov_huffman *ret_tree) {
    uint8_t lengths[256];
    unsigned at = 0, runs = ov_bits_take(&in->bits, 8) + 1;
    for (unsigned i = 0; i < runs; i++) {
        unsigned run = ov_bits_take(&in->bits, 8);
        unsigned count = (run >> 4) + 1;
        if (count > symbols - at || in->bits.is_past) {
            return OV_DAMAGED;
        }
        memset(&lengths[at], (int)(run & 15) + 1, count);
        at += count;
    }
    ret_tree->is_inverted = true;
    return at == symbols ? ov_huffman_build(lengths, symbols, false, ret_tree) : OV_DAMAGED;
}

static enum ov_status copy_match(struct exploder *in) {
    uint32_t low = ov_bits_take(&in->bits, in->distance_bits);
    int high = ov_huffman_read(&in->distances, &in->bits);
    int length = ov_huffman_read(&in->lengths, &in->bits);
    if (high < 0 || length < 0) {
        return OV_DAMAGED;
    }
    uint32_t more = length == LENGTH_MORE ? ov_bits_take(&in->bits, 8) : 0;
    if (in->bits.is_past) {
        return OV_DAMAGED;
    }
    size_t size = (size_t)length + more + (in->has_literals ? 3 : 2);
    size_t distance = ((size_t)high << in->distance_bits | low) + 1;
    return ov_window_copy(&in->window, distance, size) ? OV_OK : in->window.status;
}

static enum ov_status copy_literal(struct exploder *in) {
    int byte = in->has_literals ? ov_huffman_read(&in->literals, &in->bits)
                                : (int)ov_bits_take(&in->bits, 8);
    if (byte < 0 || in->bits.is_past) {
        return OV_DAMAGED;
    }
    return ov_window_put(&in->window, (uint8_t)byte) ? OV_OK : in->window.status;
}

static enum ov_status explode_all(struct exploder *in, uint64_t plain_bytes) {
    if (in->has_literals) {
        TRY(read_tree(in, 256, &in->literals));
    }
    TRY(read_tree(in, 64, &in->lengths));
    TRY(read_tree(in, 64, &in->distances));
    while (true) {
        bool is_done = ov_window_written(&in->window) >= plain_bytes;
        if (is_done && ov_bits_left(&in->bits) < PADDING_BITS) {
            return OV_OK;
        }
        bool is_literal = ov_bits_take(&in->bits, 1) != 0;
        enum ov_status status = is_literal ? copy_literal(in) : copy_match(in);
        if (status != OV_OK) {
            return status == OV_DAMAGED && is_done ? OV_OK : status;
        }
    }
}

enum ov_status ov_zip_explode(struct ov_span packed, unsigned flags, uint64_t plain_bytes,
                              struct ov_walk *walk, struct ov_buf *plain) {
    struct exploder in = {.bits = ov_bits_init(packed, false),
                          .has_literals = (flags & HAS_LITERAL_TREE) != 0,
                          .distance_bits = (flags & HAS_LARGE_WINDOW) != 0 ? 7 : 6};
    ov_window_init(&in.window, plain, walk);
    enum ov_status status = explode_all(&in, plain_bytes);
    ov_window_finish(&in.window);
    return status;
}
