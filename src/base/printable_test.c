// SPDX-License-Identifier: Apache-2.0
// No byte that drives a terminal passes, and every other one does.
#include "base/printable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(void (*add)(struct ov_buf *, struct ov_span), const char *text,
                   const char *expected) {
    struct ov_buf out = {0};
    add(&out, ov_span_text(text));
    ov_buf_add_u8(&out, '\0');
    assert_string_equal((const char *)out.data, expected);
    ov_buf_release(&out);
}

static void control_characters_are_written_out(void **state) {
    (void)state;
    expect(ov_printable_add, "a\x1b[2Jb\n\t\x7f", "a\\x1b[2Jb\\x0a\\x09\\x7f");
    expect(ov_printable_add,
           "\xc2\x9b"
           "31m",
           "\\xc2\\x9b31m");
    expect(ov_printable_add, "\xc2\xa0 \xc3\xa4", "\xc2\xa0 \xc3\xa4");
    expect(ov_printable_add, "raw \x9b stays, it is no character",
           "raw \x9b stays, it is no character");
    expect(ov_printable_add, "", "");
}

static void lines_keep_their_ends(void **state) {
    (void)state;
    expect(ov_printable_add_lines, "a\tb\n\x1b]0;x\x07\n", "a\tb\n\\x1b]0;x\\x07\n");
    expect(ov_printable_add_lines, "\xc2\x9bK\x9bK\r\n", "\\xc2\\x9bK\\x9bK\\x0d\n");
    expect(ov_printable_add_lines, "\xe2\x82\xac \xe2\x82", "\xe2\x82\xac \\xe2\\x82");
}

// Every single byte and every pair, beside a slow twin: what passes has no control character.
static void nothing_else_is_changed(void **state) {
    (void)state;
    for (unsigned i = 0; i < 65536; i++) {
        uint8_t pair[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        struct ov_buf out = {0};
        ov_printable_add_lines(&out, ov_span_make(pair, 2));
        bool is_plain = true;
        for (unsigned k = 0; k < 2; k++) {
            is_plain = is_plain &&
                       ((pair[k] >= 0x20 && pair[k] < 0x7f) || pair[k] == '\n' || pair[k] == '\t');
        }
        bool is_letter = pair[0] >= 0xc2 && pair[0] < 0xe0 && (pair[1] & 0xc0) == 0x80 &&
                         !(pair[0] == 0xc2 && pair[1] < 0xa0);
        bool is_same = out.size == 2 && memcmp(out.data, pair, 2) == 0;
        assert_int_equal(is_same, is_plain || is_letter);
        ov_buf_release(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_are_written_out),
        cmocka_unit_test(lines_keep_their_ends),
        cmocka_unit_test(nothing_else_is_changed),
    };
    return cmocka_run_group_tests_name("printable", tests, NULL, NULL);
}
