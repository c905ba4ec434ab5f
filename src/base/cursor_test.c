// SPDX-License-Identifier: Apache-2.0
// The cursor stays in its span, remembers that it tried to leave it, and believes no count.
#include "base/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09};

static struct ov_cursor start(size_t size) {
    return ov_cursor_init(ov_span_make(bytes, size));
}

static void test_reads_both_endians(void **state) {
    (void)state;
    struct ov_cursor cursor = start(9);
    assert_int_equal(ov_cursor_u8(&cursor), 0x01);
    assert_int_equal(ov_cursor_u16le(&cursor), 0x0302);
    assert_int_equal(ov_cursor_u16be(&cursor), 0x0405);
    ov_cursor_seek(&cursor, 0);
    assert_int_equal(ov_cursor_u32le(&cursor), 0x04030201);
    assert_int_equal(ov_cursor_u32be(&cursor), 0x05060708);
    ov_cursor_seek(&cursor, 1);
    assert_true(ov_cursor_u64le(&cursor) == 0x0908070605040302u);
    ov_cursor_seek(&cursor, 0);
    assert_true(ov_cursor_u64be(&cursor) == 0x0102030405060708u);
    assert_int_equal(ov_cursor_left(&cursor), 1);
    assert_int_equal(ov_cursor_status(&cursor), OV_OK);
}

static void test_short_read_gives_zero_and_sticks(void **state) {
    (void)state;
    struct ov_cursor cursor = start(3);
    assert_int_equal(ov_cursor_u32le(&cursor), 0);
    assert_true(cursor.has_failed);
    assert_int_equal(ov_cursor_left(&cursor), 0);
    ov_cursor_seek(&cursor, 0); // a later good read does not wash the failure away
    assert_int_equal(ov_cursor_u8(&cursor), 0x01);
    assert_int_equal(ov_cursor_status(&cursor), OV_DAMAGED);
}

static void test_every_width_fails_one_byte_short(void **state) {
    (void)state;
    struct ov_cursor cursor = start(1);
    assert_int_equal(ov_cursor_u16le(&cursor), 0);
    assert_true(cursor.has_failed);
    cursor = start(1);
    assert_int_equal(ov_cursor_u16be(&cursor), 0);
    assert_true(cursor.has_failed);
    cursor = start(3);
    assert_int_equal(ov_cursor_u32be(&cursor), 0);
    assert_true(cursor.has_failed);
    cursor = start(7);
    assert_true(ov_cursor_u64le(&cursor) == 0);
    assert_true(cursor.has_failed);
    cursor = start(7);
    assert_true(ov_cursor_u64be(&cursor) == 0);
    assert_true(cursor.has_failed);
    cursor = start(0);
    assert_int_equal(ov_cursor_u8(&cursor), 0);
    assert_true(cursor.has_failed);
}

static void test_seek_to_the_end_is_allowed_beyond_is_not(void **state) {
    (void)state;
    struct ov_cursor cursor = start(9);
    ov_cursor_seek(&cursor, 9);
    assert_int_equal(ov_cursor_status(&cursor), OV_OK);
    ov_cursor_seek(&cursor, 10);
    assert_int_equal(ov_cursor_status(&cursor), OV_DAMAGED);
    assert_int_equal(cursor.at, 9);
}

static void test_huge_numbers_do_not_wrap(void **state) {
    (void)state;
    struct ov_cursor cursor = start(9);
    ov_cursor_skip(&cursor, 4);
    ov_cursor_skip(&cursor, UINT64_MAX - 1);
    assert_true(cursor.has_failed);
    assert_int_equal(cursor.at, 9);
    cursor = start(9);
    assert_int_equal(ov_cursor_bytes(&cursor, UINT64_MAX).size, 0);
    assert_true(cursor.has_failed);
    cursor = start(9);
    ov_cursor_seek(&cursor, UINT64_MAX);
    assert_true(cursor.has_failed);
}

static void test_bytes_borrow_the_input(void **state) {
    (void)state;
    struct ov_cursor cursor = start(9);
    ov_cursor_skip(&cursor, 2);
    struct ov_span run = ov_cursor_bytes(&cursor, 7);
    assert_ptr_equal(run.data, bytes + 2);
    assert_int_equal(run.size, 7);
    assert_int_equal(ov_cursor_bytes(&cursor, 0).size, 0);
    assert_int_equal(ov_cursor_status(&cursor), OV_OK);
}

static void test_until_takes_the_stop_byte_away(void **state) {
    (void)state;
    struct ov_cursor cursor = ov_cursor_init(ov_span_text("a:bc::d"));
    assert_true(ov_span_is_text(ov_cursor_until(&cursor, ':'), "a"));
    assert_true(ov_span_is_text(ov_cursor_until(&cursor, ':'), "bc"));
    assert_int_equal(ov_cursor_until(&cursor, ':').size, 0);
    assert_true(ov_span_is_text(ov_cursor_until(&cursor, ':'), "d"));
    assert_int_equal(ov_cursor_until(&cursor, ':').size, 0);
    assert_int_equal(ov_cursor_status(&cursor), OV_OK);
}

static void test_count_refuses_what_cannot_stand_in_the_rest(void **state) {
    (void)state;
    struct ov_cursor cursor = start(9);
    ov_cursor_skip(&cursor, 1);
    assert_true(ov_cursor_count(&cursor, 4, 2) == 4);
    assert_true(ov_cursor_count(&cursor, 0, 2) == 0);
    assert_false(cursor.has_failed);
    assert_true(ov_cursor_count(&cursor, 5, 2) == 0);
    assert_true(cursor.has_failed);
    cursor = start(9);
    assert_true(ov_cursor_count(&cursor, UINT64_MAX, 8) == 0);
    assert_true(cursor.has_failed);
}

static void test_empty_span_without_memory(void **state) {
    (void)state;
    struct ov_cursor cursor = ov_cursor_init(ov_span_make(NULL, 0));
    assert_int_equal(ov_cursor_bytes(&cursor, 0).size, 0);
    assert_int_equal(ov_cursor_until(&cursor, 0).size, 0);
    ov_cursor_seek(&cursor, 0);
    assert_int_equal(ov_cursor_status(&cursor), OV_OK);
    assert_int_equal(ov_cursor_u8(&cursor), 0);
    assert_int_equal(ov_cursor_status(&cursor), OV_DAMAGED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_both_endians),
        cmocka_unit_test(test_short_read_gives_zero_and_sticks),
        cmocka_unit_test(test_every_width_fails_one_byte_short),
        cmocka_unit_test(test_seek_to_the_end_is_allowed_beyond_is_not),
        cmocka_unit_test(test_huge_numbers_do_not_wrap),
        cmocka_unit_test(test_bytes_borrow_the_input),
        cmocka_unit_test(test_until_takes_the_stop_byte_away),
        cmocka_unit_test(test_count_refuses_what_cannot_stand_in_the_rest),
        cmocka_unit_test(test_empty_span_without_memory),
    };
    return cmocka_run_group_tests_name("base/cursor", tests, NULL, NULL);
}
