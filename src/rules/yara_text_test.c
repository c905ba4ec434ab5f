// SPDX-License-Identifier: Apache-2.0
// Statements of YARA files are found whole, whatever stands in their strings and comments.
#include "rules/yara_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ov_yara_text begin(const char *text) {
    struct ov_yara_text yara;
    ov_yara_text_init(ov_span_text(text), &yara);
    return yara;
}

static void assert_next(struct ov_yara_text *yara, const char *text, uint32_t line) {
    struct ov_span got;
    uint32_t got_line;
    assert_int_equal(ov_yara_text_next(yara, &got, &got_line), OV_OK);
    assert_true(ov_span_is_text(got, text));
    assert_int_equal(got_line, line);
}

static void assert_end(struct ov_yara_text *yara, enum ov_status status) {
    struct ov_span got;
    uint32_t got_line;
    assert_int_equal(ov_yara_text_next(yara, &got, &got_line), status);
}

static void test_statements_stand_alone(void **state) {
    (void)state;
    struct ov_yara_text yara = begin("// head\nimport \"pe\"\n\ninclude /* odd */ \"a.yar\"\r\n"
                                     "private global rule a : x y {\n condition: true\n}\n"
                                     "/* between\n */ rule b { condition: a }");
    assert_next(&yara, "import \"pe\"", 2);
    assert_next(&yara, "include /* odd */ \"a.yar\"", 4);
    assert_next(&yara, "private global rule a : x y {\n condition: true\n}", 5);
    assert_next(&yara, "rule b { condition: a }", 9);
    assert_end(&yara, OV_END);
}

static void test_braces_in_strings_end_nothing(void **state) {
    (void)state;
    static const char rule[] = "rule a {\n strings:\n"
                               "  $a = \"} \\\" } // no comment\"\n"
                               "  $b = { 00 [2-4] ( 01 | 02 ) /* } */ // }\n 03 }\n"
                               "  $c = /a\\/}\"{/is\n"
                               "  $d = \"\\\\\"\n"
                               " condition: $a and 4 \\ 2 == 2 // { rule b {\n}";
    struct ov_yara_text yara = begin(rule);
    assert_next(&yara, rule, 1);
    assert_end(&yara, OV_END);
}

static void test_a_mark_of_byte_order_is_no_text(void **state) {
    (void)state;
    struct ov_yara_text yara = begin("\xef\xbb\xbfimport \"pe\"");
    assert_next(&yara, "import \"pe\"", 1);
    assert_end(&yara, OV_END);
}

static void test_what_has_no_end_is_damaged(void **state) {
    (void)state;
    static const char *const texts[] = {
        "rule a {",
        "rule a { { }",
        "rule",
        "}",
        "rule a { $a = \"x\n\" }",
        "rule a { $a = /x\n/ }",
        "/* no end",
        "import pe",
        "import \"pe\n\"",
        "rule a { /* }",
        "include",
        "rule a } {",
        "/",
        "rule a { $a = \"\\\n\" }",
        "\"",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct ov_yara_text yara = begin(texts[i]);
        assert_end(&yara, OV_DAMAGED);
        assert_false(ov_yara_text_is_whole(ov_span_text(texts[i])));
    }
    assert_false(ov_yara_text_is_whole(ov_span_text("rule a { condition: true } x")));
    assert_true(ov_yara_text_is_whole(ov_span_text("")));
    assert_true(ov_yara_text_is_whole(ov_span_text(" // end")));
    assert_true(ov_yara_text_is_whole(ov_span_text("rule a { condition: true }rule b{}")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements_stand_alone),
        cmocka_unit_test(test_braces_in_strings_end_nothing),
        cmocka_unit_test(test_a_mark_of_byte_order_is_no_text),
        cmocka_unit_test(test_what_has_no_end_is_damaged),
    };
    return cmocka_run_group_tests_name("rules/yara_text", tests, NULL, NULL);
}
