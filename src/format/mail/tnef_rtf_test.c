// SPDX-License-Identifier: Apache-2.0
// Compressed RTF: the examples of [MS-OXRTFCP] 4.1.
#include "format/mail/tnef_rtf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_the_examples_of_the_standard(void **state) {
    (void)state;
    static const uint8_t simple[] = {0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a,
                                     0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00,
                                     0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a,
                                     0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77,
                                     0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0};
    static const uint8_t crossing[] = {0x1a, 0x00, 0x00, 0x00, 0x1c, 0x00, 0x00, 0x00, 0x4c, 0x5a,
                                       0x46, 0x75, 0xe2, 0xd4, 0x4b, 0x51, 0x41, 0x00, 0x04, 0x20,
                                       0x57, 0x58, 0x59, 0x5a, 0x0d, 0x6e, 0x7d, 0x01, 0x0e, 0xb0};
    static const char *const expected[] = {"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n",
                                           "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"};
    const struct ov_span packed[] = {ov_span_make(simple, sizeof simple),
                                     ov_span_make(crossing, sizeof crossing)};
    for (size_t i = 0; i < 2; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
        assert_int_equal(ov_tnef_rtf_unpack(packed[i], 1000, &buf), OV_OK);
        assert_int_equal(buf.size, strlen(expected[i]));
        assert_memory_equal(buf.data, expected[i], buf.size);
        ov_buf_reset(&buf);
        assert_int_equal(ov_tnef_rtf_unpack(packed[i], 10, &buf), OV_LIMIT);
        assert_int_equal(buf.size, 10);
        ov_buf_reset(&buf);
        struct ov_span cut = ov_span_part(packed[i], 0, packed[i].size - 4);
        assert_int_equal(ov_tnef_rtf_unpack(cut, 1000, &buf), OV_DAMAGED);
        assert_memory_equal(buf.data, expected[i], buf.size);
    }
}

static void test_uncompressed(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    struct ov_span packed = ov_span_make("\x0f\0\0\0\3\0\0\0MELA\0\0\0\0abc", 19);
    assert_int_equal(ov_tnef_rtf_unpack(packed, 100, &buf), OV_OK);
    assert_int_equal(buf.size, 3);
    assert_memory_equal(buf.data, "abc", 3);
}

static void test_nothing(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    assert_int_equal(ov_tnef_rtf_unpack(ov_span_make(NULL, 0), 100, &buf), OV_DAMAGED);
    assert_int_equal(ov_tnef_rtf_unpack(ov_span_text("no such thing at all"), 100, &buf),
                     OV_DAMAGED);
    assert_int_equal(buf.size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_examples_of_the_standard),
        cmocka_unit_test(test_uncompressed),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
