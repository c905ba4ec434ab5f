// SPDX-License-Identifier: Apache-2.0
// yEnc blocks: all bytes, a file in parts, and blocks without an end.
#include "format/codec/yenc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The encoder of the draft, plainly.
static void encode(struct ov_buf *text, unsigned byte) {
    uint8_t shifted = (uint8_t)(byte + 42);
    if (shifted == 0 || shifted == '\n' || shifted == '\r' || shifted == '=') {
        ov_buf_add_u8(text, '=');
        shifted = (uint8_t)(shifted + 64);
    }
    ov_buf_add_u8(text, shifted);
}

static void test_every_byte(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    ov_buf_add_text(&text, "words\r\n=ybegin line=128 size=512 name=a file.bin \r\n");
    for (unsigned i = 0; i < 512; i++) {
        encode(&text, i & 255);
        ov_buf_add_text(&text, i % 128 == 127 ? "\r\n" : "");
    }
    ov_buf_add_text(&text, "=yend size=512 crc32=00000000\r\nafter");
    struct ov_yenc_block block;
    size_t end;
    assert_true(ov_yenc_find(ov_buf_span(&text), 0, &block));
    assert_true(ov_span_is_text(block.name, "a file.bin"));
    assert_int_equal(block.part, 0);
    assert_int_equal(ov_yenc_decode(ov_buf_span(&text), &block, 1000, &buf, &end), OV_OK);
    assert_int_equal(buf.size, 512);
    for (unsigned i = 0; i < 512; i++) {
        assert_int_equal(buf.data[i], i & 255);
    }
    assert_int_equal(end, text.size - strlen("after"));
}

static void test_parts_have_a_header_of_their_own(void **state) {
    (void)state;
    struct ov_span text = ov_span_text("=ybegin part=2 line=128 size=3 name=x\n"
                                       "=ypart begin=3 end=3\n\x8b\n=yend size=1\n");
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    struct ov_yenc_block block;
    size_t end;
    assert_true(ov_yenc_find(text, 0, &block));
    assert_int_equal(block.part, 2);
    assert_int_equal(ov_yenc_decode(text, &block, 9, &buf, &end), OV_OK);
    assert_int_equal(buf.size, 1);
    assert_int_equal(buf.data[0], 'a');
}

static void test_without_an_end_what_there_is(void **state) {
    (void)state;
    struct ov_span text = ov_span_text("=ybegin line=128 size=3 name=x\n\x8b\x8c\x8d=");
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    struct ov_yenc_block block;
    size_t end;
    assert_true(ov_yenc_find(text, 0, &block));
    assert_int_equal(ov_yenc_decode(text, &block, 9, &buf, &end), OV_DAMAGED);
    assert_int_equal(buf.size, 3);
    assert_memory_equal(buf.data, "abc", 3);
    ov_buf_reset(&buf);
    assert_int_equal(ov_yenc_decode(text, &block, 2, &buf, &end), OV_LIMIT);
    assert_int_equal(buf.size, 2);
}

static void test_words_begin_no_block(void **state) {
    (void)state;
    struct ov_yenc_block block;
    assert_false(ov_yenc_find(ov_span_text(" =ybegin name=x\n=ybeginning\n"), 0, &block));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_parts_have_a_header_of_their_own),
        cmocka_unit_test(test_without_an_end_what_there_is),
        cmocka_unit_test(test_words_begin_no_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
