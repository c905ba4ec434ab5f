// SPDX-License-Identifier: Apache-2.0
// The last tiles of a log: filled entry by entry, put when they are full.
#include "ledger/log_edge.h"

// How many hashes a level of tiles has in all, of a tree of `size` entries.
static uint64_t count_hashes(uint64_t size, unsigned level) {
    return size >> level * OV_TILE_LEVEL_BITS;
}

static void read_root(const struct ov_tree_hash *hashes, unsigned count,
                      struct ov_tree_hash *ret_root) {
    struct ov_tree tree;
    ov_tree_init(&tree);
    for (unsigned i = 0; i < count; i++) {
        ov_tree_append(&tree, &hashes[i]);
    }
    ov_tree_root(&tree, ret_root);
}

static enum ov_status put_tile(const struct ov_log_edge *edge, unsigned level, unsigned width,
                               const struct ov_log_sink *sink) {
    struct ov_log_tile tile = {
        .number = count_hashes(edge->size, level) / OV_TILE_WIDTH,
        .level = level,
        .width = width,
        .bytes = ov_span_make(edge->hashes[level], width * sizeof edge->hashes[level][0]),
    };
    return sink->put(sink->arg, &tile);
}

enum ov_status ov_log_edge_push(struct ov_log_edge *edge, const struct ov_tree_hash *leaf_hash,
                                const struct ov_log_sink *sink) {
    if (edge->size >= OV_NUMBER_MAX) {
        return OV_LIMIT;
    }
    struct ov_tree_hash hash = *leaf_hash;
    for (unsigned level = 0; level < OV_TILE_LEVELS; level++) {
        unsigned place = (unsigned)(count_hashes(edge->size, level) % OV_TILE_WIDTH);
        edge->hashes[level][place] = hash;
        if (place + 1 < OV_TILE_WIDTH) {
            break;
        }
        TRY(put_tile(edge, level, OV_TILE_WIDTH, sink));
        read_root(edge->hashes[level], OV_TILE_WIDTH, &hash);
    }
    edge->size++;
    return OV_OK;
}

enum ov_status ov_log_edge_put_partial(const struct ov_log_edge *edge, uint64_t old_size,
                                       const struct ov_log_sink *sink) {
    for (unsigned level = 0; level < OV_TILE_LEVELS; level++) {
        uint64_t count = count_hashes(edge->size, level);
        unsigned width = (unsigned)(count % OV_TILE_WIDTH);
        if (width > 0 && count != count_hashes(old_size, level)) {
            TRY(put_tile(edge, level, width, sink));
        }
    }
    return OV_OK;
}

// The row of a level is cut into complete subtrees as its count is into powers of two: together
// they are the edge of the whole tree.
void ov_log_edge_root(const struct ov_log_edge *edge, struct ov_tree_hash *ret_root) {
    struct ov_tree tree = {.size = edge->size};
    for (unsigned level = 0; level < OV_TREE_LEVELS; level++) {
        if (edge->size >> level & 1) {
            unsigned row = level / OV_TILE_LEVEL_BITS;
            unsigned count = 1U << level % OV_TILE_LEVEL_BITS;
            unsigned width = (unsigned)(count_hashes(edge->size, row) % OV_TILE_WIDTH);
            unsigned first = (width & ~(2 * count - 1)); // behind the larger ones
            read_root(&edge->hashes[row][first], count, &tree.edge[level]);
        }
    }
    ov_tree_root(&tree, ret_root);
}
