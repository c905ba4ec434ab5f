// SPDX-License-Identifier: Apache-2.0
// Numbers, names and switches of heuristic alerts.
#include "base/heuristic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_each_has_a_name_a_number_and_switches(void **state) {
    (void)state;
    for (unsigned i = 0; i < OV_HEURISTIC_COUNT; i++) {
        enum ov_heuristic heuristic = (enum ov_heuristic)i;
        assert_memory_equal(ov_heuristic_name(heuristic), "Heuristics.", 11);
        assert_int_equal(ov_heuristic_of_rule(ov_heuristic_rule(heuristic)), heuristic);
        uint32_t needed = 0;
        for (unsigned bit = 0; bit < 32; bit++) {
            needed |= ov_heuristic_is_on(heuristic, UINT32_MAX & ~(1u << bit)) ? 0 : 1u << bit;
        }
        assert_true(ov_heuristic_is_on(heuristic, needed));
        assert_int_equal(needed & ~(OV_ALERT_ALL & ~(uint32_t)OV_ALERT_PRECEDENCE), 0);
        assert_int_equal(needed == 0, heuristic == OV_HEURISTIC_XZ_DICTIONARY);
    }
}

static void test_names_differ(void **state) {
    (void)state;
    for (unsigned i = 0; i < OV_HEURISTIC_COUNT; i++) {
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(ov_heuristic_name((enum ov_heuristic)i),
                                    ov_heuristic_name((enum ov_heuristic)k));
        }
    }
}

static void test_other_numbers_are_none(void **state) {
    (void)state;
    static const uint32_t numbers[] = {0, 1000, OV_HEURISTIC_FIRST - 1,
                                       OV_HEURISTIC_FIRST + OV_HEURISTIC_COUNT, UINT32_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(ov_heuristic_of_rule(numbers[i]), OV_HEURISTIC_NONE);
    }
    assert_false(ov_heuristic_is_on(OV_HEURISTIC_NONE, UINT32_MAX));
    assert_string_equal(ov_heuristic_name(OV_HEURISTIC_NONE), "?");
}

static void test_limits_of_our_own_alert_to_nothing(void **state) {
    (void)state;
    assert_int_equal(ov_heuristic_of_limit(OV_LIMIT_NONE), OV_HEURISTIC_NONE);
    assert_int_equal(ov_heuristic_of_limit(OV_LIMIT_MEMORY), OV_HEURISTIC_NONE);
    assert_int_equal(ov_heuristic_of_limit(OV_LIMIT_MATCHING), OV_HEURISTIC_NONE);
    assert_string_equal(ov_heuristic_name(ov_heuristic_of_limit(OV_LIMIT_FILES)),
                        "Heuristics.Limits.Exceeded.MaxFiles");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_a_name_a_number_and_switches),
        cmocka_unit_test(test_names_differ),
        cmocka_unit_test(test_other_numbers_are_none),
        cmocka_unit_test(test_limits_of_our_own_alert_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
