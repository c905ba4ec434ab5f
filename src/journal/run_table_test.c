// SPDX-License-Identifier: Apache-2.0
// Runs beyond any number that somebody thought of: each is found again, and told when it is open.
#include "journal/run_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

enum { RUNS = 5000 };

static struct ov_entry_run run_of(unsigned number) {
    struct ov_entry_run run = {.bytes = {(uint8_t)number, (uint8_t)(number >> 8)}};
    run.bytes[15] = 1;
    return run;
}

static void test_all_are_found(void **state) {
    (void)state;
    OV_CLEANUP(ov_run_table_release) struct ov_run_table table = {0};
    for (unsigned i = 0; i < RUNS; i++) {
        struct ov_entry_run run = run_of(i);
        assert_null(ov_run_table_find(&table, &run));
        assert_int_equal(ov_run_table_add(&table, &run, 7 + i), OV_OK);
    }
    assert_int_equal(table.open_count, RUNS);
    for (unsigned i = 0; i < RUNS; i++) {
        struct ov_entry_run run = run_of(i);
        struct ov_run_slot *slot = ov_run_table_find(&table, &run);
        assert_non_null(slot);
        assert_int_equal(slot->seq, 7 + i);
        assert_true(slot->is_open);
        if (i % 3 != 0) {
            ov_run_table_end(&table, slot);
            ov_run_table_end(&table, slot);
        }
    }
    assert_int_equal(table.open_count, (RUNS + 2) / 3);
}

static void test_open_ones_are_listed_in_order(void **state) {
    (void)state;
    OV_CLEANUP(ov_run_table_release) struct ov_run_table table = {0};
    assert_null(ov_run_table_list_open(&table));
    for (unsigned i = 0; i < RUNS; i++) {
        struct ov_entry_run run = run_of(i * 7919 % 65521);
        assert_int_equal(ov_run_table_add(&table, &run, RUNS - i), OV_OK);
        if (i % 2 == 1) {
            ov_run_table_end(&table, ov_run_table_find(&table, &run));
        }
    }
    uint64_t *seqs = ov_run_table_list_open(&table);
    assert_non_null(seqs);
    for (unsigned i = 0; i < RUNS / 2; i++) {
        assert_int_equal(seqs[i], 2 + 2 * i);
    }
    free(seqs);
    struct ov_entry_run run = run_of(7919);
    ov_run_table_reopen(&table, ov_run_table_find(&table, &run), 9);
    assert_int_equal(table.open_count, RUNS / 2 + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_are_found),
        cmocka_unit_test(test_open_ones_are_listed_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
