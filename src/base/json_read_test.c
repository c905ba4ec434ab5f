// SPDX-License-Identifier: Apache-2.0
// The JSON reader: what it takes, what it refuses, and that it reads what the writer wrote.
#include "base/json.h"
#include "base/json_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct ov_arena arena;
static struct ov_json_error error;

static int set_up(void **state) {
    (void)state;
    ov_arena_init(&arena, 1 << 20);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ov_arena_release(&arena);
    return 0;
}

static const struct ov_json_value *read_text(const char *text) {
    const struct ov_json_value *value = NULL;
    assert_int_equal(ov_json_read(ov_span_text(text), &arena, &value, &error), OV_OK);
    return value;
}

static void test_reads_every_kind(void **state) {
    (void)state;
    const struct ov_json_value *root = read_text(
        " {\"a\" : [1, -2.5e+3, \"x\\u00e4\\n\", true, false, null, {}, []], \"b\":\"\"}\n");
    assert_int_equal(root->kind, OV_JSON_OBJECT);
    assert_int_equal(root->count, 2);
    const struct ov_json_value *list = ov_json_find(root, "a"), *item = ov_json_items(list);
    static const enum ov_json_kind kinds[] = {OV_JSON_NUMBER, OV_JSON_NUMBER, OV_JSON_TEXT,
                                              OV_JSON_TRUE,   OV_JSON_FALSE,  OV_JSON_NULL,
                                              OV_JSON_OBJECT, OV_JSON_ARRAY};
    assert_int_equal(list->count, 8);
    for (size_t i = 0; i < 8; i++, item = item->next) {
        assert_int_equal(item->kind, kinds[i]);
    }
    assert_null(item);
    item = ov_json_items(list)->next->next;
    assert_string_equal(ov_json_string(item), "x\xc3\xa4\n");
    assert_string_equal(ov_json_find_string(root, "b"), "");
    assert_null(ov_json_find_string(root, "a"));
    assert_null(ov_json_find(root, "c"));
    assert_null(ov_json_find(list, "c"));
    assert_null(ov_json_items(root));
}

static void test_a_text_with_a_nul_is_no_c_string(void **state) {
    (void)state;
    const struct ov_json_value *root = read_text("\"a\\u0000b\"");
    assert_int_equal(root->text.size, 3);
    assert_null(ov_json_string(root));
}

static void test_numbers_without_sign_fit_or_are_refused(void **state) {
    (void)state;
    uint64_t number = 7;
    assert_int_equal(ov_json_number(read_text("18446744073709551615"), &number), OV_OK);
    assert_int_equal(number, UINT64_MAX);
    static const char *const bad[] = {"18446744073709551616", "-1", "1.0", "1e3", "\"1\"", "null"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ov_json_number(read_text(bad[i]), &number), OV_DAMAGED);
    }
    assert_int_equal(ov_json_number(NULL, &number), OV_DAMAGED);
    assert_int_equal(number, UINT64_MAX);
}

static void test_refuses_what_is_no_document(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "[1 2]",
        "[1]]",
        "01",
        "+1",
        ".5",
        "1.",
        "1e",
        "-",
        "nul",
        "truex",
        "NaN",
        "'a'",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\n\"",
        "\"\\\"",
        "\"\xff\"",
        "\"\xed\xa0\x80\"",
        "\"\xc3\"",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1 \"b\":2}",
        "\xef\xbb\xbf{}",
        "[1]x",
        "{\"a\":1,\"\\u0061\":2}",
        "\"\\u00\"",
        "[}",
        "{]",
        "\"\\",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct ov_json_value *value = NULL;
        error.why = NULL;
        assert_int_equal(ov_json_read(ov_span_text(bad[i]), &arena, &value, &error), OV_DAMAGED);
        assert_non_null(error.why);
        assert_true(error.at <= strlen(bad[i]));
        assert_null(value);
    }
}

static void test_depth_keys_and_memory_have_limits(void **state) {
    (void)state;
    const struct ov_json_value *value = NULL;
    char deep[2 * OV_JSON_READ_DEPTH + 3] = {0};
    memset(deep, '[', OV_JSON_READ_DEPTH);
    memset(deep + OV_JSON_READ_DEPTH, ']', OV_JSON_READ_DEPTH);
    (void)read_text(deep);
    memset(deep, '[', OV_JSON_READ_DEPTH + 1);
    memset(deep + OV_JSON_READ_DEPTH + 1, ']', OV_JSON_READ_DEPTH + 1);
    assert_int_equal(ov_json_read(ov_span_text(deep), &arena, &value, &error), OV_LIMIT);

    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_buf_add_text(&text, "{\"x\":0");
    for (unsigned i = 0; i < OV_JSON_READ_KEYS; i++) {
        ov_buf_printf(&text, ",\"%u\":0", i);
    }
    ov_buf_add_text(&text, "}");
    assert_int_equal(ov_json_read(ov_buf_span(&text), &arena, &value, &error), OV_LIMIT);
    struct ov_arena small;
    ov_arena_init(&small, 1024);
    assert_int_equal(ov_json_read(ov_buf_span(&text), &small, &value, NULL), OV_LIMIT);
    ov_arena_release(&small);
    assert_null(value);
}

static void test_reads_what_the_writer_wrote(void **state) {
    (void)state;
    static const char bytes[] = "a\"\\/\x01\x7f\xc2\x85\xff\xed\xa0\x80\xf0\x9f\x98\x80\xc3";
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_json json;
    ov_json_init(&json, &out);
    ov_json_object(&json, NULL);
    ov_json_text(&json, bytes, bytes);
    ov_json_uint(&json, "n", 42);
    ov_json_object_end(&json);
    const struct ov_json_value *root = NULL;
    uint64_t number = 0;
    assert_int_equal(ov_json_read(ov_buf_span(&out), &arena, &root, &error), OV_OK);
    assert_string_equal(ov_json_find_string(root, bytes), bytes);
    assert_int_equal(ov_json_number(ov_json_find(root, "n"), &number), OV_OK);
    assert_int_equal(number, 42);
    assert_string_equal(ov_json_string(read_text("\"\\ud83d\\ude00\"")), "\xf0\x9f\x98\x80");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads_every_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_text_with_a_nul_is_no_c_string, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_numbers_without_sign_fit_or_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_refuses_what_is_no_document, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_depth_keys_and_memory_have_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reads_what_the_writer_wrote, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
