// SPDX-License-Identifier: Apache-2.0
// Coverage: bitmaps of pages beside a slow twin, joined at any scales; pages that calls explain.
#include "trace/builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PAGE = 4096 };

static bool is_set(const uint8_t *coverage, uint64_t bit) {
    return (coverage[bit / 8] >> bit % 8 & 1) != 0;
}

// Page by page, for files of whole pages.
static uint64_t count_slowly(const uint8_t *coverage, uint64_t scale, uint64_t pages) {
    uint64_t count = 0;
    for (uint64_t page = 0; page < pages; page++) {
        uint64_t bit = page / scale < 511 ? page / scale : 511;
        count += is_set(coverage, bit) ? 1 : 0;
    }
    return count;
}

static void fill(uint8_t *coverage, unsigned density) {
    memset(coverage, 0, OV_TRACE_COVERAGE_BYTES);
    for (unsigned bit = 0; bit < 512; bit++) {
        if ((unsigned)rand() % 16 < density) {
            coverage[bit / 8] |= (uint8_t)(1 << bit % 8);
        }
    }
}

static void test_coverage_beside_a_slow_twin(void **state) {
    (void)state;
    srand(1);
    for (unsigned i = 0; i < 400; i++) {
        uint8_t coverage[OV_TRACE_COVERAGE_BYTES];
        uint64_t scale = (uint64_t)1 << i % 6;
        uint64_t pages = (uint64_t)rand() % 20000;
        fill(coverage, i % 17);
        assert_int_equal(ov_trace_covered_bytes(coverage, scale, PAGE, pages * PAGE),
                         count_slowly(coverage, scale, pages) * PAGE);
    }
}

// Joined, no page that either of them has is missing; and at equal scales none is added.
static void test_joined_coverage(void **state) {
    (void)state;
    srand(2);
    for (unsigned i = 0; i < 200; i++) {
        uint8_t one[OV_TRACE_COVERAGE_BYTES], two[OV_TRACE_COVERAGE_BYTES];
        uint8_t all[OV_TRACE_COVERAGE_BYTES];
        uint64_t scale = (uint64_t)1 << i % 4;
        uint64_t other = (uint64_t)1 << i % 3;
        uint64_t joined = scale;
        fill(one, i % 5);
        fill(two, i % 3);
        memcpy(all, one, sizeof all);
        ov_trace_coverage_join(all, &joined, two, other);
        assert_int_equal(joined, scale > other ? scale : other);
        for (uint64_t page = 0; page < 9000; page++) {
            uint64_t at = page / joined < 511 ? page / joined : 511;
            bool has_one = is_set(one, page / scale < 511 ? page / scale : 511);
            bool has_two = is_set(two, page / other < 511 ? page / other : 511);
            assert_true(is_set(all, at) || (!has_one && !has_two));
            assert_true(scale != other || is_set(all, at) == (has_one || has_two));
        }
    }
}

static void test_largest_numbers(void **state) {
    (void)state;
    uint8_t coverage[OV_TRACE_COVERAGE_BYTES];
    memset(coverage, 0xff, sizeof coverage);
    assert_true(ov_trace_covered_bytes(coverage, (uint64_t)1 << 63, 65536, UINT64_MAX) ==
                UINT64_MAX);
    assert_int_equal(ov_trace_covered_bytes(coverage, 1, PAGE, 0), 0);
    assert_true(ov_trace_sum(UINT64_MAX, 1) == UINT64_MAX);
}

static void test_written_by_mapping(void **state) {
    (void)state;
    struct ov_trace_file file = {.size_bytes = 10 * PAGE};
    file.write_count = 1;
    file.write_bytes = 100;
    file.dirty_pages = 2; // at an edge
    assert_int_equal(ov_trace_written_bytes(&file, PAGE), 100);
    file.dirty_pages = 5;
    assert_int_equal(ov_trace_written_bytes(&file, PAGE), 100 + 3 * PAGE);
    file.dirty_pages = 5000; // the same page again and again
    assert_int_equal(ov_trace_written_bytes(&file, PAGE), 100 + 10 * PAGE);
    file.write_count = file.write_bytes = UINT64_MAX;
    assert_true(ov_trace_written_bytes(&file, PAGE) == UINT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage_beside_a_slow_twin),
        cmocka_unit_test(test_joined_coverage),
        cmocka_unit_test(test_largest_numbers),
        cmocka_unit_test(test_written_by_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
