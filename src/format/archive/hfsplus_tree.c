// SPDX-License-Identifier: Apache-2.0
// Forks and trees of HFS+.
#include "format/archive/hfsplus.h"
#include "format/codec/pieces.h"

enum {
    NODE_BYTES_MIN = 512,
    NODE_BYTES_MAX = 32768,
    NODE_HEADER_BYTES = 14,
    KIND_LEAF = 0xff,
    ITEMS_MAX = 1 << 18,
};

// ---- forks -------------------------------------------------------------------------------------

static struct ov_hfs_extent read_extent(struct ov_cursor *in) {
    struct ov_hfs_extent extent = {.block = ov_cursor_u32be(in)};
    extent.count = ov_cursor_u32be(in);
    return extent;
}

struct ov_hfs_fork ov_hfs_read_fork(struct ov_cursor *in) {
    struct ov_hfs_fork fork = {.bytes = ov_cursor_u64be(in)};
    ov_cursor_skip(in, 4); // clump
    fork.block_count = ov_cursor_u32be(in);
    for (unsigned i = 0; i < OV_HFS_EXTENTS; i++) {
        fork.extents[i] = read_extent(in);
    }
    return fork;
}

// A fork while it is gathered.
struct gathering {
    struct ov_hfs *hfs;
    struct ov_pieces pieces;
    uint64_t left;       // bytes
    uint32_t next_block; // of the file
};

static enum ov_status add_extents(struct gathering *gathering,
                                  const struct ov_hfs_extent extents[OV_HFS_EXTENTS]) {
    struct ov_hfs *hfs = gathering->hfs;
    for (unsigned i = 0; i < OV_HFS_EXTENTS && gathering->left > 0; i++) {
        if (extents[i].count == 0) {
            break;
        }
        uint64_t at = (uint64_t)extents[i].block * hfs->block_bytes;
        uint64_t size = (uint64_t)extents[i].count * hfs->block_bytes;
        size = size < gathering->left ? size : gathering->left;
        struct ov_span bytes = ov_span_part(hfs->volume, at, size);
        hfs->is_damaged = hfs->is_damaged || bytes.size < size;
        gathering->left -= size;
        gathering->next_block += extents[i].count;
        TRY(ov_pieces_add(&gathering->pieces, bytes, bytes.size));
    }
    return OV_OK;
}

// The extents of a file that did not fit into its record, from a block on.
static bool find_more(const struct ov_hfs *hfs, uint32_t id, enum ov_hfs_fork_kind kind,
                      uint32_t block, struct ov_hfs_extent ret_extents[OV_HFS_EXTENTS]) {
    const struct ov_hfs_item *item = ov_hfs_index_find(&hfs->extents, id);
    for (; item != NULL; item = item->next) {
        if (item->id == id && item->fork == kind && item->parent == block) {
            struct ov_cursor in = ov_cursor_init(item->record);
            for (unsigned i = 0; i < OV_HFS_EXTENTS; i++) {
                ret_extents[i] = read_extent(&in);
            }
            return ret_extents[0].count > 0;
        }
    }
    return false;
}

enum ov_status ov_hfs_fork_bytes(struct ov_hfs *hfs, const struct ov_hfs_fork *fork, uint32_t id,
                                 enum ov_hfs_fork_kind kind, struct ov_buf *whole,
                                 struct ov_span *ret_bytes) {
    struct gathering gathering = {
        .hfs = hfs, .pieces = ov_pieces_init(hfs->walk, whole), .left = fork->bytes};
    enum ov_status status = add_extents(&gathering, fork->extents);
    struct ov_hfs_extent more[OV_HFS_EXTENTS];
    while (status == OV_OK && gathering.left > 0 &&
           find_more(hfs, id, kind, gathering.next_block, more)) {
        TRY(ov_walk_has_time(hfs->walk));
        status = add_extents(&gathering, more);
    }
    if (status == OV_MEMORY) {
        return status;
    }
    hfs->is_damaged = hfs->is_damaged || (status == OV_OK && gathering.left > 0);
    *ret_bytes = ov_pieces_span(&gathering.pieces);
    return ov_walk_has_time(hfs->walk);
}

// ---- trees -------------------------------------------------------------------------------------

static enum ov_status visit_leaf(struct ov_hfs *hfs, struct ov_span node, ov_hfs_visitor *visit,
                                 void *arg) {
    struct ov_cursor in = ov_cursor_init(node);
    ov_cursor_seek(&in, 10);
    uint32_t count = ov_cursor_u16be(&in);
    for (uint32_t i = 0; i < count && (i + 1) * 2 + NODE_HEADER_BYTES < node.size; i++) {
        ov_cursor_seek(&in, node.size - 2 * (i + 1)); // where records begin stands at the end
        uint16_t at = ov_cursor_u16be(&in);
        struct ov_cursor record = ov_cursor_init(ov_span_from(node, at));
        uint16_t key_bytes = ov_cursor_u16be(&record);
        struct ov_span key = ov_cursor_bytes(&record, key_bytes);
        ov_cursor_skip(&record, record.at % 2);
        if (record.has_failed) {
            hfs->is_damaged = true;
            continue;
        }
        TRY(visit(hfs, arg, key, ov_span_from(record.bytes, record.at)));
    }
    return OV_OK;
}

// Nodes are looked at as they follow one another, not by the links between them: links may be
// broken, or go round in circles.
enum ov_status ov_hfs_visit(struct ov_hfs *hfs, struct ov_span tree, ov_hfs_visitor *visit,
                            void *arg) {
    struct ov_cursor in = ov_cursor_init(tree);
    ov_cursor_seek(&in, NODE_HEADER_BYTES + 18);
    uint32_t node_bytes = ov_cursor_u16be(&in);
    if (node_bytes < NODE_BYTES_MIN || node_bytes > NODE_BYTES_MAX) {
        hfs->is_damaged = true;
        return OV_OK;
    }
    for (uint64_t at = node_bytes; at < tree.size; at += node_bytes) {
        TRY(ov_walk_has_time(hfs->walk));
        struct ov_span node = ov_span_part(tree, at, node_bytes);
        if (node.size == node_bytes && node.data[8] == KIND_LEAF) {
            TRY(visit_leaf(hfs, node, visit, arg));
        }
    }
    return OV_OK;
}

static uint32_t get_bucket(uint32_t id) {
    return (id * 0x9e3779b1u) >> 20; // of OV_HFS_BUCKETS
}

enum ov_status ov_hfs_index_add(struct ov_hfs *hfs, struct ov_hfs_index *index,
                                struct ov_hfs_item item) {
    struct ov_arena *arena = hfs->walk->arena;
    if (index->buckets == NULL) {
        index->buckets = ov_arena_array(arena, OV_HFS_BUCKETS, sizeof(struct ov_hfs_item *));
    }
    if (index->count == ITEMS_MAX) {
        ov_budget_note(hfs->walk->budget, OV_LIMIT_FILES);
        return OV_OK;
    }
    struct ov_hfs_item *copy = ov_arena_alloc(arena, sizeof *copy);
    if (index->buckets == NULL || copy == NULL) {
        return OV_MEMORY;
    }
    struct ov_hfs_item **bucket = &index->buckets[get_bucket(item.id)];
    item.next = *bucket;
    *copy = item;
    *bucket = copy;
    index->count++;
    return OV_OK;
}

const struct ov_hfs_item *ov_hfs_index_find(const struct ov_hfs_index *index, uint32_t id) {
    return index->buckets != NULL ? index->buckets[get_bucket(id)] : NULL;
}
