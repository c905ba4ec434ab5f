// SPDX-License-Identifier: Apache-2.0
// The Merkle tree beside the recursive definitions of RFC 9162 section 2.1, and proofs that were
// tampered with. What others computed: tests/merkle_vectors_test.c.
#include "ledger/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ALL_SIZES = 70, MANY = 5000, RANDOM_PAIRS = 400 };

static struct ov_tree_hash leaves[MANY];

// ---- the slow and simple twin: the text of the RFC, line by line --------------------------------

static uint64_t half_of(uint64_t n) { // the largest power of two smaller than n
    uint64_t k = 1;
    while (k * 2 < n) {
        k *= 2;
    }
    return k;
}

static struct ov_tree_hash naive_node(struct ov_tree_hash left, struct ov_tree_hash right) {
    uint8_t text[1 + 2 * OV_SHA256_BYTES] = {0x01};
    struct ov_tree_hash hash;
    memcpy(text + 1, left.bytes, sizeof left.bytes);
    memcpy(text + 1 + OV_SHA256_BYTES, right.bytes, sizeof right.bytes);
    ov_sha256(ov_span_make(text, sizeof text), hash.bytes);
    return hash;
}

// MTH(D[low:high]), section 2.1.1
static struct ov_tree_hash naive_root(uint64_t low, uint64_t high) {
    if (high - low == 1) {
        return leaves[low];
    }
    uint64_t k = half_of(high - low);
    return naive_node(naive_root(low, low + k), naive_root(low + k, high));
}

static void add(struct ov_tree_proof *proof, struct ov_tree_hash hash) {
    proof->hashes[proof->count++] = hash;
}

// PATH(m, D[low:high]), section 2.1.3.1; m counts from the whole tree's start
static void naive_path(uint64_t m, uint64_t low, uint64_t high, struct ov_tree_proof *proof) {
    if (high - low == 1) {
        return;
    }
    uint64_t k = half_of(high - low);
    if (m < low + k) {
        naive_path(m, low, low + k, proof);
        add(proof, naive_root(low + k, high));
    } else {
        naive_path(m, low + k, high, proof);
        add(proof, naive_root(low, low + k));
    }
}

// SUBPROOF(m, D[low:high], b), section 2.1.4.1
static void naive_subproof(uint64_t m, uint64_t low, uint64_t high, bool b,
                           struct ov_tree_proof *proof) {
    if (m == high) {
        if (!b) {
            add(proof, naive_root(low, high));
        }
        return;
    }
    uint64_t k = half_of(high - low);
    if (m <= low + k) {
        naive_subproof(m, low, low + k, b, proof);
        add(proof, naive_root(low + k, high));
    } else {
        naive_subproof(m, low + k, high, false, proof);
        add(proof, naive_root(low, low + k));
    }
}

// ---- a source that refuses what does not stand in the tree --------------------------------------

struct shelf {
    uint64_t size;
    unsigned read_count;
};

static enum ov_status read_shelf(void *arg, unsigned level, uint64_t index,
                                 struct ov_tree_hash *ret_hash) {
    struct shelf *shelf = (struct shelf *)arg;
    shelf->read_count++;
    if (level >= 13 || ((index + 1) << level) > shelf->size) {
        return OV_LIMIT; // not complete
    }
    *ret_hash = naive_root(index << level, (index + 1) << level);
    return OV_OK;
}

// A head whose root is that of `head` with one more hash to its left: where a proof leads that goes
// on above the root.
static struct ov_tree_head raise_head(const struct ov_tree_head *head) {
    return (struct ov_tree_head){.size = head->size, .root = naive_node(leaves[0], head->root)};
}

static int set_leaves(void **state) {
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        char entry[32];
        (void)snprintf(entry, sizeof entry, "entry %zu", i);
        ov_leaf_hash(ov_span_text(entry), &leaves[i]);
    }
    return 0;
}

static bool is_same_proof(const struct ov_tree_proof *a, const struct ov_tree_proof *b) {
    return a->count == b->count && memcmp(a->hashes, b->hashes, a->count * sizeof *a->hashes) == 0;
}

// ---- tests --------------------------------------------------------------------------------------

static void test_roots_of_every_size(void **state) {
    (void)state;
    struct ov_tree tree;
    ov_tree_init(&tree);
    for (uint64_t size = 1; size <= MANY; size++) {
        ov_tree_append(&tree, &leaves[size - 1]);
        if (size <= 600 || size % 97 == 0 || size == 4096) {
            struct ov_tree_hash root, from_shelf, expected = naive_root(0, size);
            struct shelf shelf = {.size = size};
            struct ov_tree_source source = {&shelf, read_shelf};
            struct ov_tree again;
            ov_tree_root(&tree, &root);
            assert_true(ov_tree_hash_is_equal(&root, &expected));
            assert_int_equal(ov_tree_root_at(&source, size, &from_shelf), OV_OK);
            assert_true(ov_tree_hash_is_equal(&from_shelf, &expected));
            assert_int_equal(ov_tree_load(&source, size, &again), OV_OK);
            ov_tree_append(&again, &leaves[0]);
            assert_int_equal(again.size, size + 1);
        }
    }
    assert_int_equal(tree.size, MANY);
}

// Each hash, the index and the size of a right proof changed, one at a time.
static void break_inclusion(uint64_t index, const struct ov_tree_proof *proof,
                            const struct ov_tree_head *head) {
    for (size_t i = 0; i < proof->count; i++) {
        struct ov_tree_proof bad = *proof;
        bad.hashes[i].bytes[i % OV_SHA256_BYTES] ^= 0x10;
        assert_int_equal(ov_inclusion_verify(index, &leaves[index], &bad, head), OV_DAMAGED);
    }
    struct ov_tree_proof other = *proof;
    add(&other, leaves[0]);
    struct ov_tree_head raised = raise_head(head);
    assert_int_equal(ov_inclusion_verify(index, &leaves[index], &other, head), OV_DAMAGED);
    assert_int_equal(ov_inclusion_verify(index, &leaves[index], &other, &raised), OV_DAMAGED);
    if (proof->count > 0) {
        other.count = proof->count - 1;
        assert_int_equal(ov_inclusion_verify(index, &leaves[index], &other, head), OV_DAMAGED);
    }
    other = *proof;
    other.count = OV_TREE_PROOF_MAX + 1;
    assert_int_equal(ov_inclusion_verify(index, &leaves[index], &other, head), OV_DAMAGED);
    struct ov_tree_hash leaf = leaves[index];
    leaf.bytes[31] ^= 1;
    assert_int_equal(ov_inclusion_verify(index, &leaf, proof, head), OV_DAMAGED);
    struct ov_tree_head bad_head = *head;
    bad_head.root.bytes[0] ^= 0x80;
    assert_int_equal(ov_inclusion_verify(index, &leaves[index], proof, &bad_head), OV_DAMAGED);
    const uint64_t wrong[] = {index + 1, index - 1, head->size, index ^ 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(ov_inclusion_verify(wrong[i], &leaves[index], proof, head), OV_DAMAGED);
    }
}

static void check_inclusion(uint64_t index, uint64_t size, bool is_broken_too) {
    struct shelf shelf = {.size = size};
    struct ov_tree_source source = {&shelf, read_shelf};
    struct ov_tree_proof expected = {0}, proof;
    struct ov_tree_head head = {.size = size, .root = naive_root(0, size)};
    naive_path(index, 0, size, &expected);
    assert_int_equal(ov_inclusion_prove(&source, index, size, &proof), OV_OK);
    assert_true(is_same_proof(&proof, &expected));
    assert_int_equal(ov_inclusion_verify(index, &leaves[index], &proof, &head), OV_OK);
    assert_int_equal(
        ov_tail_verify(index, size, &proof, &leaves[index + 1], (size_t)(size - index - 1)), OV_OK);
    if (is_broken_too) {
        break_inclusion(index, &proof, &head);
    }
}

static void break_consistency(const struct ov_tree_head *old_head,
                              const struct ov_tree_head *new_head,
                              const struct ov_tree_proof *proof) {
    for (size_t i = 0; i < proof->count; i++) {
        struct ov_tree_proof bad = *proof;
        bad.hashes[i].bytes[i % OV_SHA256_BYTES] ^= 0x01;
        assert_int_equal(ov_consistency_verify(old_head, new_head, &bad), OV_DAMAGED);
    }
    struct ov_tree_proof other = *proof;
    add(&other, leaves[0]);
    struct ov_tree_head raised_old = raise_head(old_head), raised_new = raise_head(new_head);
    assert_int_equal(ov_consistency_verify(old_head, new_head, &other), OV_DAMAGED);
    assert_int_equal(ov_consistency_verify(&raised_old, &raised_new, &other), OV_DAMAGED);
    if (proof->count > 0) {
        other.count = proof->count - 1;
        assert_int_equal(ov_consistency_verify(old_head, new_head, &other), OV_DAMAGED);
    }
    other.count = OV_TREE_PROOF_MAX + 1;
    assert_int_equal(ov_consistency_verify(old_head, new_head, &other), OV_DAMAGED);
    struct ov_tree_head bad = *old_head;
    bad.root.bytes[5] ^= 4;
    assert_int_equal(ov_consistency_verify(&bad, new_head, proof), OV_DAMAGED);
    bad = *new_head;
    bad.root.bytes[6] ^= 8;
    assert_int_equal(ov_consistency_verify(old_head, &bad, proof), OV_DAMAGED);
    bad = *old_head;
    bad.size = new_head->size + 1;
    assert_int_equal(ov_consistency_verify(&bad, new_head, proof), OV_DAMAGED);
    bad.size = 0;
    assert_int_equal(ov_consistency_verify(&bad, new_head, proof), OV_INVALID);
}

static void check_consistency(uint64_t old_size, uint64_t new_size, bool is_broken_too) {
    struct shelf shelf = {.size = new_size};
    struct ov_tree_source source = {&shelf, read_shelf};
    struct ov_tree_proof expected = {0}, proof;
    struct ov_tree_head old_head = {.size = old_size, .root = naive_root(0, old_size)};
    struct ov_tree_head new_head = {.size = new_size, .root = naive_root(0, new_size)};
    naive_subproof(old_size, 0, new_size, true, &expected);
    assert_int_equal(ov_consistency_prove(&source, old_size, new_size, &proof), OV_OK);
    assert_true(is_same_proof(&proof, &expected));
    assert_int_equal(ov_consistency_verify(&old_head, &new_head, &proof), OV_OK);
    if (is_broken_too) {
        break_consistency(&old_head, &new_head, &proof);
    }
}

static void test_all_proofs_of_small_trees(void **state) {
    (void)state;
    for (uint64_t size = 1; size <= ALL_SIZES; size++) {
        for (uint64_t other = 0; other < size; other++) {
            check_inclusion(other, size, true);
            check_consistency(other + 1, size, true);
        }
    }
}

static void test_proofs_of_larger_trees(void **state) {
    (void)state;
    srandom(4);
    for (unsigned i = 0; i < RANDOM_PAIRS; i++) {
        uint64_t size = 1 + (uint64_t)random() % MANY;
        uint64_t other = (uint64_t)random() % size;
        check_inclusion(other, size, i % 16 == 0);
        check_consistency(other + 1, size, i % 16 == 0);
    }
    check_inclusion(4095, 4096, true);
    check_inclusion(4096, 4097, true);
    check_consistency(4096, 4097, true);
}

// A proof for one size never holds for another, nor for a neighbour.
static void test_a_proof_holds_for_one_size(void **state) {
    (void)state;
    enum { SIZES = 40 };
    for (uint64_t size = 2; size <= SIZES; size++) {
        for (uint64_t index = 0; index < size; index++) {
            struct ov_tree_proof proof = {0};
            naive_path(index, 0, size, &proof);
            for (uint64_t claimed = index + 1; claimed <= SIZES; claimed++) {
                struct ov_tree_head head = {.size = claimed, .root = naive_root(0, claimed)};
                enum ov_status status = ov_inclusion_verify(index, &leaves[index], &proof, &head);
                assert_int_equal(status, claimed == size ? OV_OK : OV_DAMAGED);
            }
        }
    }
}

static void test_a_tail_is_all_that_follows(void **state) {
    (void)state;
    for (uint64_t size = 1; size <= ALL_SIZES; size++) {
        for (uint64_t index = 0; index < size; index++) {
            struct ov_tree_proof proof = {0};
            size_t count = (size_t)(size - index - 1);
            naive_path(index, 0, size, &proof);
            const struct ov_tree_hash *after = &leaves[index + 1];
            assert_int_equal(ov_tail_verify(index, size, &proof, after, count), OV_OK);
            assert_int_equal(ov_tail_verify(index, size, &proof, after, count + 1), OV_DAMAGED);
            assert_int_equal(ov_tail_verify(index, size + 1, &proof, after, count), OV_DAMAGED);
            assert_int_equal(ov_tail_verify(size, size, &proof, after, 0), OV_DAMAGED);
            for (size_t i = 0; i < count; i++) {
                leaves[index + 1 + i].bytes[3] ^= 2;
                assert_int_equal(ov_tail_verify(index, size, &proof, after, count), OV_DAMAGED);
                leaves[index + 1 + i].bytes[3] ^= 2;
            }
            struct ov_tree_proof cut = proof;
            cut.count = proof.count > 0 ? proof.count - 1 : 1;
            assert_int_equal(ov_tail_verify(index, size, &cut, after, count), OV_DAMAGED);
        }
    }
}

static enum ov_status fail_to_read(void *arg, unsigned level, uint64_t index,
                                   struct ov_tree_hash *ret_hash) {
    (void)level;
    (void)index;
    unsigned *left = (unsigned *)arg;
    memset(ret_hash, 1, sizeof *ret_hash);
    return (*left)-- == 0 ? OV_SYSTEM : OV_OK;
}

static void test_failures_of_a_source_are_handed_up(void **state) {
    (void)state;
    struct ov_tree_proof proof = {.count = 77};
    for (unsigned fails_at = 0; fails_at < 3; fails_at++) {
        unsigned left = fails_at;
        struct ov_tree_source source = {&left, fail_to_read};
        assert_int_equal(ov_inclusion_prove(&source, 5, 23, &proof), OV_SYSTEM);
        left = fails_at;
        assert_int_equal(ov_consistency_prove(&source, 5, 23, &proof), OV_SYSTEM);
        left = fails_at;
        struct ov_tree tree = {.size = 88};
        assert_int_equal(ov_tree_load(&source, 23, &tree), OV_SYSTEM);
        assert_int_equal(tree.size, 88);
    }
    assert_int_equal(proof.count, 77);
}

static void test_questions_that_make_no_sense(void **state) {
    (void)state;
    struct shelf shelf = {.size = 9};
    struct ov_tree_source source = {&shelf, read_shelf};
    struct ov_tree_proof proof;
    struct ov_tree tree;
    assert_int_equal(ov_inclusion_prove(&source, 9, 9, &proof), OV_INVALID);
    assert_int_equal(ov_inclusion_prove(&source, 0, 0, &proof), OV_INVALID);
    assert_int_equal(ov_inclusion_prove(&source, 0, OV_NUMBER_MAX + 1, &proof), OV_INVALID);
    assert_int_equal(ov_consistency_prove(&source, 0, 9, &proof), OV_INVALID);
    assert_int_equal(ov_consistency_prove(&source, 9, 8, &proof), OV_INVALID);
    assert_int_equal(ov_consistency_prove(&source, 1, OV_NUMBER_MAX + 1, &proof), OV_INVALID);
    assert_int_equal(ov_tree_load(&source, OV_NUMBER_MAX + 1, &tree), OV_INVALID);
    assert_int_equal(shelf.read_count, 0);
}

// Complete subtrees of a tree whose entries are all the same: one hash for each level.
static enum ov_status read_same(void *arg, unsigned level, uint64_t index,
                                struct ov_tree_hash *ret_hash) {
    const struct ov_tree_hash *levels = (const struct ov_tree_hash *)arg;
    if (level >= 63 || index >= OV_NUMBER_MAX >> level) {
        return OV_LIMIT;
    }
    *ret_hash = levels[level];
    return OV_OK;
}

// Every level is used, and nothing overflows.
static void test_trees_of_the_largest_size(void **state) {
    (void)state;
    struct ov_tree_hash levels[63] = {leaves[0]};
    for (unsigned i = 1; i < 63; i++) {
        ov_node_hash(&levels[i - 1], &levels[i - 1], &levels[i]);
    }
    struct ov_tree_source source = {levels, read_same};
    struct ov_tree_proof proof;
    struct ov_tree_head head = {.size = OV_NUMBER_MAX};
    assert_int_equal(ov_tree_root_at(&source, OV_NUMBER_MAX, &head.root), OV_OK);
    for (unsigned bit = 0; bit <= 63; bit++) {
        uint64_t index = (OV_NUMBER_MAX - 1) >> bit;
        assert_int_equal(ov_inclusion_prove(&source, index, OV_NUMBER_MAX, &proof), OV_OK);
        assert_in_range(proof.count, 1, 63);
        assert_int_equal(ov_inclusion_verify(index, &leaves[0], &proof, &head), OV_OK);
        struct ov_tree_head old_head = {.size = index + 1};
        assert_int_equal(ov_tree_root_at(&source, index + 1, &old_head.root), OV_OK);
        assert_int_equal(ov_consistency_prove(&source, index + 1, OV_NUMBER_MAX, &proof), OV_OK);
        assert_int_equal(ov_consistency_verify(&old_head, &head, &proof), OV_OK);
        old_head.root.bytes[0] ^= 1;
        assert_int_equal(ov_consistency_verify(&old_head, &head, &proof), OV_DAMAGED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roots_of_every_size),
        cmocka_unit_test(test_all_proofs_of_small_trees),
        cmocka_unit_test(test_proofs_of_larger_trees),
        cmocka_unit_test(test_a_proof_holds_for_one_size),
        cmocka_unit_test(test_a_tail_is_all_that_follows),
        cmocka_unit_test(test_failures_of_a_source_are_handed_up),
        cmocka_unit_test(test_questions_that_make_no_sense),
        cmocka_unit_test(test_trees_of_the_largest_size),
    };
    return cmocka_run_group_tests(tests, set_leaves, NULL);
}
