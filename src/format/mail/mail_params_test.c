// SPDX-License-Identifier: Apache-2.0
// Parameters of header fields: the examples of RFC 2045, 2047 and 2231, and what is written
// instead.
#include "format/mail/mail_params.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check_name(const char *field, const char *name) {
    struct ov_arena arena;
    ov_arena_init(&arena, 1 << 20);
    struct ov_span actual = ov_mail_name_read(ov_span_text(field), "name", &arena);
    if (!ov_span_is_text(actual, name)) {
        fail_msg("%s: %.*s, not %s", field, (int)actual.size, (const char *)actual.data, name);
    }
    ov_arena_release(&arena);
}

// Whether the value is one of those that are read.
static void check_value(const char *field, const char *value) {
    struct ov_arena arena;
    ov_arena_init(&arena, 1 << 20);
    struct ov_mail_values values = {0};
    ov_mail_params_read(ov_span_text(field), "boundary", &arena, &values);
    bool is_there = false;
    for (unsigned i = 0; i < values.count; i++) {
        is_there = is_there || ov_span_is_text(values.values[i], value);
    }
    if (!is_there) {
        fail_msg("%s: no %s among %u", field, value, values.count);
    }
    ov_arena_release(&arena);
}

static void test_values(void **state) {
    (void)state;
    check_value("multipart/mixed; boundary=gc0y0pkb9ex", "gc0y0pkb9ex");
    check_value("multipart/mixed; boundary=\"gc0pJq0M:08jU534c0p\"", "gc0pJq0M:08jU534c0p");
    check_value("multipart/mixed; BOUNDARY=x; charset=y", "x");
    check_value("multipart/mixed;boundary=\"a;b\"", "a;b");
    check_value("multipart/mixed;boundary=\"a\\\"b\"", "a\"b");
    check_value("multipart/mixed;boundary=\"a\\\"b\"", "a\\\"b");
}

static void test_values_that_are_not_allowed(void **state) {
    (void)state;
    check_value("multipart/mixed boundary=x", "x");
    check_value("multipart/mixed; boundary = x", "x");
    check_value("multipart/mixed; boundary=a b c; d=e", "a");
    check_value("multipart/mixed; boundary=a b c; d=e", "a b c");
    check_value("multipart/mixed; boundary=\"a b", "a b");
    check_value("multipart/mixed; boundary=(comment)x", "x");
    check_value("multipart/mixed; boundary=(comment)x", "(comment)x");
    check_value("multipart/mixed; boundary=x (comment)", "x");
    check_value("multipart/mixed; boundary=one; boundary=two", "one");
    check_value("multipart/mixed; boundary=one; boundary=two", "two");
    check_value("multipart/mixed; boundary=\"\"", "");
    check_value("multipart/mixed; boundary*0=\"ab\"; boundary*1=cd", "abcd");
    check_value("multipart/mixed; boundary*=us-ascii''a%62", "ab");
}

static void test_sections_of_a_name(void **state) {
    (void)state;
    check_name("message/external-body; access-type=URL; name*0=\"ftp://\"; "
               "name*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
               "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar");
    check_name("application/x-stuff; name*0*=us-ascii'en'This%20is%20even%20more%20; "
               "name*1*=%2A%2A%2Afun%2A%2A%2A%20; name*2=\"isn't it!\"",
               "This is even more ***fun*** isn't it!");
    check_name("x/y; name*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "This is ***fun***");
    check_name("x/y; name*1=b; name*0=a", "ab");
    check_name("x/y; name*0=a; name*2=c", "a");
    check_name("x/y; name*0=a; name*0=b", "a");
    check_name("x/y; name=plain; name*=utf-8''%C3%A4", "\xc3\xa4");
}

static void test_encoded_words(void **state) {
    (void)state;
    check_name("x/y; name=\"=?ISO-8859-1?Q?a?=\"", "a");
    check_name("x/y; name=\"=?ISO-8859-1?Q?a?= b\"", "a b");
    check_name("x/y; name=\"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=\"", "ab");
    check_name("x/y; name=\"=?ISO-8859-1?Q?a?=  \t =?ISO-8859-1?q?b=5Fc_d?=\"", "ab_c d");
    check_name("x/y; name==?utf-8?B?w6QuZXhl?=", "\xc3\xa4.exe");
    check_name("x/y; name=\"=?utf-8?B?YS5leGU\"", "=?utf-8?B?YS5leGU");
    check_name("x/y; filename=a; name=b", "b");
    check_name("x/y; charset=z", "");
}

// A field of a quarter of a megabyte is read in no time, whatever stands in it.
static void test_long_fields(void **state) {
    (void)state;
    static const char *const pieces[] = {"name=", "name=\"", "=?a?b?", "name*0=", "name ", "\"\\"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf field = {0};
        struct ov_arena arena;
        struct ov_mail_values values = {0};
        ov_arena_init(&arena, 1 << 20);
        ov_buf_add_text(&field, "x/y; name=\"");
        while (field.size < 256 << 10) {
            ov_buf_add_text(&field, pieces[i]);
        }
        assert_true(ov_mail_name_read(ov_buf_span(&field), "name", &arena).size <=
                    OV_MAIL_NAME_BYTES_MAX);
        ov_mail_params_read(ov_buf_span(&field), "name", &arena, &values);
        assert_true(values.count <= OV_MAIL_VALUES_MAX);
        ov_arena_release(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_values_that_are_not_allowed),
        cmocka_unit_test(test_sections_of_a_name),
        cmocka_unit_test(test_encoded_words),
        cmocka_unit_test(test_long_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
