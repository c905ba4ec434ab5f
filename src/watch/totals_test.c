// SPDX-License-Identifier: Apache-2.0
// Counters over generations, held against sets of pages that are joined one by one.
#include "watch/totals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PAGES = 1 << 14 };

static void set_page(struct watch_file *file, unsigned page) {
    unsigned bit = page >> file->shift;
    bit = bit < WATCH_COVERAGE_BITS ? bit : WATCH_COVERAGE_BITS - 1;
    file->coverage[bit / 64] |= 1ull << bit % 64;
}

static bool has_page(const struct ov_trace_file *record, unsigned page) {
    uint64_t bit = page / record->scale;
    bit = bit < WATCH_COVERAGE_BITS ? bit : WATCH_COVERAGE_BITS - 1;
    return (record->coverage[bit / 8] >> bit % 8 & 1) != 0;
}

static struct watch_file draw(uint8_t *pages, unsigned shift) {
    struct watch_file file = {.first_ns = 5 + (uint64_t)rand() % 100, .shift = shift, .reads = 1};
    file.last_ns = file.first_ns + 3;
    for (int i = 0; i < 40; i++) {
        unsigned page = (unsigned)rand() % (WATCH_COVERAGE_BITS << shift);
        page = page < PAGES ? page : 0;
        set_page(&file, page);
        pages[page] = 1;
    }
    return file;
}

// Every page that was read is covered, at any order of scales; at one scale nothing else is.
static void test_coverage_loses_nothing(void **state) {
    (void)state;
    srand(1);
    for (int round = 0; round < 300; round++) {
        uint8_t pages[PAGES] = {0};
        struct ov_total total = {0};
        struct ov_trace_file record;
        unsigned steps = 1 + (unsigned)rand() % 5;
        bool is_one_scale = round % 2 == 0;
        for (unsigned i = 0; i < steps; i++) {
            struct watch_file file = draw(pages, is_one_scale ? 0 : (unsigned)rand() % 6);
            ov_total_add(&total, &file);
        }
        ov_total_record(&total, &record);
        assert_int_equal(record.read_count, steps);
        for (unsigned page = 0; page < PAGES; page++) {
            if (pages[page] != 0) {
                assert_true(has_page(&record, page));
            } else if (is_one_scale && page < WATCH_COVERAGE_BITS) {
                assert_false(has_page(&record, page));
            }
        }
    }
}

// A file that grew: what its last bit stood for, all that is behind, is not forgotten.
static void test_the_last_bit_stands_for_all_behind_it(void **state) {
    (void)state;
    struct ov_total total = {0};
    struct ov_trace_file record;
    struct watch_file small = {.first_ns = 1};
    struct watch_file large = {.first_ns = 2, .shift = 3};
    set_page(&small, 3000);
    set_page(&large, 8);
    ov_total_add(&total, &small);
    ov_total_add(&total, &large);
    ov_total_record(&total, &record);
    assert_int_equal(record.scale, 8);
    assert_true(has_page(&record, 3000));
    assert_true(has_page(&record, 8));
    assert_false(has_page(&record, 16));
}

static void test_counters_are_added(void **state) {
    (void)state;
    struct ov_total total = {0};
    struct ov_trace_file record;
    struct watch_file one = {.first_ns = 9,
                             .last_ns = 10,
                             .opens = 1,
                             .read_bytes = 5,
                             .size_bytes = 100,
                             .routes = 1,
                             .dirty_pages = 2};
    struct watch_file two = {.first_ns = 4,
                             .last_ns = 20,
                             .opens = 2,
                             .read_bytes = 7,
                             .size_bytes = 90,
                             .routes = 4,
                             .write_bytes = 3};
    ov_total_add(&total, &one);
    ov_total_add(&total, &two);
    ov_total_record(&total, &record);
    assert_int_equal(record.first_ns, 4);
    assert_int_equal(record.last_ns, 20);
    assert_int_equal(record.open_count, 3);
    assert_int_equal(record.read_bytes, 12);
    assert_int_equal(record.size_bytes, 100);
    assert_int_equal(record.routes, 5);
    assert_int_equal(record.dirty_pages, 2);
    assert_int_equal(record.write_bytes, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage_loses_nothing),
        cmocka_unit_test(test_the_last_bit_stands_for_all_behind_it),
        cmocka_unit_test(test_counters_are_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
