// SPDX-License-Identifier: Apache-2.0
// Quoted-printable: the standard, and what broken programs write.
#include "format/codec/quoted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(const char *text, const char *plain) {
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    assert_int_equal(ov_quoted_decode(ov_span_text(text), 1000, &buf), OV_OK);
    assert_int_equal(buf.size, strlen(plain));
    assert_memory_equal(buf.data != NULL ? (const char *)buf.data : "", plain, strlen(plain));
}

static void test_escapes_and_soft_line_ends(void **state) {
    (void)state;
    expect("", "");
    expect("plain text", "plain text");
    expect("a=3Db", "a=b");
    expect("=41=42=63", "ABc");
    expect("one=\r\ntwo", "onetwo");
    expect("one=\ntwo\n", "onetwo\n");
    expect("one\r\ntwo\r\n", "one\r\ntwo\r\n");
    expect("one= \t\r\ntwo", "onetwo"); // blanks were added on the way
}

static void test_blanks_at_line_ends(void **state) {
    (void)state;
    expect("one  \r\ntwo\t\n", "one\r\ntwo\n");
    expect("one=20\r\ntwo=09\n", "one \r\ntwo\t\n");
}

static void test_what_is_no_escape_stays(void **state) {
    (void)state;
    expect("a=3d=3D", "a==");
    expect("=ZZ=4", "=ZZ=4");
    expect("x==41", "x=A");
    expect("=", "");
}

static void test_no_more_than_there_is_room_for(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    assert_int_equal(ov_quoted_decode(ov_span_text("=41=42\nC"), 3, &buf), OV_LIMIT);
    assert_int_equal(buf.size, 3);
    assert_memory_equal(buf.data, "AB\n", 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes_and_soft_line_ends),
        cmocka_unit_test(test_blanks_at_line_ends),
        cmocka_unit_test(test_what_is_no_escape_stays),
        cmocka_unit_test(test_no_more_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
