// SPDX-License-Identifier: Apache-2.0
// Base64 as RFC 4648 has it, section 10 included, and nothing else.
#include "trust/pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void vectors_come_out(void **state) {
    (void)state;
    static const struct {
        const char *text, *plain;
    } cases[] = {
        {"", ""},
        {"Zg==", "f"},
        {"Zm8=", "fo"},
        {"Zm9v", "foo"},
        {"Zm9vYg==", "foob"},
        {"Zm9vYmE=", "fooba"},
        {"Zm9vYmFy", "foobar"},
        {"\nZm9v\r\nYm\nFy\n", "foobar"},
        {"+/+/", "\xfb\xff\xbf"},
    };
    struct ov_buf out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ov_buf_reset(&out);
        assert_int_equal(ov_pem_decode(ov_span_text(cases[i].text), &out), OV_OK);
        assert_true(ov_span_is_text(ov_buf_span(&out), cases[i].plain));
    }
    ov_buf_release(&out);
}

static void others_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {"Z",     "Zg",    "Zg=",  "Zh==",    "Zm9=", "Zm8",
                                        "Zg==Z", "=",     "==",   "Zm9v=",   "Z===", "Zm 9v",
                                        "Zm9-",  "Zg===", "Zg=g", "\x80m9v", "Zm8=="};
    struct ov_buf out = {0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(ov_pem_decode(ov_span_text(texts[i]), &out), OV_DAMAGED);
    }
    ov_buf_release(&out);
}

static void certificates_are_found_one_by_one(void **state) {
    (void)state;
    struct ov_span text =
        ov_span_text("subject=x\n-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n"
                     "-----BEGIN CERTIFICATE-----\nYmFy\n-----END CERTIFICATE-----\n"
                     "-----BEGIN CERTIFICATE-----\nYmFy\n");
    struct ov_buf out = {0};
    assert_int_equal(ov_pem_next(&text, &out), OV_OK);
    assert_true(ov_span_is_text(ov_buf_span(&out), "foo"));
    assert_int_equal(ov_pem_next(&text, &out), OV_OK);
    assert_true(ov_span_is_text(ov_buf_span(&out), "foobar"));
    assert_int_equal(ov_pem_next(&text, &out), OV_DAMAGED);
    text = ov_span_text("-----BEGIN PRIVATE KEY-----");
    assert_int_equal(ov_pem_next(&text, &out), OV_END);
    ov_buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_come_out),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(certificates_are_found_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
