// SPDX-License-Identifier: Apache-2.0
// BinHex 4.0: a file that the program `binhex` of macutils wrote, whole and in pieces.
#include "format/codec/binhex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// "Cat", three of the bytes that mark runs, 300 times "A", the bytes from 0x80 to 0x9f, a line
// feed.
static const char text[] = "words\n(This file must be converted with BinHex 4.0)\n\n"
                           ":#(*eER-ZBQPZ!&4&@&40380\"!!!!!!&6!!!!!*&83f&dN!#3!*!!3C$r3C!YJ)'\n"
                           "#Ji5&KSH)LBU,M)f1Mj!!NC+6P*@@PjLCQTZFRCkI#V!3!!!:\nafter\n";
enum { DATA_BYTES = 3 + 3 + 300 + 32 + 1 };

static enum ov_status decode(struct ov_span part, size_t room, struct ov_buf *buf,
                             size_t *ret_end) {
    size_t at;
    assert_true(ov_binhex_find(part, 0, &at));
    return ov_binhex_decode(part, at, room, buf, ret_end);
}

static void test_both_forks(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    size_t end;
    assert_int_equal(decode(ov_span_text(text), 1000, &buf, &end), OV_OK);
    assert_int_equal(end, strlen(text) - strlen("\nafter\n"));
    struct ov_binhex_file file = ov_binhex_split(ov_buf_span(&buf));
    assert_true(file.is_whole);
    assert_true(ov_span_is_text(file.name, "runs.bin"));
    assert_int_equal(file.data.size, DATA_BYTES);
    assert_int_equal(file.resources.size, 0);
    assert_memory_equal(file.data.data, "Cat\x90\x90\x90", 6);
    for (size_t i = 0; i < 300; i++) {
        assert_int_equal(file.data.data[6 + i], 'A');
    }
    for (size_t i = 0; i < 32; i++) {
        assert_int_equal(file.data.data[306 + i], 0x80 + i);
    }
}

static void test_a_piece_is_what_there_is_of_it(void **state) {
    (void)state;
    size_t last = 0;
    for (size_t size = 60; size < sizeof text - 20; size++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
        size_t end;
        assert_int_equal(decode(ov_span_make(text, size), 1000, &buf, &end), OV_DAMAGED);
        struct ov_binhex_file file = ov_binhex_split(ov_buf_span(&buf));
        assert_true(file.data.size >= last);
        last = file.data.size;
    }
    assert_true(last > 300);
}

static void test_no_more_than_there_is_room_for(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    size_t end;
    assert_int_equal(decode(ov_span_text(text), 100, &buf, &end), OV_LIMIT);
    assert_int_equal(buf.size, 100);
}

static void test_nothing(void **state) {
    (void)state;
    size_t at;
    assert_false(ov_binhex_find(ov_span_text(""), 0, &at));
    assert_false(ov_binhex_find(ov_span_text("(This file must be)"), 0, &at));
    assert_int_equal(ov_binhex_split(ov_span_make(NULL, 0)).data.size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_forks),
        cmocka_unit_test(test_a_piece_is_what_there_is_of_it),
        cmocka_unit_test(test_no_more_than_there_is_room_for),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
