// SPDX-License-Identifier: Apache-2.0
// Uuencoded blocks: all bytes, as Python's binascii writes them, and blocks that were damaged.
#include "format/codec/uu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// The bytes 0 to 255.
static const char all[] = "M  $\" P0%!@<(\"0H+# T.#Q 1$A,4%187&!D:&QP='A\\@(2(C)\"4F)R@I*BLL\n"
                          "M+2XO,#$R,S0U-C<X.3H[/#T^/T!!0D-$149'2$E*2TQ-3D]045)35%565UA9\n"
                          "M6EM<75Y?8&%B8V1E9F=H:6IK;&UN;W!Q<G-T=79W>'EZ>WQ]?G^ @8*#A(6&\n"
                          "MAXB)BHN,C8Z/D)&2DY25EI>8F9J;G)V>GZ\"AHJ.DI::GJ*FJJZRMKJ^PL;*S\n"
                          "MM+6VM[BYNKN\\O;Z_P,'\"P\\3%QL?(R<K+S,W.S]#1TM/4U=;7V-G:V]S=WM_@\n"
                          "?X>+CY.7FY^CIZNOL[>[O\\/'R\\_3U]O?X^?K[_/W^_P  \n";

static enum ov_status decode(const char *text, size_t room, struct ov_buf *buf, size_t *ret_end) {
    struct ov_uu_block block;
    assert_true(ov_uu_find(ov_span_text(text), 0, &block));
    return ov_uu_decode(ov_span_text(text), &block, room, buf, ret_end);
}

static void expect(const char *text, enum ov_status status, const char *plain) {
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    size_t end;
    assert_int_equal(decode(text, 1000, &buf, &end), status);
    assert_int_equal(buf.size, strlen(plain));
    assert_memory_equal(buf.data, plain, strlen(plain));
}

static void check_all(const char *last_lines) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    ov_buf_printf(&text, "before\nbegin 644 all\n%s%s", all, last_lines);
    struct ov_uu_block block;
    size_t end;
    assert_true(ov_uu_find(ov_buf_span(&text), 0, &block));
    assert_true(ov_span_is_text(block.name, "all"));
    assert_int_equal(block.start, strlen("before\n"));
    (void)ov_uu_decode(ov_buf_span(&text), &block, 1000, &buf, &end);
    assert_int_equal(buf.size, 256);
    for (unsigned i = 0; i < 256; i++) {
        assert_int_equal(buf.data[i], i);
    }
}

static void test_every_byte(void **state) {
    (void)state;
    check_all("`\nend\n");
    check_all(" \nend\nafter\n");
    check_all("`\n");
    check_all("");
}

static void test_damaged_blocks(void **state) {
    (void)state;
    expect("begin 644 cat\n#0V%T\n`\nend\n", OV_OK, "Cat");
    expect("begin 644 cat\r\n#0V%T\r\n`\r\nend\r\n", OV_OK, "Cat");
    expect("begin 644 cat\n#0V%T\n", OV_DAMAGED, "Cat");
    expect("begin 644 cat\n#0V%T\nwords of a letter\n#0V%T\nend\n", OV_OK, "CatCat");
    expect("begin 644 cat\n#0V%TX\nend\n", OV_OK, "Cat"); // with a checksum
    expect("begin 644 cat\n#0V%T\nbegin 644 dog\n", OV_DAMAGED, "Cat");
}

static void test_blanks_that_were_lost(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    size_t end;
    assert_int_equal(decode("begin 644 zeros\n#\nend\n", 9, &buf, &end), OV_OK);
    assert_int_equal(buf.size, 3);
    assert_memory_equal(buf.data, "\0\0\0", 3);
}

static void test_base64_in_its_frame(void **state) {
    (void)state;
    expect("begin-base64 644 cat\nQ2F0\n====\nafter\n", OV_OK, "Cat");
    expect("begin-base64 644 cat\nQ2F0\n", OV_DAMAGED, "Cat");
}

static void test_words_begin_no_block(void **state) {
    (void)state;
    static const char *const rows[] = {"begin",          "begin 644",       "begin here and now",
                                       "begin 9 x",      "beginning 644 x", " begin 644 x",
                                       "begin 1234567 x"};
    struct ov_uu_block block;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_false(ov_uu_find(ov_span_text(rows[i]), 0, &block));
    }
}

static void test_no_more_than_there_is_room_for(void **state) {
    (void)state;
    OV_CLEANUP(ov_buf_release) struct ov_buf buf = {0};
    size_t end;
    assert_int_equal(decode("begin 644 cat\n#0V%T\n`\nend\n", 2, &buf, &end), OV_LIMIT);
    assert_int_equal(buf.size, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_damaged_blocks),
        cmocka_unit_test(test_blanks_that_were_lost),
        cmocka_unit_test(test_base64_in_its_frame),
        cmocka_unit_test(test_words_begin_no_block),
        cmocka_unit_test(test_no_more_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
