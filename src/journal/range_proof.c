// SPDX-License-Identifier: Apache-2.0
// Proofs for many entries at once.
#include "journal/range_proof.h"

// A subtree: the entries from `low` to `high`, and which of the leaves stand in it.
struct part {
    uint64_t low, high;
    size_t first, last;
};

// Cuts a part where RFC 6962 does: the left has the largest power of two below its size.
static void split(const struct part *part, const struct ov_range_leaves *leaves,
                  struct part *ret_left, struct part *ret_right) {
    uint64_t half = 1;
    while (half < part->high - part->low - half) {
        half *= 2;
    }
    uint64_t middle = part->low + half;
    size_t low = part->first;
    size_t high = part->last;
    while (low < high) { // the first leaf from the middle on
        size_t at = low + (high - low) / 2;
        if (leaves->indices[at] < middle) {
            low = at + 1;
        } else {
            high = at;
        }
    }
    *ret_left = (struct part){part->low, middle, part->first, low};
    *ret_right = (struct part){middle, part->high, low, part->last};
}

static bool are_ascending(const struct ov_range_leaves *leaves, uint64_t size) {
    for (size_t i = 0; i < leaves->count; i++) {
        if (leaves->indices[i] >= size || (i > 0 && leaves->indices[i] <= leaves->indices[i - 1])) {
            return false;
        }
    }
    return size > 0 && size <= OV_NUMBER_MAX;
}

// ---- made ---------------------------------------------------------------------------------------

// NOLINTNEXTLINE(misc-no-recursion): as deep as a tree has levels, 64 at most
static enum ov_status read_part(const struct ov_tree_source *source, const struct part *part,
                                struct ov_tree_hash *ret_hash) {
    static const struct ov_range_leaves none;
    uint64_t size = part->high - part->low;
    if ((size & (size - 1)) == 0) {
        unsigned level = (unsigned)__builtin_ctzll(size);
        return source->read(source->arg, level, part->low >> level, ret_hash);
    }
    struct part left;
    struct part right;
    struct ov_tree_hash hashes[2];
    split(part, &none, &left, &right);
    TRY(read_part(source, &left, &hashes[0]));
    TRY(read_part(source, &right, &hashes[1]));
    ov_node_hash(&hashes[0], &hashes[1], ret_hash);
    return OV_OK;
}

// NOLINTNEXTLINE(misc-no-recursion): as above
static enum ov_status prove(const struct ov_tree_source *source, const struct part *part,
                            const struct ov_range_leaves *leaves, struct ov_buf *proof) {
    if (part->first == part->last) {
        struct ov_tree_hash hash;
        TRY(read_part(source, &(struct part){part->low, part->high, 0, 0}, &hash));
        ov_buf_add(proof, hash.bytes, sizeof hash.bytes);
        return ov_buf_status(proof);
    }
    if (part->high - part->low == 1) {
        return OV_OK;
    }
    struct part left;
    struct part right;
    split(part, leaves, &left, &right);
    TRY(prove(source, &left, leaves, proof));
    return prove(source, &right, leaves, proof);
}

enum ov_status ov_range_prove(const struct ov_tree_source *source, uint64_t size,
                              const struct ov_range_leaves *leaves, struct ov_buf *ret_proof) {
    if (!are_ascending(leaves, size)) {
        return OV_INVALID;
    }
    return prove(source, &(struct part){0, size, 0, leaves->count}, leaves, ret_proof);
}

// ---- checked ------------------------------------------------------------------------------------

// NOLINTNEXTLINE(misc-no-recursion): as above
static void find_root(const struct part *part, const struct ov_range_leaves *leaves,
                      struct ov_cursor *proof, struct ov_tree_hash *ret_root) {
    if (part->first == part->last) {
        struct ov_span hash = ov_cursor_bytes(proof, sizeof ret_root->bytes);
        if (hash.size == sizeof ret_root->bytes) {
            memcpy(ret_root->bytes, hash.data, sizeof ret_root->bytes);
        }
        return;
    }
    if (part->high - part->low == 1) {
        *ret_root = leaves->hashes[part->first];
        return;
    }
    struct part left;
    struct part right;
    struct ov_tree_hash hashes[2] = {0};
    split(part, leaves, &left, &right);
    find_root(&left, leaves, proof, &hashes[0]);
    find_root(&right, leaves, proof, &hashes[1]);
    ov_node_hash(&hashes[0], &hashes[1], ret_root);
}

enum ov_status ov_range_root(uint64_t size, const struct ov_range_leaves *leaves,
                             struct ov_span proof, struct ov_tree_hash *ret_root) {
    struct ov_cursor cursor = ov_cursor_init(proof);
    struct ov_tree_hash root = {0};
    if (!are_ascending(leaves, size)) {
        return OV_DAMAGED;
    }
    find_root(&(struct part){0, size, 0, leaves->count}, leaves, &cursor, &root);
    if (cursor.has_failed || ov_cursor_left(&cursor) > 0) {
        return OV_DAMAGED;
    }
    *ret_root = root;
    return OV_OK;
}
