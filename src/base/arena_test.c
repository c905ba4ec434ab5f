// SPDX-License-Identifier: Apache-2.0
// The arena keeps to its cap, zeroes what it gives, and survives failing allocations.
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool is_zero(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static void test_aligned_zeroed_apart(void **state) {
    (void)state;
    enum { COUNT = 200 };
    struct ov_arena arena;
    uint8_t *objects[COUNT];
    ov_arena_init(&arena, 1 << 20);
    for (size_t size = 1; size < COUNT; size++) {
        objects[size] = ov_arena_alloc(&arena, size);
        assert_non_null(objects[size]);
        assert_int_equal((uintptr_t)objects[size] % 16, 0);
        assert_true(is_zero(objects[size], size));
        memset(objects[size], (int)size, size);
    }
    for (size_t size = 1; size < COUNT; size++) { // none was written over by a later one
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(objects[size][i], size);
        }
    }
    ov_arena_release(&arena);
    assert_null(arena.first);
    assert_int_equal(arena.used_bytes, 0);
}

static void test_large_objects_after_small_ones_keep_their_bytes(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 64 << 20);
    uint8_t *small = ov_arena_alloc(&arena, 100);
    memset(small, 0x11, 100);
    for (size_t size = 1000; size < 3000000; size *= 3) {
        uint8_t *memory = ov_arena_alloc(&arena, size);
        assert_non_null(memory);
        assert_true(is_zero(memory, size));
        memset(memory, 0xff, size);
    }
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(small[i], 0x11);
    }
    ov_arena_release(&arena);
}

static void test_cap_is_kept(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 100000);
    assert_null(ov_arena_alloc(&arena, 100001));
    size_t given = 0;
    while (ov_arena_alloc(&arena, 1000) != NULL) {
        given += 1000;
        assert_true(given <= 100000);
    }
    assert_true(given > 90000); // and most of the cap can be had
    assert_true(arena.used_bytes <= 100000);
    ov_arena_release(&arena);
}

static void test_cap_of_nothing(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 0);
    assert_null(ov_arena_alloc(&arena, 1));
    assert_null(ov_arena_text(&arena, ov_span_text("a")));
    ov_arena_release(&arena);
}

static void test_sizes_that_overflow(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, SIZE_MAX);
    assert_null(ov_arena_array(&arena, SIZE_MAX / 2, 3));
    assert_null(ov_arena_array(&arena, SIZE_MAX, SIZE_MAX));
    for (size_t less = 0; less < 64; less++) {
        assert_null(ov_arena_alloc(&arena, SIZE_MAX - less));
    }
    assert_null(ov_arena_text(&arena, ov_span_make("", SIZE_MAX)));
    assert_non_null(ov_arena_array(&arena, 10, 10)); // still usable
    ov_arena_release(&arena);
}

static void test_text_has_a_nul(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 1000);
    assert_string_equal(ov_arena_text(&arena, ov_span_make("overt!", 5)), "overt");
    assert_string_equal(ov_arena_text(&arena, ov_span_make(NULL, 0)), "");
    ov_arena_release(&arena);
}

static void test_reset_keeps_the_largest_block_and_zeroes_it(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 10 << 20);
    memset(ov_arena_alloc(&arena, 100), 0xff, 100);
    uint8_t *large = ov_arena_alloc(&arena, 500000);
    memset(large, 0xff, 500000);
    memset(ov_arena_alloc(&arena, 600000), 0xff, 600000);
    ov_arena_reset(&arena);
    assert_true(arena.used_bytes >= 600000);
    assert_true(arena.used_bytes <= 10 << 20);
    size_t before = arena.used_bytes;
    uint8_t *again = ov_arena_alloc(&arena, 600000);
    assert_non_null(again);
    assert_true(is_zero(again, 600000));
    assert_int_equal(arena.used_bytes, before); // no new block was needed
    ov_arena_release(&arena);
}

static void test_reset_and_release_of_an_empty_arena(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 1000);
    ov_arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    ov_arena_release(&arena);
    ov_arena_release(&arena);
    assert_non_null(ov_arena_alloc(&arena, 10)); // may be used again after release
    ov_arena_release(&arena);
}

static void test_fault_hits_the_nth_block_once(void **state) {
    (void)state;
    struct ov_arena arena;
    ov_arena_init(&arena, 100 << 20);
    ov_arena_set_fault(2);
    assert_non_null(ov_arena_alloc(&arena, 20000)); // first block
    assert_non_null(ov_arena_alloc(&arena, 0));     // no block needed
    assert_null(ov_arena_alloc(&arena, 1000000));   // second block fails
    assert_non_null(ov_arena_alloc(&arena, 1000000));
    ov_arena_set_fault(1);
    ov_arena_set_fault(0);
    assert_non_null(ov_arena_alloc(&arena, 5000000)); // switched off
    ov_arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aligned_zeroed_apart),
        cmocka_unit_test(test_large_objects_after_small_ones_keep_their_bytes),
        cmocka_unit_test(test_cap_is_kept),
        cmocka_unit_test(test_cap_of_nothing),
        cmocka_unit_test(test_sizes_that_overflow),
        cmocka_unit_test(test_text_has_a_nul),
        cmocka_unit_test(test_reset_keeps_the_largest_block_and_zeroes_it),
        cmocka_unit_test(test_reset_and_release_of_an_empty_arena),
        cmocka_unit_test(test_fault_hits_the_nth_block_once),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
