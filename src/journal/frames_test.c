// SPDX-License-Identifier: Apache-2.0
// Frames: to the byte, there and back, and every cut and flip seen.
#include "journal/frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// "123456789" is what CRCs are told by: RFC 3720 appendix B.4 and others have e3069283 for CRC-32C.
static const uint8_t known[] = {0,   9,   0xe3, 0x06, 0x92, 0x83, '1', '2',
                                '3', '4', '5',  '6',  '7',  '8',  '9'};

static void test_bytes(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    ov_frame_add(&out, ov_span_text("123456789"));
    assert_int_equal(out.size, sizeof known);
    assert_memory_equal(out.data, known, sizeof known);
}

static void test_there_and_back(void **state) {
    (void)state;
    static uint8_t bytes[OV_JOURNAL_ENTRY_BYTES_MAX];
    static const size_t sizes[] = {1, 255, 256, OV_JOURNAL_ENTRY_BYTES_MAX, 2};
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct ov_span entry;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        ov_frame_add(&out, ov_span_make(bytes, sizes[i]));
    }
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&out));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(ov_frame_read(&cursor, &entry), OV_OK);
        assert_true(ov_span_is_equal(entry, ov_span_make(bytes, sizes[i])));
    }
    assert_int_equal(ov_frame_read(&cursor, &entry), OV_END);
}

static void test_cuts_and_flips(void **state) {
    (void)state;
    struct ov_span entry = ov_span_text("as before");
    for (size_t size = 0; size < sizeof known; size++) {
        struct ov_cursor cursor = ov_cursor_init(ov_span_make(known, size));
        assert_int_equal(ov_frame_read(&cursor, &entry), size == 0 ? OV_END : OV_DAMAGED);
        assert_int_equal(cursor.at, 0);
    }
    for (size_t bit = 0; bit < 8 * sizeof known; bit++) {
        uint8_t bytes[sizeof known];
        memcpy(bytes, known, sizeof known);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct ov_cursor cursor = ov_cursor_init(ov_span_make(bytes, sizeof bytes));
        assert_int_equal(ov_frame_read(&cursor, &entry), OV_DAMAGED);
        assert_int_equal(cursor.at, 0);
    }
    assert_true(ov_span_is_text(entry, "as before"));
}

// A frame of nothing would be six zero bytes: what a file system leaves behind a size that it wrote
// and contents that it did not.
static void test_zeros_are_no_frame(void **state) {
    (void)state;
    static const uint8_t zeros[64];
    struct ov_span entry;
    struct ov_cursor cursor = ov_cursor_init(ov_span_make(zeros, sizeof zeros));
    assert_int_equal(ov_frame_read(&cursor, &entry), OV_DAMAGED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_cuts_and_flips),
        cmocka_unit_test(test_zeros_are_no_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
