// SPDX-License-Identifier: Apache-2.0
// Each limit is kept, named once, and can be switched off.
#include "base/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct ov_budget start(struct ov_limits limits) {
    struct ov_budget budget;
    ov_budget_init(&budget, &limits);
    return budget;
}

static void test_defaults_are_clamscans(void **state) {
    (void)state;
    struct ov_limits limits = ov_limits_default();
    assert_true(limits.file_bytes == 100u * 1024 * 1024);
    assert_true(limits.scan_bytes == 400u * 1024 * 1024);
    assert_int_equal(limits.depth, 17);
    assert_int_equal(limits.files, 10000);
    assert_int_equal(limits.time_ms, 120000);
}

static void test_file_size(void **state) {
    (void)state;
    struct ov_budget budget = start((struct ov_limits){.file_bytes = 10, .depth = 1});
    assert_true(ov_budget_take_object(&budget, 10, 0));
    assert_int_equal(budget.hit, OV_LIMIT_NONE);
    assert_false(ov_budget_take_object(&budget, 11, 0));
    assert_int_equal(budget.hit, OV_LIMIT_FILE_SIZE);
    assert_true(ov_budget_take_object(&budget, 10, 0)); // a smaller one still fits
}

static void test_scan_size_adds_up(void **state) {
    (void)state;
    struct ov_budget budget = start((struct ov_limits){.scan_bytes = 25, .depth = 1});
    assert_true(ov_budget_take_object(&budget, 10, 0));
    assert_true(ov_budget_take_object(&budget, 15, 1));
    assert_false(ov_budget_take_object(&budget, 1, 1));
    assert_int_equal(budget.hit, OV_LIMIT_SCAN_SIZE);
    assert_true(ov_budget_take_object(&budget, 0, 1));
    assert_false(ov_budget_take_object(&budget, UINT64_MAX, 1)); // no wrap
}

static void test_depth(void **state) {
    (void)state;
    struct ov_budget budget = start((struct ov_limits){.depth = 3});
    assert_true(ov_budget_take_object(&budget, 1, 3));
    assert_false(ov_budget_take_object(&budget, 1, 4));
    assert_int_equal(budget.hit, OV_LIMIT_RECURSION);
}

static void test_files(void **state) {
    (void)state;
    struct ov_budget budget = start((struct ov_limits){.files = 2, .depth = 1});
    assert_true(ov_budget_take_object(&budget, 1, 0));
    assert_true(ov_budget_take_object(&budget, 1, 0));
    assert_false(ov_budget_take_object(&budget, 1, 0));
    assert_int_equal(budget.hit, OV_LIMIT_FILES);
}

static void test_zero_is_no_limit(void **state) {
    (void)state;
    struct ov_budget budget = start((struct ov_limits){.depth = 0});
    assert_true(ov_budget_take_object(&budget, UINT64_MAX / 2, 0));
    assert_true(ov_budget_take_object(&budget, UINT64_MAX / 2, 0));
    assert_true(ov_budget_has_time(&budget));
    assert_int_equal(budget.hit, OV_LIMIT_NONE);
}

static void test_time_runs_out(void **state) {
    (void)state;
    struct ov_budget budget = start((struct ov_limits){.time_ms = 60000});
    assert_true(ov_budget_has_time(&budget));
    budget.deadline_ns = 1; // long ago
    assert_false(ov_budget_has_time(&budget));
    assert_int_equal(budget.hit, OV_LIMIT_SCAN_TIME);
}

static void test_time_that_would_overflow_is_for_ever(void **state) {
    (void)state;
    struct ov_budget budget = start((struct ov_limits){.time_ms = UINT64_MAX});
    assert_true(ov_budget_has_time(&budget));
    budget = start((struct ov_limits){.time_ms = UINT64_MAX / 1000000});
    assert_true(ov_budget_has_time(&budget));
    // 2^64 ns and a little: with a wrapping product the clock would be past it at once
    budget = start((struct ov_limits){.time_ms = UINT64_MAX / 1000000 + 2});
    assert_true(ov_budget_has_time(&budget));
}

static void test_the_first_limit_is_the_one_that_is_told(void **state) {
    (void)state;
    struct ov_budget budget = start((struct ov_limits){.file_bytes = 10, .depth = 1});
    assert_false(ov_budget_take_object(&budget, 11, 0));
    assert_false(ov_budget_take_object(&budget, 1, 2));
    assert_int_equal(budget.hit, OV_LIMIT_FILE_SIZE);
}

static void test_names(void **state) {
    (void)state;
    assert_string_equal(ov_limit_name(OV_LIMIT_NONE), "none");
    assert_string_equal(ov_limit_name(OV_LIMIT_FILE_SIZE), "max-filesize");
    assert_string_equal(ov_limit_name(OV_LIMIT_SCAN_SIZE), "max-scansize");
    assert_string_equal(ov_limit_name(OV_LIMIT_RECURSION), "max-recursion");
    assert_string_equal(ov_limit_name(OV_LIMIT_FILES), "max-files");
    assert_string_equal(ov_limit_name(OV_LIMIT_SCAN_TIME), "max-scantime");
    assert_string_equal(ov_limit_name((enum ov_limit)99), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_clamscans),
        cmocka_unit_test(test_file_size),
        cmocka_unit_test(test_scan_size_adds_up),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_zero_is_no_limit),
        cmocka_unit_test(test_time_runs_out),
        cmocka_unit_test(test_time_that_would_overflow_is_for_ever),
        cmocka_unit_test(test_the_first_limit_is_the_one_that_is_told),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests_name("base/budget", tests, NULL, NULL);
}
