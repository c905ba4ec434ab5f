// SPDX-License-Identifier: Apache-2.0
// Hexadecimal text, both ways, and what is refused.
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_digits_are_these_22_and_no_other(void **state) {
    (void)state;
    static const char lower[] = "0123456789abcdef";
    static const char upper[] = "0123456789ABCDEF";
    for (int c = 0; c < 256; c++) {
        const char *hit = c != 0 ? strchr(lower, c) : NULL;
        const char *high = c != 0 ? strchr(upper, c) : NULL;
        long expected = hit != NULL ? hit - lower : high != NULL ? high - upper : -1;
        assert_int_equal(ov_hex_digit((uint8_t)c), expected);
    }
}

static void test_every_byte_there_and_back(void **state) {
    (void)state;
    uint8_t bytes[256];
    uint8_t back[256];
    char text[513];
    for (size_t i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
    }
    ov_hex_write(ov_span_make(bytes, 256), text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102", 6);
    assert_memory_equal(text + 506, "fdfeff", 6);
    assert_int_equal(ov_hex_read(ov_span_text(text), back, 256), OV_OK);
    assert_memory_equal(back, bytes, 256);
}

static void test_both_cases(void **state) {
    (void)state;
    uint8_t bytes[3];
    assert_int_equal(ov_hex_read(ov_span_text("aAbBfF"), bytes, 3), OV_OK);
    assert_memory_equal(bytes, "\xaa\xbb\xff", 3);
}

static void test_refusals_leave_the_output_alone(void **state) {
    (void)state;
    static const char *const bad[] = {"",       "a",      "aab",    "aabbc",  "aabbccd", "aabbccdd",
                                      "aabbcg", "ga bbc", "aabb c", "-1aabb", "0xaabb"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t bytes[3] = {1, 2, 3};
        assert_int_equal(ov_hex_read(ov_span_text(bad[i]), bytes, 3), OV_DAMAGED);
        assert_memory_equal(bytes, "\1\2\3", 3);
    }
}

static void test_nothing(void **state) {
    (void)state;
    char text[1] = {'x'};
    ov_hex_write(ov_span_make(NULL, 0), text);
    assert_int_equal(text[0], '\0');
    assert_int_equal(ov_hex_read(ov_span_make(NULL, 0), NULL, 0), OV_OK);
    // a size whose double wraps to the text's own length
    assert_int_equal(ov_hex_read(ov_span_make(NULL, 0), NULL, SIZE_MAX / 2 + 1), OV_DAMAGED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits_are_these_22_and_no_other),
        cmocka_unit_test(test_every_byte_there_and_back),
        cmocka_unit_test(test_both_cases),
        cmocka_unit_test(test_refusals_leave_the_output_alone),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests_name("base/hex", tests, NULL, NULL);
}
