// SPDX-License-Identifier: Apache-2.0
// Checking inclusion and consistency proofs, as RFC 9162 sections 2.1.3.2 and 2.1.4.2 write it.
#include "ledger/merkle.h"

// A way from a node up to the root. The names of the RFC: fn is the node, sn the last one of its
// level.
struct climb {
    uint64_t fn;
    uint64_t sn;
    unsigned level;
};

static void go_up(struct climb *climb) {
    climb->fn >>= 1;
    climb->sn >>= 1;
    climb->level++;
}

// Whether the next hash of the proof stands to the left of the node. A last node without a right
// neighbour then moves up until it is someone's right child.
static bool is_left_next(struct climb *climb) {
    if ((climb->fn & 1) == 0 && climb->fn != climb->sn) {
        return false;
    }
    while ((climb->fn & 1) == 0 && climb->fn != 0) {
        go_up(climb);
    }
    return true;
}

enum ov_status ov_inclusion_verify(uint64_t index, const struct ov_tree_hash *leaf_hash,
                                   const struct ov_tree_proof *proof,
                                   const struct ov_tree_head *head) {
    if (index >= head->size || proof->count > OV_TREE_PROOF_MAX) {
        return OV_DAMAGED;
    }
    struct climb climb = {.fn = index, .sn = head->size - 1};
    struct ov_tree_hash root = *leaf_hash;
    for (size_t i = 0; i < proof->count; i++) {
        if (climb.sn == 0) {
            return OV_DAMAGED;
        }
        if (is_left_next(&climb)) {
            ov_node_hash(&proof->hashes[i], &root, &root);
        } else {
            ov_node_hash(&root, &proof->hashes[i], &root);
        }
        go_up(&climb);
    }
    bool is_proven = climb.sn == 0 && ov_tree_hash_is_equal(&root, &head->root);
    return is_proven ? OV_OK : OV_DAMAGED;
}

// Both roots from one proof: that of the old tree takes only what stands on the left.
static enum ov_status climb_both(struct climb climb, const struct ov_tree_proof *proof,
                                 struct ov_tree_hash *old_root, struct ov_tree_hash *new_root) {
    // An old tree that is one complete subtree is where its own root stands: the proof omits it.
    size_t first = climb.fn == 0 ? 0 : 1;
    if (first == 1) {
        *old_root = proof->hashes[0];
    }
    *new_root = *old_root;
    for (size_t i = first; i < proof->count; i++) {
        if (climb.sn == 0) {
            return OV_DAMAGED;
        }
        if (is_left_next(&climb)) {
            ov_node_hash(&proof->hashes[i], old_root, old_root);
            ov_node_hash(&proof->hashes[i], new_root, new_root);
        } else {
            ov_node_hash(new_root, &proof->hashes[i], new_root);
        }
        go_up(&climb);
    }
    return climb.sn == 0 ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_consistency_verify(const struct ov_tree_head *old_head,
                                     const struct ov_tree_head *new_head,
                                     const struct ov_tree_proof *proof) {
    if (old_head->size == 0) {
        return OV_INVALID;
    }
    if (old_head->size > new_head->size || proof->count > OV_TREE_PROOF_MAX) {
        return OV_DAMAGED;
    }
    if (old_head->size == new_head->size) {
        bool is_same = ov_tree_hash_is_equal(&old_head->root, &new_head->root);
        return is_same && proof->count == 0 ? OV_OK : OV_DAMAGED;
    }
    if (proof->count == 0) {
        return OV_DAMAGED;
    }
    struct climb climb = {.fn = old_head->size - 1, .sn = new_head->size - 1};
    while (climb.fn & 1) {
        go_up(&climb);
    }
    struct ov_tree_hash old_root = old_head->root;
    struct ov_tree_hash new_root;
    TRY(climb_both(climb, proof, &old_root, &new_root));
    bool is_proven = ov_tree_hash_is_equal(&old_root, &old_head->root) &&
                     ov_tree_hash_is_equal(&new_root, &new_head->root);
    return is_proven ? OV_OK : OV_DAMAGED;
}

// Whether the first `count` of `leaves` have this root; no more than there are.
static bool is_root_of(const struct ov_tree_hash *root, const struct ov_tree_hash *leaves,
                       uint64_t count) {
    struct ov_tree tree;
    struct ov_tree_hash found;
    ov_tree_init(&tree);
    for (uint64_t i = 0; i < count; i++) {
        ov_tree_append(&tree, &leaves[i]);
    }
    ov_tree_root(&tree, &found);
    return ov_tree_hash_is_equal(root, &found);
}

enum ov_status ov_tail_verify(uint64_t index, uint64_t size, const struct ov_tree_proof *proof,
                              const struct ov_tree_hash *leaves_after, size_t count) {
    if (index >= size || count != size - index - 1 || proof->count > OV_TREE_PROOF_MAX) {
        return OV_DAMAGED;
    }
    struct climb climb = {.fn = index, .sn = size - 1};
    size_t done = 0; // the leaves that stand below a hash of the proof
    for (size_t i = 0; i < proof->count; i++) {
        if (climb.sn == 0) {
            return OV_DAMAGED;
        }
        if (!is_left_next(&climb)) {
            // The right neighbour is complete, or it is the last of its level and has the rest.
            uint64_t wanted = climb.fn + 1 < climb.sn ? UINT64_C(1) << climb.level : count - done;
            if (!is_root_of(&proof->hashes[i], &leaves_after[done], wanted)) {
                return OV_DAMAGED;
            }
            done += (size_t)wanted;
        }
        go_up(&climb);
    }
    return climb.sn == 0 && done == count ? OV_OK : OV_DAMAGED;
}
