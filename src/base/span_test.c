// SPDX-License-Identifier: Apache-2.0
// Parts, comparisons and searches at the edges of a span.
#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_part_is_cut_to_what_there_is(void **state) {
    (void)state;
    struct ov_span text = ov_span_text("overt");
    assert_true(ov_span_is_text(ov_span_part(text, 1, 3), "ver"));
    assert_true(ov_span_is_text(ov_span_part(text, 3, 100), "rt"));
    assert_true(ov_span_is_text(ov_span_part(text, 3, SIZE_MAX), "rt"));
    assert_int_equal(ov_span_part(text, 5, 1).size, 0);
    assert_int_equal(ov_span_part(text, 6, 1).size, 0);
    assert_int_equal(ov_span_part(text, SIZE_MAX, SIZE_MAX).size, 0);
    assert_int_equal(ov_span_part(ov_span_make(NULL, 0), 0, 0).size, 0);
}

static void test_equality(void **state) {
    (void)state;
    assert_true(ov_span_is_text(ov_span_text("abc"), "abc"));
    assert_false(ov_span_is_text(ov_span_text("abc"), "ab"));
    assert_false(ov_span_is_text(ov_span_text("abc"), "abd"));
    assert_true(ov_span_is_equal(ov_span_make(NULL, 0), ov_span_text("")));
    assert_false(ov_span_is_text(ov_span_make("a\0b", 3), "a"));
}

static void test_prefix(void **state) {
    (void)state;
    assert_true(ov_span_has_prefix(ov_span_text("MZabc"), "MZ"));
    assert_true(ov_span_has_prefix(ov_span_text("MZ"), "MZ"));
    assert_false(ov_span_has_prefix(ov_span_text("M"), "MZ"));
    assert_false(ov_span_has_prefix(ov_span_text("mZ"), "MZ"));
    assert_true(ov_span_has_prefix(ov_span_make(NULL, 0), ""));
    assert_false(ov_span_has_prefix(ov_span_make(NULL, 0), "M"));
}

static void test_find(void **state) {
    (void)state;
    struct ov_span text = ov_span_text("abcabc");
    assert_int_equal(ov_span_find(text, 0, 'c'), 2);
    assert_int_equal(ov_span_find(text, 2, 'c'), 2);
    assert_int_equal(ov_span_find(text, 3, 'c'), 5);
    assert_int_equal(ov_span_find(text, 6, 'c'), 6);
    assert_int_equal(ov_span_find(text, 0, 'x'), 6);
    assert_int_equal(ov_span_find(text, SIZE_MAX, 'a'), 6);
    assert_int_equal(ov_span_find(ov_span_make(NULL, 0), 0, 'a'), 0);
}

static void test_search(void **state) {
    (void)state;
    struct ov_span text = ov_span_text("abcabd");
    assert_int_equal(ov_span_search(text, 0, ov_span_text("ab")), 0);
    assert_int_equal(ov_span_search(text, 1, ov_span_text("ab")), 3);
    assert_int_equal(ov_span_search(text, 4, ov_span_text("ab")), 6);
    assert_int_equal(ov_span_search(text, 0, ov_span_text("abcabde")), 6);
    assert_int_equal(ov_span_search(text, SIZE_MAX, ov_span_text("a")), 6);
    assert_int_equal(ov_span_search(ov_span_make(NULL, 0), 0, ov_span_text("a")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_part_is_cut_to_what_there_is),
        cmocka_unit_test(test_equality),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_search),
    };
    return cmocka_run_group_tests_name("base/span", tests, NULL, NULL);
}
