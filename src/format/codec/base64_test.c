// SPDX-License-Identifier: Apache-2.0
// Base64: the vectors of RFC 4648, all bytes there and back, and where readers disagree.
#include "format/codec/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(const char *text, enum ov_base64_reading reading, const char *plain) {
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    struct ov_base64_signs signs;
    assert_int_equal(ov_base64_decode(ov_span_text(text), reading, 1000, &buf, &signs), OV_OK);
    assert_int_equal(buf.size, strlen(plain));
    assert_memory_equal(buf.data != NULL ? (const char *)buf.data : "", plain, strlen(plain));
}

static void test_vectors_of_the_standard(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"", ""},
                                          {"Zg==", "f"},
                                          {"Zm8=", "fo"},
                                          {"Zm9v", "foo"},
                                          {"Zm9vYg==", "foob"},
                                          {"Zm9vYmE=", "fooba"},
                                          {"Zm9vYmFy", "foobar"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (unsigned reading = 0; reading < OV_BASE64_READINGS; reading++) {
            expect(rows[i][0], (enum ov_base64_reading)reading, rows[i][1]);
        }
    }
}

// Encodes plainly, for the other direction.
static size_t encode(const uint8_t *bytes, size_t size, char *ret_text) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++) {
            bits = bits << 8 | (i + k < size ? bytes[i + k] : 0u);
        }
        for (size_t k = 0; k < 4; k++) {
            ret_text[at++] = i + k <= size ? digits[bits >> (18 - 6 * k) & 63] : '=';
        }
    }
    ret_text[at] = 0;
    return at;
}

static void test_every_byte_and_every_length(void **state) {
    (void)state;
    uint8_t bytes[256];
    char text[400];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 167 + 13);
    }
    for (size_t size = 0; size <= sizeof bytes; size++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
        struct ov_base64_signs signs;
        size_t chars = encode(bytes, size, text);
        struct ov_span span = ov_span_make(text, chars);
        assert_int_equal(ov_base64_decode(span, OV_BASE64_ALL, 256, &buf, &signs), OV_OK);
        assert_int_equal(buf.size, size);
        assert_memory_equal(size > 0 ? buf.data : bytes, bytes, size);
        assert_false(signs.has_junk || signs.has_after);
    }
}

static void test_missing_padding_loses_nothing(void **state) {
    (void)state;
    expect("Zm9vYg", OV_BASE64_ALL, "foob");
    expect("Zm9vYmE", OV_BASE64_ALL, "fooba");
    expect("Zm9vY", OV_BASE64_ALL, "foo"); // six bits are no byte
}

static void test_readers_disagree_about_padding_in_between(void **state) {
    (void)state;
    expect("Zg==Zm9v", OV_BASE64_ALL, "ffoo");
    expect("Zg==Zm9v", OV_BASE64_TO_PAD, "f");
    expect("Zm8=\r\nZm9v", OV_BASE64_ALL, "fofoo");
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    struct ov_base64_signs signs;
    (void)ov_base64_decode(ov_span_text("Zg==Zm9v"), OV_BASE64_ALL, 9, &buf, &signs);
    assert_true(signs.has_after && !signs.has_junk);
}

static void test_readers_disagree_about_junk(void **state) {
    (void)state;
    expect("Zm9v\n--\nsent by me\nYmFy\n", OV_BASE64_LINES, "foobar");
    expect("Zm!9v", OV_BASE64_ALL, "foo");
    expect("Zm!9v\nYmFy", OV_BASE64_LINES, "bar");
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    struct ov_base64_signs signs;
    (void)ov_base64_decode(ov_span_text("Zm!9v"), OV_BASE64_ALL, 9, &buf, &signs);
    assert_true(signs.has_junk);
}

static void test_no_more_than_there_is_room_for(void **state) {
    (void)state;
    for (size_t room = 0; room < 9; room++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
        struct ov_base64_signs signs;
        enum ov_status status =
            ov_base64_decode(ov_span_text("Zm9vYmFy"), OV_BASE64_ALL, room, &buf, &signs);
        assert_int_equal(status, room < 6 ? OV_LIMIT : OV_OK);
        assert_int_equal(buf.size, room < 6 ? room : 6);
    }
}

static void test_words_are_not_taken_for_base64(void **state) {
    (void)state;
    assert_true(ov_base64_is_likely(ov_span_text("TVqQAAMAAAAEAAAA//8AALgAAAAA\nAAAAQAAA\n")));
    assert_true(ov_base64_is_likely(ov_span_text("\n\nTVqQAAMAAAAEAAAA//8AALgAAAAA")));
    assert_false(ov_base64_is_likely(ov_span_text("Hello\n\nhow are you doing today, my friend?")));
    assert_false(ov_base64_is_likely(ov_span_text("Hello,\nTVqQAAMAAAAEAAAA//8AALgAAAAA")));
    assert_false(ov_base64_is_likely(ov_span_text("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_of_the_standard),
        cmocka_unit_test(test_every_byte_and_every_length),
        cmocka_unit_test(test_missing_padding_loses_nothing),
        cmocka_unit_test(test_readers_disagree_about_padding_in_between),
        cmocka_unit_test(test_readers_disagree_about_junk),
        cmocka_unit_test(test_no_more_than_there_is_room_for),
        cmocka_unit_test(test_words_are_not_taken_for_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
