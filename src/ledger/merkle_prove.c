// SPDX-License-Identifier: Apache-2.0
// Roots and proofs from the roots of complete subtrees (RFC 9162 sections 2.1.3.1 and 2.1.4.1).
#include "ledger/merkle.h"

enum ov_status ov_tree_load(const struct ov_tree_source *source, uint64_t size,
                            struct ov_tree *ret_tree) {
    if (size > OV_NUMBER_MAX) {
        return OV_INVALID;
    }
    struct ov_tree tree = {.size = size};
    for (unsigned level = 0; level < OV_TREE_LEVELS; level++) {
        if (size >> level & 1) { // it begins where the larger ones end
            TRY(source->read(source->arg, level, (size >> level) - 1, &tree.edge[level]));
        }
    }
    *ret_tree = tree;
    return OV_OK;
}

enum ov_status ov_tree_root_at(const struct ov_tree_source *source, uint64_t size,
                               struct ov_tree_hash *ret_root) {
    struct ov_tree tree;
    TRY(ov_tree_load(source, size, &tree));
    ov_tree_root(&tree, ret_root);
    return OV_OK;
}

// The root of the last node of a level, which is cut short by the tree's end: that of the subtrees
// of the right edge which are smaller than the level, or of one that fills it.
static enum ov_status read_last(const struct ov_tree_source *source, unsigned level, uint64_t size,
                                struct ov_tree_hash *ret_hash) {
    uint64_t rest = ((size - 1) & ((UINT64_C(1) << level) - 1)) + 1; // entries below that node
    if (rest == UINT64_C(1) << level) {
        return source->read(source->arg, level, (size - 1) >> level, ret_hash);
    }
    struct ov_tree tree = {.size = rest};
    for (unsigned i = 0; i < level; i++) {
        if (rest >> i & 1) {
            TRY(source->read(source->arg, i, (size >> i) - 1, &tree.edge[i]));
        }
    }
    ov_tree_root(&tree, ret_hash);
    return OV_OK;
}

// Adds the neighbours on the way from node `at` of `level` to the root of `size` entries.
static enum ov_status add_neighbours(const struct ov_tree_source *source, unsigned level,
                                     uint64_t at, uint64_t size, struct ov_tree_proof *proof) {
    for (uint64_t last = (size - 1) >> level; last > 0; last >>= 1, at >>= 1, level++) {
        struct ov_tree_hash *next = &proof->hashes[proof->count];
        if (at & 1) {
            TRY(source->read(source->arg, level, at - 1, next));
        } else if (at + 1 < last) {
            TRY(source->read(source->arg, level, at + 1, next));
        } else if (at + 1 == last) {
            TRY(read_last(source, level, size, next));
        } else {
            continue; // the last node of its level, without a neighbour: it is its own parent
        }
        proof->count++; // at most one a level, and sizes have 63 bits
    }
    return OV_OK;
}

enum ov_status ov_inclusion_prove(const struct ov_tree_source *source, uint64_t index,
                                  uint64_t size, struct ov_tree_proof *ret_proof) {
    if (index >= size || size > OV_NUMBER_MAX) {
        return OV_INVALID;
    }
    struct ov_tree_proof proof = {0};
    TRY(add_neighbours(source, 0, index, size, &proof));
    *ret_proof = proof;
    return OV_OK;
}

enum ov_status ov_consistency_prove(const struct ov_tree_source *source, uint64_t old_size,
                                    uint64_t new_size, struct ov_tree_proof *ret_proof) {
    if (old_size == 0 || old_size > new_size || new_size > OV_NUMBER_MAX) {
        return OV_INVALID;
    }
    struct ov_tree_proof proof = {0};
    if (old_size < new_size) {
        // The smallest complete subtree at the old tree's end: the proof starts with it, unless it
        // is the whole old tree, whose root the verifier has.
        unsigned level = (unsigned)__builtin_ctzll(old_size);
        uint64_t at = (old_size - 1) >> level;
        if (at > 0) {
            TRY(source->read(source->arg, level, at, &proof.hashes[proof.count++]));
        }
        TRY(add_neighbours(source, level, at, new_size, &proof));
    }
    *ret_proof = proof;
    return OV_OK;
}
