// SPDX-License-Identifier: Apache-2.0
// Ranges: joined where they continue, and whole or not.
#include "journal/ranges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { NUMBERS = 40, ROUNDS = 400 };

static void test_neighbours_are_one(void **state) {
    struct ov_ranges ranges = {0};
    (void)state;
    assert_int_equal(ov_ranges_add(&ranges, 0, 256), OV_OK);
    assert_int_equal(ov_ranges_add(&ranges, 256, 512), OV_OK);
    assert_int_equal(ranges.count, 1);
    assert_int_equal(ov_ranges_add(&ranges, 1024, 1280), OV_OK);
    assert_int_equal(ranges.count, 2);
    assert_int_equal(ranges.items[0].to, 512);
    ov_ranges_release(&ranges);
    assert_int_equal(ranges.count, 0);
}

// Against a table of bits: ranges in any order, that lie over one another.
static void test_a_range_is_there_when_each_number_is(void **state) {
    uint64_t dice = 5;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct ov_ranges ranges = {0};
        bool table[NUMBERS] = {false};
        for (unsigned i = 0; i < 6; i++) {
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            uint64_t from = (dice >> 33) % NUMBERS;
            uint64_t to = from + 1 + (dice >> 50) % 6;
            to = to < NUMBERS ? to : NUMBERS;
            assert_int_equal(ov_ranges_add(&ranges, from, to), OV_OK);
            for (uint64_t at = from; at < to; at++) {
                table[at] = true;
            }
        }
        for (uint64_t from = 0; from < NUMBERS; from++) {
            bool is_whole = true;
            for (uint64_t to = from + 1; to <= NUMBERS; to++) {
                const struct ov_range range = {from, to};
                is_whole = is_whole && table[to - 1];
                assert_int_equal(ov_ranges_have(&ranges, &range), is_whole);
            }
        }
        ov_ranges_release(&ranges);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neighbours_are_one),
        cmocka_unit_test(test_a_range_is_there_when_each_number_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
