// SPDX-License-Identifier: Apache-2.0
// Squeezed text: by hand, and each way against the plain one and a table of what each byte becomes.
#include "base/squeeze.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TEXT_BYTES = 1000, ROUNDS = 4000 };

static void assert_squeezed(struct ov_span text, struct ov_span wanted) {
    for (ov_squeeze_fn *const *way = ov_squeeze_list(); *way != NULL; way++) {
        // On the heap, where one byte too far is noticed.
        uint8_t *in = malloc(text.size + 1), *out = malloc(text.size + OV_SQUEEZE_SLACK);
        assert_true(in != NULL && out != NULL);
        memcpy(in, text.data, text.size);
        uint8_t *exact = realloc(in, text.size > 0 ? text.size : 1);
        assert_non_null(exact);
        size_t size = (*way)(ov_span_make(exact, text.size), out);
        assert_true(ov_span_is_equal(ov_span_make(out, size), wanted));
        free(exact);
        free(out);
    }
}

static void test_by_hand(void **state) {
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"", ""},
        {"A", "a"},
        {"[@`{Zz", "[@`{zz"},
        {"  a \t\r\n\v\f B  ", " a b "},
        {"a \x01 b", "a b"},
        {"a\xc3\xa4 \x80 \x7f b\x1f", "a \x7f b"},
        {"\x01\x02\xff", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_squeezed(ov_span_text(cases[i].text), ov_span_text(cases[i].wanted));
        bool is_done = strcmp(cases[i].text, cases[i].wanted) == 0;
        assert_int_equal(ov_squeeze_is_done(ov_span_text(cases[i].text)), is_done);
    }
}

// As docs/formats tell it, one byte after the other.
static size_t squeeze_slowly(struct ov_span text, uint8_t *out) {
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        bool is_space = byte == ' ' || (byte >= 9 && byte <= 13);
        if (is_space && !(size > 0 && out[size - 1] == ' ')) {
            out[size++] = ' ';
        } else if (byte > ' ' && byte < 0x80) {
            out[size++] = byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
        }
    }
    return size;
}

static uint32_t next_random(uint32_t *state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

// From words with few spaces to noise: which bytes there are is drawn for each text.
static void test_against_the_slow_way(void **state) {
    (void)state;
    static const uint8_t few[] = " \t\nAZaz09.\x01\x80\xff";
    uint32_t random = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t text[TEXT_BYTES], wanted[TEXT_BYTES];
        size_t size = next_random(&random) % TEXT_BYTES;
        uint32_t kind = round % 4, alphabet = 1 + next_random(&random) % (sizeof few - 1);
        for (size_t i = 0; i < size; i++) {
            uint32_t drawn = next_random(&random);
            text[i] = kind == 0   ? (uint8_t)drawn
                      : kind == 1 ? few[drawn % alphabet]
                      : kind == 2 ? (uint8_t)(drawn % 16 == 0 ? ' ' : 'A' + drawn % 58)
                                  : (uint8_t)(' ' + drawn % 95);
        }
        size_t wanted_size = squeeze_slowly(ov_span_make(text, size), wanted);
        assert_squeezed(ov_span_make(text, size), ov_span_make(wanted, wanted_size));
        // What is squeezed is done, until one of its bytes is another.
        assert_true(ov_squeeze_is_done(ov_span_make(wanted, wanted_size)));
        if (wanted_size > 0) {
            size_t at = next_random(&random) % wanted_size;
            wanted[at] = round % 2 == 0 ? ' ' : (uint8_t)next_random(&random);
            size = squeeze_slowly(ov_span_make(wanted, wanted_size), text);
            bool is_same = size == wanted_size && memcmp(text, wanted, size) == 0;
            assert_int_equal(ov_squeeze_is_done(ov_span_make(wanted, wanted_size)), is_same);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_against_the_slow_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
