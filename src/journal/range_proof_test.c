// SPDX-License-Identifier: Apache-2.0
// Proofs for many entries: all ranges of small trees, against the trees of merkle.h.
#include "journal/range_proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { SIZE_MAX_ENTRIES = 21 };

static struct ov_tree_hash leaf_hashes[SIZE_MAX_ENTRIES];

static void make_leaves(void) {
    for (size_t i = 0; i < SIZE_MAX_ENTRIES; i++) {
        uint8_t entry = (uint8_t)i;
        ov_leaf_hash(ov_span_make(&entry, 1), &leaf_hashes[i]);
    }
}

// The root of 2^level entries from index * 2^level on, by the tree of merkle.h.
static enum ov_status read_node(void *arg, unsigned level, uint64_t index,
                                struct ov_tree_hash *ret_hash) {
    struct ov_tree tree;
    const uint64_t *size = arg;
    ov_tree_init(&tree);
    for (uint64_t i = index << level; i < (index + 1) << level; i++) {
        assert_true(i < *size);
        ov_tree_append(&tree, &leaf_hashes[i]);
    }
    ov_tree_root(&tree, ret_hash);
    return OV_OK;
}

static void root_of(uint64_t size, struct ov_tree_hash *ret_root) {
    struct ov_tree tree;
    ov_tree_init(&tree);
    for (uint64_t i = 0; i < size; i++) {
        ov_tree_append(&tree, &leaf_hashes[i]);
    }
    ov_tree_root(&tree, ret_root);
}

struct shown {
    uint64_t indices[SIZE_MAX_ENTRIES];
    struct ov_tree_hash hashes[SIZE_MAX_ENTRIES];
    struct ov_range_leaves leaves;
};

static void show(struct shown *shown, uint64_t index) {
    shown->indices[shown->leaves.count] = index;
    shown->hashes[shown->leaves.count++] = leaf_hashes[index];
    shown->leaves.indices = shown->indices;
    shown->leaves.hashes = shown->hashes;
}

// The proof holds, and no other: not with a hash less or more, a bit changed, or an entry less.
static void check(uint64_t size, struct shown *shown) {
    OV_CLEANUP(ov_buf_release) struct ov_buf proof = {0};
    const struct ov_tree_source source = {.arg = &size, .read = read_node};
    struct ov_tree_hash expected;
    struct ov_tree_hash root;
    root_of(size, &expected);
    assert_int_equal(ov_range_prove(&source, size, &shown->leaves, &proof), OV_OK);
    assert_int_equal(ov_range_root(size, &shown->leaves, ov_buf_span(&proof), &root), OV_OK);
    assert_true(ov_tree_hash_is_equal(&root, &expected));
    if (proof.size > 0) {
        proof.data[proof.size / 2] ^= 1;
        assert_int_equal(ov_range_root(size, &shown->leaves, ov_buf_span(&proof), &root), OV_OK);
        assert_false(ov_tree_hash_is_equal(&root, &expected));
        proof.data[proof.size / 2] ^= 1;
        assert_int_equal(ov_range_root(size, &shown->leaves,
                                       ov_span_part(ov_buf_span(&proof), 0, proof.size - 32),
                                       &root),
                         OV_DAMAGED);
    }
    shown->leaves.count--;
    bool is_less = ov_range_root(size, &shown->leaves, ov_buf_span(&proof), &root) != OV_OK ||
                   !ov_tree_hash_is_equal(&root, &expected);
    assert_true(is_less);
    shown->leaves.count++;
    ov_buf_add(&proof, expected.bytes, sizeof expected.bytes);
    assert_int_equal(ov_range_root(size, &shown->leaves, ov_buf_span(&proof), &root), OV_DAMAGED);
}

static void test_all_ranges(void **state) {
    (void)state;
    for (uint64_t size = 1; size <= SIZE_MAX_ENTRIES; size++) {
        for (uint64_t from = 0; from < size; from++) {
            for (uint64_t to = from; to < size; to++) {
                struct shown shown = {0};
                if (from > 1) {
                    show(&shown, 0); // as an epoch outside of the range is
                }
                for (uint64_t i = from; i <= to; i++) {
                    show(&shown, i);
                }
                check(size, &shown);
            }
        }
    }
}

static void test_a_whole_tree_needs_no_hash(void **state) {
    (void)state;
    struct shown shown = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf proof = {0};
    uint64_t size = 13;
    const struct ov_tree_source source = {.arg = &size, .read = read_node};
    for (uint64_t i = 0; i < size; i++) {
        show(&shown, i);
    }
    assert_int_equal(ov_range_prove(&source, size, &shown.leaves, &proof), OV_OK);
    assert_int_equal(proof.size, 0);
}

static void test_indices_that_cannot_be(void **state) {
    (void)state;
    struct shown shown = {0};
    struct ov_tree_hash root;
    const struct ov_span none = {0};
    show(&shown, 3);
    show(&shown, 3);
    assert_int_equal(ov_range_root(8, &shown.leaves, none, &root), OV_DAMAGED);
    shown.leaves.count = 1;
    assert_int_equal(ov_range_root(3, &shown.leaves, none, &root), OV_DAMAGED);
    assert_int_equal(ov_range_root(0, &shown.leaves, none, &root), OV_DAMAGED);
    assert_int_equal(ov_range_root(UINT64_MAX, &shown.leaves, none, &root), OV_DAMAGED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_ranges),
        cmocka_unit_test(test_a_whole_tree_needs_no_hash),
        cmocka_unit_test(test_indices_that_cannot_be),
    };
    make_leaves();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
