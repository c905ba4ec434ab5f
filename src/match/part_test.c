// SPDX-License-Identifier: Apache-2.0
// Parts put together by hand: every kind of element, edges, ends, and code that is damaged.
#include "match/part.h"

#include "match/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CLASS_WORD = 2, CODE_BYTES = 2048 };

// The code as it grows: one part and its elements.
static _Alignas(8) uint8_t code[CODE_BYTES];
static size_t code_size;

static struct ov_image_part *head(void) {
    return (struct ov_image_part *)code;
}

static int begin(void **state) {
    (void)state;
    memset(code, 0, sizeof code);
    code_size = sizeof(struct ov_image_part);
    head()->anchor_a = head()->anchor_b = OV_PART_NO_ANCHOR;
    head()->max_bytes = 100;
    return 0;
}

static void put(const void *bytes, size_t size) {
    memcpy(code + code_size, bytes, size);
    code_size += (size + 7) / 8 * 8;
}

static void put_head(uint8_t kind, uint8_t flags, uint16_t number, uint32_t size) {
    struct ov_image_elem elem = {.kind = kind, .flags = flags, .number = number, .size = size};
    put(&elem, sizeof elem);
}

static void put_text(const char *text) {
    static const uint8_t masks[] = {255, 255, 255, 255, 255, 255, 255, 255};
    put_head(OV_CODE_BYTES, 0, 0, (uint32_t)strlen(text));
    put(text, strlen(text));
    put(masks, strlen(text));
}

// One alternative of a single run of bytes.
static void put_alternative(const char *text) {
    struct ov_image_alt alt = {.elem_count = 1, .elem_bytes = 24};
    put(&alt, sizeof alt);
    put_text(text);
}

// How many ends the part has at `start` of the text; the first goes to *ret_end.
static uint32_t match(uint32_t elem_count, const char *text, size_t start, size_t *ret_end) {
    struct ov_code reader = {.bytes = ov_span_make(code, code_size)};
    struct ov_part part;
    struct ov_ends ends;
    uint32_t next;
    head()->elem_count = elem_count;
    head()->elem_bytes = (uint32_t)(code_size - sizeof(struct ov_image_part));
    assert_true(ov_part_open(&reader, 0, false, &part, &next));
    assert_int_equal(next, code_size);
    bool has_matched = ov_part_match(&reader, &part, ov_span_text(text), start, &ends);
    assert_false(reader.is_damaged);
    assert_int_equal(has_matched, ends.count > 0);
    *ret_end = has_matched ? ends.at[0] : 0;
    return ends.count;
}

static void assert_end(uint32_t elem_count, const char *text, size_t start, size_t wanted) {
    size_t end;
    assert_int_equal(match(elem_count, text, start, &end), wanted > 0 ? 1 : 0);
    assert_int_equal(end, wanted);
}

static void test_bytes(void **state) {
    (void)state;
    put_text("abc");
    assert_end(1, "xabc", 1, 4);
    assert_end(1, "xabc", 0, 0);
    assert_end(1, "xab", 1, 0); // cut off by the end
    assert_end(1, "abc", 3, 0);
    head()->flags = OV_PART_LITERAL;
    assert_end(1, "xabc", 1, 4);
    assert_end(1, "xab", 1, 0);
}

static void test_set(void **state) {
    (void)state;
    uint8_t bitmap[32] = {0};
    bitmap['q' / 8] = 1u << 'q' % 8;
    put_head(OV_CODE_SET, 0, 0, 1);
    put(bitmap, sizeof bitmap);
    put_text("z");
    assert_end(2, "qz", 0, 2);
    assert_end(2, "pz", 0, 0);
    assert_end(2, "q", 0, 0);
}

static void test_choice_has_several_ends(void **state) {
    (void)state;
    size_t end;
    put_head(OV_CODE_ALT, 0, 3, 96);
    put_alternative("a");
    put_alternative("ab");
    put_alternative("a"); // the same end is told once
    assert_int_equal(match(1, "ab", 0, &end), 2);
    assert_int_equal(end, 1);
    assert_int_equal(match(1, "ac", 0, &end), 1);
    assert_int_equal(match(1, "b", 0, &end), 0);
}

static void test_negated_choice(void **state) {
    (void)state;
    static const uint64_t length = 2;
    put_head(OV_CODE_ALT, 1, 2, 72);
    put(&length, sizeof length);
    put_alternative("ab");
    put_alternative("cd");
    assert_end(1, "xy", 0, 2);
    assert_end(1, "ab", 0, 0);
    assert_end(1, "cd", 0, 0);
    assert_end(1, "x", 0, 0); // nothing left to consume
}

static void test_word_edges(void **state) {
    (void)state;
    put_text("word");
    head()->left_edge = head()->right_edge = 1 + CLASS_WORD;
    assert_end(1, "word", 0, 4);
    assert_end(1, " word.", 1, 5);
    assert_end(1, "swords", 1, 0);
    assert_end(1, " words", 1, 0);
    head()->right_edge |= OV_EDGE_NEGATED;
    assert_end(1, " words", 1, 5);
    assert_end(1, " word.", 1, 0);
}

static void test_find(void **state) {
    (void)state;
    struct ov_code reader = {.bytes = ov_span_make(code, 0)};
    struct ov_part part;
    struct ov_ends ends;
    uint32_t next;
    put_text("aba");
    head()->elem_count = 1;
    head()->elem_bytes = (uint32_t)(code_size - sizeof(struct ov_image_part));
    head()->min_bytes = head()->max_bytes = 3;
    reader.bytes.size = code_size;
    assert_true(ov_part_open(&reader, 0, false, &part, &next));
    struct ov_span text = ov_span_text("xababa");
    for (unsigned with_anchors = 0; with_anchors < 2; with_anchors++) {
        assert_int_equal(ov_part_find(&reader, &ov_kernels_plain, &part, text, 0, SIZE_MAX, &ends),
                         1);
        assert_int_equal(ends.at[0], 4);
        assert_int_equal(ov_part_find(&reader, &ov_kernels_plain, &part, text, 2, SIZE_MAX, &ends),
                         3);
        assert_true(ov_part_find(&reader, &ov_kernels_plain, &part, text, 2, 2, &ends) == SIZE_MAX);
        assert_true(ov_part_find(&reader, &ov_kernels_plain, &part, text, 4, 9, &ends) == SIZE_MAX);
        head()->anchor_a = 0;
        head()->anchor_b = 1;
        head()->value_a = 'a';
        head()->value_b = 'b';
        head()->mask_a = head()->mask_b = 0xff;
    }
}

// Whatever 32-bit value stands anywhere in the code: no read outside, and it ends.
static void test_damaged_code(void **state) {
    (void)state;
    static const uint32_t values[] = {0, 1, 7, 0x10001, 0x7fffffff, 0xfffffff8, UINT32_MAX};
    put_head(OV_CODE_ALT, 0, 2, 64);
    put_alternative("a");
    put_alternative("ab");
    put_text("c");
    unsigned damaged = 0;
    for (size_t at = 0; at + 4 <= code_size; at += 4) {
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            uint8_t *copy = malloc(code_size); // to the byte, for the sanitizer
            assert_non_null(copy);
            head()->elem_count = 2;
            head()->elem_bytes = (uint32_t)(code_size - sizeof(struct ov_image_part));
            memcpy(copy, code, code_size);
            memcpy(copy + at, &values[v], 4);
            struct ov_code reader = {.bytes = ov_span_make(copy, code_size)};
            struct ov_part part;
            struct ov_ends ends;
            uint32_t next;
            if (ov_part_open(&reader, 0, false, &part, &next)) {
                (void)ov_part_find(&reader, &ov_kernels_plain, &part, ov_span_text("xxabcxx"), 0,
                                   SIZE_MAX, &ends);
            }
            damaged += reader.is_damaged;
            free(copy);
        }
    }
    assert_true(damaged > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_bytes, begin),
        cmocka_unit_test_setup(test_set, begin),
        cmocka_unit_test_setup(test_choice_has_several_ends, begin),
        cmocka_unit_test_setup(test_negated_choice, begin),
        cmocka_unit_test_setup(test_word_edges, begin),
        cmocka_unit_test_setup(test_find, begin),
        cmocka_unit_test_setup(test_damaged_code, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
