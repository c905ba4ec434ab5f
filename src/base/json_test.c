// SPDX-License-Identifier: Apache-2.0
// The JSON writer: commas, escapes, bytes that are no text, levels.
#include "base/json.h"

#include <math.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct ov_buf buf;
    struct ov_json json;
};

static int set_up(void **state) {
    static struct fixture fixture;
    ov_buf_init(&fixture.buf);
    ov_json_init(&fixture.json, &fixture.buf);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    ov_buf_release(&fixture->buf);
    return 0;
}

static void assert_output(struct fixture *fixture, const char *expected) {
    ov_buf_add_u8(&fixture->buf, '\0');
    assert_int_equal(ov_buf_status(&fixture->buf), OV_OK);
    assert_string_equal((const char *)fixture->buf.data, expected);
}

static void test_every_kind_of_value(void **state) {
    struct fixture *fixture = *state;
    struct ov_json *json = &fixture->json;
    ov_json_object(json, NULL);
    ov_json_text(json, "text", "a");
    ov_json_uint(json, "uint", UINT64_MAX);
    ov_json_int(json, "int", INT64_MIN);
    ov_json_float(json, "float", 0.25);
    ov_json_bool(json, "yes", true);
    ov_json_bool(json, "no", false);
    ov_json_null(json, "null");
    ov_json_object_end(json);
    assert_output(fixture, "{\"text\":\"a\",\"uint\":18446744073709551615,"
                           "\"int\":-9223372036854775808,\"float\":0.25,\"yes\":true,"
                           "\"no\":false,\"null\":null}");
}

static void test_commas_between_levels(void **state) {
    struct fixture *fixture = *state;
    struct ov_json *json = &fixture->json;
    ov_json_object(json, NULL);
    ov_json_array(json, "a");
    ov_json_array_end(json);
    ov_json_array(json, "b");
    ov_json_uint(json, NULL, 1);
    ov_json_object(json, NULL);
    ov_json_object_end(json);
    ov_json_object(json, NULL);
    ov_json_uint(json, "x", 2);
    ov_json_object_end(json);
    ov_json_array_end(json);
    ov_json_object(json, "c");
    ov_json_object_end(json);
    ov_json_object_end(json);
    assert_output(fixture, "{\"a\":[],\"b\":[1,{},{\"x\":2}],\"c\":{}}");
}

static void test_escapes(void **state) {
    struct fixture *fixture = *state;
    ov_json_bytes(&fixture->json, NULL, ov_span_make("\"\\/\n\t\0\x1f\x7f", 8));
    assert_output(fixture, "\"\\\"\\\\/\\u000a\\u0009\\u0000\\u001f\\u007f\"");
}

static void test_c1_control_characters_are_escaped(void **state) {
    struct fixture *fixture = *state;
    ov_json_text(&fixture->json, NULL, "\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0");
    assert_output(fixture, "\"\\u0080\\u009b\\u009f\xc2\xa0\"");
}

static void test_keys_are_escaped_too(void **state) {
    struct fixture *fixture = *state;
    ov_json_object(&fixture->json, NULL);
    ov_json_null(&fixture->json, "a\"b\n");
    ov_json_object_end(&fixture->json);
    assert_output(fixture, "{\"a\\\"b\\u000a\":null}");
}

static void test_utf8_stays_and_other_bytes_become_surrogates(void **state) {
    struct fixture *fixture = *state;
    ov_json_array(&fixture->json, NULL);
    ov_json_text(&fixture->json, NULL, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    ov_json_text(&fixture->json, NULL, "caf\xe9.txt");      // Latin-1
    ov_json_text(&fixture->json, NULL, "\xed\xa0\x80");     // a surrogate in UTF-8's clothes
    ov_json_text(&fixture->json, NULL, "\xc0\xaf\xe2\x82"); // too long a form, and one cut short
    ov_json_array_end(&fixture->json);
    assert_output(fixture, "[\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\",\"caf\\udce9.txt\","
                           "\"\\udced\\udca0\\udc80\",\"\\udcc0\\udcaf\\udce2\\udc82\"]");
}

static void test_two_byte_strings_never_become_one(void **state) {
    struct fixture *fixture = *state;
    // The bytes of the escape's own text and the byte that it stands for stay apart.
    ov_json_array(&fixture->json, NULL);
    ov_json_text(&fixture->json, NULL, "\\udce9");
    ov_json_text(&fixture->json, NULL, "\xe9");
    ov_json_array_end(&fixture->json);
    assert_output(fixture, "[\"\\\\udce9\",\"\\udce9\"]");
}

static void test_floats_that_json_has_not(void **state) {
    struct fixture *fixture = *state;
    ov_json_array(&fixture->json, NULL);
    ov_json_float(&fixture->json, NULL, NAN);
    ov_json_float(&fixture->json, NULL, INFINITY);
    ov_json_float(&fixture->json, NULL, -0.5);
    ov_json_array_end(&fixture->json);
    assert_output(fixture, "[null,null,-0.5]");
}

static void test_deepest_level_and_one_more(void **state) {
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < OV_JSON_DEPTH; i++) {
        ov_json_array(&fixture->json, NULL);
    }
    assert_int_equal(ov_buf_status(&fixture->buf), OV_OK);
    ov_json_array(&fixture->json, NULL);
    assert_int_equal(ov_buf_status(&fixture->buf), OV_MEMORY); // seen, not written past the array
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_kind_of_value, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_commas_between_levels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_escapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_c1_control_characters_are_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys_are_escaped_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_utf8_stays_and_other_bytes_become_surrogates, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_two_byte_strings_never_become_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_floats_that_json_has_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deepest_level_and_one_more, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
