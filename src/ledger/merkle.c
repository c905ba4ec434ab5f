// SPDX-License-Identifier: Apache-2.0
// Hashes of the Merkle tree, and a tree that grows by its right edge.
#include "ledger/merkle.h"

static void hash_parts(uint8_t first, struct ov_span left, struct ov_span right,
                       struct ov_tree_hash *ret_hash) {
    struct ov_digest digest;
    ov_digest_init(OV_HASH_SHA256, &digest);
    ov_digest_update(&digest, ov_span_make(&first, 1));
    ov_digest_update(&digest, left);
    ov_digest_update(&digest, right);
    ov_digest_finish(&digest, ret_hash->bytes);
}

void ov_leaf_hash(struct ov_span entry, struct ov_tree_hash *ret_hash) {
    hash_parts(0x00, entry, ov_span_make(NULL, 0), ret_hash);
}

void ov_node_hash(const struct ov_tree_hash *left, const struct ov_tree_hash *right,
                  struct ov_tree_hash *ret_hash) {
    hash_parts(0x01, ov_span_make(left->bytes, sizeof left->bytes),
               ov_span_make(right->bytes, sizeof right->bytes), ret_hash);
}

void ov_tree_init(struct ov_tree *ret_tree) {
    *ret_tree = (struct ov_tree){0};
}

void ov_tree_append(struct ov_tree *tree, const struct ov_tree_hash *leaf_hash) {
    struct ov_tree_hash hash = *leaf_hash;
    unsigned level = 0;
    for (; tree->size >> level & 1; level++) { // as a carry runs through a binary number
        ov_node_hash(&tree->edge[level], &hash, &hash);
    }
    tree->edge[level] = hash;
    tree->size++;
}

void ov_tree_root(const struct ov_tree *tree, struct ov_tree_hash *ret_root) {
    if (tree->size == 0) {
        ov_sha256(ov_span_make(NULL, 0), ret_root->bytes);
        return;
    }
    unsigned level = (unsigned)__builtin_ctzll(tree->size);
    struct ov_tree_hash root = tree->edge[level];
    for (level++; level < OV_TREE_LEVELS; level++) {
        if (tree->size >> level & 1) {
            ov_node_hash(&tree->edge[level], &root, &root);
        }
    }
    *ret_root = root;
}
