// SPDX-License-Identifier: Apache-2.0
//
// The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1 is the same): hashes of entries,
// the root of a growing tree, and proofs: made, and checked.
//
// Nothing here owns memory. Any process. A proof is believed for one reason alone: it leads to a
// root that the caller trusts. Sizes are at most OV_NUMBER_MAX.
#pragma once

#include "ledger/encoding.h"

enum {
    OV_TREE_LEVELS = 64,    // a subtree of level L has 2^L entries
    OV_TREE_PROOF_MAX = 64, // hashes in a proof
};

// What a checkpoint says of a tree.
struct ov_tree_head {
    uint64_t size; // entries
    struct ov_tree_hash root;
};

// An inclusion or a consistency proof: hashes in the order of the RFC, those near the leaf first.
struct ov_tree_proof {
    size_t count; // at most OV_TREE_PROOF_MAX
    struct ov_tree_hash hashes[OV_TREE_PROOF_MAX];
};

// ---- hashes: section 2.1.1 ----------------------------------------------------------------------

// SHA-256 of 00 and the entry.
void ov_leaf_hash(struct ov_span entry, struct ov_tree_hash *ret_hash);

// SHA-256 of 01 and both hashes. `ret_hash` may be one of them.
void ov_node_hash(const struct ov_tree_hash *left, const struct ov_tree_hash *right,
                  struct ov_tree_hash *ret_hash);

// ---- a tree that grows --------------------------------------------------------------------------

// The right edge of a tree, all that it takes to add entries. For each bit L of the size that is
// set, edge[L] is the root of a complete subtree of 2^L entries; the larger stand further left.
struct ov_tree {
    uint64_t size;
    struct ov_tree_hash edge[OV_TREE_LEVELS];
};

// The tree without entries.
void ov_tree_init(struct ov_tree *ret_tree);

// Adds an entry by its leaf hash. One node is hashed on average, 63 at most.
void ov_tree_append(struct ov_tree *tree, const struct ov_tree_hash *leaf_hash);

// The root of all entries so far; SHA-256 of nothing when there are none.
void ov_tree_root(const struct ov_tree *tree, struct ov_tree_hash *ret_root);

// ---- checking proofs ----------------------------------------------------------------------------
//
// OV_DAMAGED: the proof does not show it, be it for its hashes, its length, or since no such tree
// can be.

// That the entry at `index` of the tree `head` has this leaf hash (RFC 9162 section 2.1.3.2).
enum ov_status ov_inclusion_verify(uint64_t index, const struct ov_tree_hash *leaf_hash,
                                   const struct ov_tree_proof *proof,
                                   const struct ov_tree_head *head);

// That the tree `new_head` begins with all entries of `old_head` (RFC 9162 section 2.1.4.2).
// OV_INVALID when old_head->size is 0: every tree begins with the empty one, and whether that is
// what is wanted only the caller can tell.
enum ov_status ov_consistency_verify(const struct ov_tree_head *old_head,
                                     const struct ov_tree_head *new_head,
                                     const struct ov_tree_proof *proof);

// That `leaves_after` are the leaf hashes of all entries after `index` in the tree of `size`
// entries that `proof` leads to: each hash of the proof from the right-hand side is the root of
// some of them, and each of them stands below one. The proof itself must have passed
// ov_inclusion_verify with the same index and size. OV_DAMAGED too when `count` is not
// size - index - 1.
enum ov_status ov_tail_verify(uint64_t index, uint64_t size, const struct ov_tree_proof *proof,
                              const struct ov_tree_hash *leaves_after, size_t count);

// ---- making proofs ------------------------------------------------------------------------------
//
// What is made is as good as the source: verify it against a root that is trusted. A failure of
// the source is handed up as it is. OV_INVALID for sizes and indices that cannot be.

// Where complete subtrees are found: read() gives the root of the entries from index * 2^level to
// (index + 1) * 2^level, and is asked for nothing beyond the tree's size.
struct ov_tree_source {
    void *arg;
    enum ov_status (*read)(void *arg, unsigned level, uint64_t index,
                           struct ov_tree_hash *ret_hash);
};

// The right edge of the first `size` entries, to go on from there.
enum ov_status ov_tree_load(const struct ov_tree_source *source, uint64_t size,
                            struct ov_tree *ret_tree);

// The root of the first `size` entries.
enum ov_status ov_tree_root_at(const struct ov_tree_source *source, uint64_t size,
                               struct ov_tree_hash *ret_root);

// That the entry at `index` is in the tree of the first `size` entries; index < size.
enum ov_status ov_inclusion_prove(const struct ov_tree_source *source, uint64_t index,
                                  uint64_t size, struct ov_tree_proof *ret_proof);

// That the tree of `new_size` entries begins with that of `old_size`; 0 < old_size <= new_size.
enum ov_status ov_consistency_prove(const struct ov_tree_source *source, uint64_t old_size,
                                    uint64_t new_size, struct ov_tree_proof *ret_proof);
