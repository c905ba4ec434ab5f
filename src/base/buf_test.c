// SPDX-License-Identifier: Apache-2.0
// The buffer grows, aligns, and remembers a lost write.
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_writes_in_order_little_endian(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf;
    ov_buf_init(&buf);
    ov_buf_add_u8(&buf, 0x01);
    ov_buf_add_u32le(&buf, 0x05040302);
    ov_buf_add_u64le(&buf, 0x0d0c0b0a09080706u);
    ov_buf_add_text(&buf, "xyz");
    ov_buf_add(&buf, "\0q", 2);
    static const char expected[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0dxyz\0q";
    assert_int_equal(buf.size, sizeof expected - 1);
    assert_memory_equal(buf.data, expected, buf.size);
    assert_int_equal(ov_buf_status(&buf), OV_OK);
}

static void test_grows_over_many_sizes(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf;
    ov_buf_init(&buf);
    uint8_t chunk[777];
    for (size_t i = 0; i < 1000; i++) {
        memset(chunk, (int)(i & 0xff), sizeof chunk);
        ov_buf_add(&buf, chunk, sizeof chunk);
    }
    assert_int_equal(buf.size, 777000);
    for (size_t i = 0; i < buf.size; i++) {
        assert_int_equal(buf.data[i], (i / 777) & 0xff);
    }
}

static void test_printf_of_every_length(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf;
    ov_buf_init(&buf);
    for (int width = 1; width < 600; width++) {
        ov_buf_reset(&buf);
        ov_buf_printf(&buf, "%*d", width, 7);
        assert_int_equal(buf.size, width);
        assert_int_equal(buf.data[width - 1], '7');
    }
    ov_buf_reset(&buf);
    ov_buf_printf(&buf, "%s", "");
    assert_int_equal(buf.size, 0);
    ov_buf_printf(&buf, "%s-%u", "a", 5u);
    assert_true(ov_span_is_text(ov_buf_span(&buf), "a-5"));
}

static void test_extend_gives_zeros(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf;
    ov_buf_init(&buf);
    assert_non_null(ov_buf_extend(&buf, 0)); // NULL would mean failure
    assert_int_equal(buf.size, 0);
    ov_buf_add(&buf, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    ov_buf_reset(&buf);
    uint8_t *start = ov_buf_extend(&buf, 8);
    assert_non_null(start);
    assert_memory_equal(start, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(buf.size, 8);
}

static void test_align(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf;
    ov_buf_init(&buf);
    ov_buf_align(&buf, 8);
    assert_int_equal(buf.size, 0);
    ov_buf_add_u8(&buf, 0xff);
    ov_buf_align(&buf, 8);
    assert_int_equal(buf.size, 8);
    ov_buf_align(&buf, 8);
    assert_int_equal(buf.size, 8);
    assert_memory_equal(buf.data, "\xff\0\0\0\0\0\0\0", 8);
    ov_buf_align(&buf, 1);
    assert_int_equal(buf.size, 8);
}

static void test_lost_write_sticks_until_reset(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf;
    ov_buf_init(&buf);
    ov_buf_add_text(&buf, "kept");
    assert_null(ov_buf_extend(&buf, SIZE_MAX)); // no heap has this
    assert_int_equal(ov_buf_status(&buf), OV_MEMORY);
    ov_buf_add_text(&buf, "lost");
    ov_buf_printf(&buf, "%d", 5);
    assert_true(ov_span_is_text(ov_buf_span(&buf), "kept"));
    assert_null(ov_buf_extend(&buf, SIZE_MAX / 2));
    ov_buf_reset(&buf);
    assert_int_equal(ov_buf_status(&buf), OV_OK);
    ov_buf_add_text(&buf, "again");
    assert_true(ov_span_is_text(ov_buf_span(&buf), "again"));
}

static void test_empty_writes_of_nothing(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf;
    ov_buf_init(&buf);
    ov_buf_add(&buf, NULL, 0);
    ov_buf_add_text(&buf, "");
    assert_int_equal(ov_buf_span(&buf).size, 0);
    assert_int_equal(ov_buf_status(&buf), OV_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes_in_order_little_endian),
        cmocka_unit_test(test_grows_over_many_sizes),
        cmocka_unit_test(test_printf_of_every_length),
        cmocka_unit_test(test_extend_gives_zeros),
        cmocka_unit_test(test_align),
        cmocka_unit_test(test_lost_write_sticks_until_reset),
        cmocka_unit_test(test_empty_writes_of_nothing),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
