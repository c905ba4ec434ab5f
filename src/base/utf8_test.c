// SPDX-License-Identifier: Apache-2.0
// UTF-8: every code point is accepted, and nothing that is none.
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// An encoder of our own to hold the reader against: RFC 3629 section 3.
static unsigned encode(uint32_t point, uint8_t bytes[4]) {
    if (point < 0x80) {
        bytes[0] = (uint8_t)point;
        return 1;
    }
    unsigned length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (unsigned i = length - 1; i > 0; i--) {
        bytes[i] = (uint8_t)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    bytes[0] = (uint8_t)(0xf00u >> length | point);
    return length;
}

static void test_every_code_point(void **state) {
    (void)state;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        uint8_t bytes[4] = {0};
        unsigned length = encode(point, bytes);
        bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
        if (ov_utf8_length(ov_span_make(bytes, length)) != (is_surrogate ? 0 : length)) {
            fail_msg("U+%04X", point);
        }
    }
}

// How many of all two- and three-byte strings with a high first byte are one whole sequence.
static void test_nothing_else_of_two_and_three_bytes(void **state) {
    (void)state;
    unsigned two = 0;
    unsigned three = 0;
    for (uint32_t value = 0x800000; value <= 0xffffff; value++) {
        uint8_t bytes[3] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
        three += ov_utf8_length(ov_span_make(bytes, 3)) == 3;
        two += bytes[2] == 0 && ov_utf8_length(ov_span_make(bytes, 2)) == 2;
    }
    assert_int_equal(two, 0x800 - 0x80);
    assert_int_equal(three, 0x10000 - 0x800 - 0x800); // without the surrogates
}

static void test_nothing_else_of_four_bytes(void **state) {
    (void)state;
    static const uint8_t last[] = {0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff}; // two of them are good
    unsigned four = 0;
    for (uint32_t value = 0xf00000; value <= 0xffffff; value++) {
        for (size_t i = 0; i < sizeof last; i++) {
            uint8_t bytes[4] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value,
                                last[i]};
            four += ov_utf8_length(ov_span_make(bytes, 4)) == 4;
        }
    }
    assert_int_equal(four, 0x100000 / 64 * 2);
}

static void test_cut_sequences(void **state) {
    (void)state;
    assert_int_equal(ov_utf8_length(ov_span_make(NULL, 0)), 0);
    assert_int_equal(ov_utf8_length(ov_span_make("\xc3\xa4", 1)), 0);
    assert_int_equal(ov_utf8_length(ov_span_make("\xe2\x82\xac", 2)), 0);
    assert_int_equal(ov_utf8_length(ov_span_make("\xf0\x9f\x98\x80", 3)), 0);
    assert_int_equal(ov_utf8_length(ov_span_make("\xc3\xa4xyz", 5)), 2);
    assert_int_equal(ov_utf8_length(ov_span_make("\0", 1)), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_nothing_else_of_two_and_three_bytes),
        cmocka_unit_test(test_nothing_else_of_four_bytes),
        cmocka_unit_test(test_cut_sequences),
    };
    return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
