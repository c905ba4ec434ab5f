// SPDX-License-Identifier: Apache-2.0
// Base64, numbers and lines: the vectors of RFC 4648, and what is refused.
#include "ledger/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void test_vectors_of_rfc_4648(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
        uint8_t back[8] = {0};
        size_t size = 99;
        ov_base64_add(&out, ov_span_text(rows[i][0]));
        assert_true(ov_span_is_text(ov_buf_span(&out), rows[i][1]));
        assert_int_equal(ov_base64_read(ov_buf_span(&out), back, sizeof back, &size), OV_OK);
        assert_true(ov_span_is_text(ov_span_make(back, size), rows[i][0]));
    }
}

static void test_base64_that_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"Z",     "Zg",   "Zg=",      "Zh==",   "Zm9=",
                                      "Z===",  "====", "Zg==Zg==", "Zm9v\n", " Zm9v",
                                      "Zm 9v", "Zm-_", "Zg==\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t bytes[8] = {7, 7, 7, 7, 7, 7, 7, 7};
        size_t size = 99;
        assert_int_equal(ov_base64_read(ov_span_text(bad[i]), bytes, sizeof bytes, &size),
                         OV_DAMAGED);
        assert_int_equal(size, 99);
        assert_int_equal(bytes[0], 7);
    }
    uint8_t small[2];
    size_t size = 0;
    assert_int_equal(ov_base64_read(ov_span_text("Zm9v"), small, sizeof small, &size), OV_LIMIT);
}

static void test_a_hash_is_44_characters(void **state) {
    (void)state;
    struct ov_tree_hash hash;
    const char *empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    uint8_t expected[OV_SHA256_BYTES];
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    ov_sha256(ov_span_text(""), expected);
    assert_int_equal(ov_tree_hash_read(ov_span_text(empty), &hash), OV_OK);
    assert_memory_equal(hash.bytes, expected, sizeof expected);
    ov_tree_hash_add(&out, &hash);
    assert_true(ov_span_is_text(ov_buf_span(&out), empty));
    for (size_t size = 0; size < OV_HASH_TEXT_BYTES; size++) {
        assert_int_equal(ov_tree_hash_read(ov_span_make(empty, size), &hash), OV_DAMAGED);
    }
    assert_int_equal( // 33 bytes
        ov_tree_hash_read(ov_span_text("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA"), &hash),
        OV_DAMAGED);
}

static void test_numbers_are_written_as_printf_does(void **state) {
    (void)state;
    uint64_t number = 1;
    for (unsigned i = 0; i < 200; i++) {
        char expected[OV_NUMBER_DIGITS_MAX + 1];
        char text[OV_NUMBER_DIGITS_MAX];
        const uint64_t value = i < 130 ? i : i == 130 ? UINT64_MAX : number;
        int size = snprintf(expected, sizeof expected, "%llu", (unsigned long long)value);
        assert_int_equal(ov_number_write(value, text), size);
        assert_memory_equal(text, expected, (size_t)size);
        number = number * 7 + i;
    }
}

static void test_numbers(void **state) {
    (void)state;
    uint64_t number = 77;
    assert_int_equal(ov_number_read(ov_span_text("0"), &number), OV_OK);
    assert_int_equal(number, 0);
    assert_int_equal(ov_number_read(ov_span_text("9223372036854775807"), &number), OV_OK);
    assert_true(number == OV_NUMBER_MAX);
    static const char *const bad[] = {"",
                                      "00",
                                      "01",
                                      "+1",
                                      "-1",
                                      "1 ",
                                      " 1",
                                      "0x1",
                                      "1e3",
                                      "9223372036854775808",
                                      "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ov_number_read(ov_span_text(bad[i]), &number), OV_DAMAGED);
    }
    assert_true(number == OV_NUMBER_MAX);
}

static void test_lines_and_words(void **state) {
    (void)state;
    struct ov_cursor cursor = ov_cursor_init(ov_span_text("old 5 x\n\ntail"));
    struct ov_span line;
    struct ov_span rest;
    struct ov_span word;
    assert_int_equal(ov_line_read(&cursor, &line), OV_OK);
    assert_int_equal(ov_line_take(line, "older", &rest), OV_DAMAGED);
    assert_int_equal(ov_line_take(line, "ol", &rest), OV_DAMAGED);
    assert_int_equal(ov_line_take(line, "old", &rest), OV_OK);
    assert_int_equal(ov_word_take(&rest, &word), OV_OK);
    assert_true(ov_span_is_text(word, "5"));
    assert_int_equal(ov_word_take(&rest, &word), OV_OK);
    assert_true(ov_span_is_text(word, "x"));
    assert_int_equal(ov_word_take(&rest, &word), OV_DAMAGED);
    assert_int_equal(ov_line_read(&cursor, &line), OV_OK);
    assert_int_equal(line.size, 0);
    assert_int_equal(ov_line_read(&cursor, &line), OV_DAMAGED);
    struct ov_cursor none = ov_cursor_init(ov_span_text(""));
    assert_int_equal(ov_line_read(&none, &line), OV_END);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_of_rfc_4648),
        cmocka_unit_test(test_base64_that_is_refused),
        cmocka_unit_test(test_a_hash_is_44_characters),
        cmocka_unit_test(test_numbers_are_written_as_printf_does),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_lines_and_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
