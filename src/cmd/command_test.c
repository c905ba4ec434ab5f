// SPDX-License-Identifier: Apache-2.0
// Finding commands in a table of our own.
#include "cmd/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct ov_command audit = {.name = "audit"};
static const struct ov_command rules = {.name = "rules"};
static const struct ov_command scan = {.name = "scan"};
static const struct ov_command status = {.name = "status"};

const struct ov_command *const ov_commands[] = {&audit, &rules, &scan, &status};
const size_t ov_command_count = 4;

static void test_find_exact(void **state) {
    (void)state;
    assert_ptr_equal(ov_command_find("scan"), &scan);
    assert_ptr_equal(ov_command_find("status"), &status);
}

static void test_find_nothing_else(void **state) {
    (void)state;
    assert_null(ov_command_find("sca"));
    assert_null(ov_command_find("scann"));
    assert_null(ov_command_find("Scan"));
    assert_null(ov_command_find(""));
}

static void test_nearest_typing_mistakes(void **state) {
    (void)state;
    assert_ptr_equal(ov_command_nearest("sacn"), &scan);
    assert_ptr_equal(ov_command_nearest("scna"), &scan);
    assert_ptr_equal(ov_command_nearest("rule"), &rules);
    assert_ptr_equal(ov_command_nearest("statuss"), &status);
    assert_ptr_equal(ov_command_nearest("audti"), &audit);
}

static void test_nearest_far_words(void **state) {
    (void)state;
    assert_null(ov_command_nearest("inventories"));
    assert_null(ov_command_nearest(""));
    assert_null(ov_command_nearest("x"));
    assert_null(ov_command_nearest("a-very-long-word-that-nobody-types-by-mistake"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find_exact),
        cmocka_unit_test(test_find_nothing_else),
        cmocka_unit_test(test_nearest_typing_mistakes),
        cmocka_unit_test(test_nearest_far_words),
    };
    return cmocka_run_group_tests_name("cmd/command", tests, NULL, NULL);
}
