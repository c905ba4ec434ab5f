// SPDX-License-Identifier: Apache-2.0
// Byte compare subsignatures: `id(offset#options#comparison[,comparison])`.
#include "rules/clamav/subsig.h"

#include "base/hex.h"

enum { HEX_TEXT_MAX = 18, COMPARES_MAX = 2, FIELDS = 3 };

static struct ov_span cut_front(struct ov_span text, size_t size) {
    return ov_span_make(text.data + size, text.size - size);
}

// A whole text as C's strtol with base 0 reads it, clamped to what 64 bits hold. Nothing is 0.
static bool read_c_number(struct ov_span text, int64_t *ret_number) {
    while (text.size > 0 && text.data[0] == ' ') {
        text = cut_front(text, 1);
    }
    bool is_negative = ov_span_has_prefix(text, "-");
    text = cut_front(text, is_negative || ov_span_has_prefix(text, "+") ? 1 : 0);
    unsigned base = ov_span_has_prefix(text, "0") ? 8 : 10;
    if (ov_span_has_prefix(text, "0x") || ov_span_has_prefix(text, "0X")) {
        base = 16;
        text = cut_front(text, 2);
        if (text.size == 0) {
            return false;
        }
    }
    uint64_t number = 0;
    for (size_t i = 0; i < text.size; i++) {
        int digit = ov_hex_digit(text.data[i]);
        if (digit < 0 || (unsigned)digit >= base) {
            return false;
        }
        bool is_full = number > ((uint64_t)INT64_MAX - (unsigned)digit) / base;
        number = is_full ? INT64_MAX : number * base + (unsigned)digit;
    }
    *ret_number = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

// `>>n`, `<<n`, 0 or nothing.
static enum ov_status read_offset(struct ov_parser *parser, struct ov_span text,
                                  struct ov_byte_compare *ret_compare) {
    bool is_back = ov_span_has_prefix(text, "<<");
    bool has_shift = is_back || ov_span_has_prefix(text, ">>");
    int64_t offset = 0;
    if (!read_c_number(cut_front(text, has_shift ? 2 : 0), &offset) ||
        (!has_shift && offset != 0)) {
        return ov_parser_fail(parser, text.data,
                              "an offset such as >>5 or <<5 expected in the byte compare");
    }
    ret_compare->offset = is_back ? -offset : offset;
    return OV_OK;
}

static bool is_letter_of(uint8_t character, const char *letters) {
    return character != '\0' && strchr(letters, character) != NULL;
}

// Whether the letters fit together: one base, one byte order, none that decimal text forbids.
static bool take_option(uint8_t letter, struct ov_byte_compare *compare) {
    if (is_letter_of(letter, "hdai")) {
        bool is_other = compare->base != 0 && compare->base != (char)letter;
        compare->base = (char)letter;
        return !is_other;
    }
    if (is_letter_of(letter, "lb")) {
        bool is_other = compare->has_order && compare->is_big_endian != (letter == 'b');
        compare->has_order = true;
        compare->is_big_endian = letter == 'b';
        return !is_other;
    }
    compare->is_exact = true;
    return letter == 'e';
}

// One base letter, l or b, e, and how many bytes.
static enum ov_status read_options(struct ov_parser *parser, struct ov_span text,
                                   struct ov_byte_compare *ret_compare) {
    size_t at = 0;
    for (; at < text.size && (text.data[at] < '0' || text.data[at] > '9'); at++) {
        if (!take_option(text.data[at], ret_compare)) {
            return ov_parser_fail(parser, text.data + at,
                                  "one of h d a i, then l or b, then e expected, not `%c`",
                                  text.data[at]);
        }
    }
    if (ret_compare->base == 'd' && ret_compare->has_order && !ret_compare->is_big_endian) {
        return ov_parser_fail(parser, text.data, "decimal text (d) cannot be little endian (l)");
    }
    int64_t size = 0;
    if (at == text.size || !read_c_number(cut_front(text, at), &size) || size < 1) {
        return ov_parser_fail(parser, text.data + at, "a number of bytes expected");
    }
    bool is_binary = ret_compare->base == 'i';
    bool is_odd = is_binary && size != 1 && size != 2 && size != 4 && size != 8;
    if (is_odd || (ret_compare->base == 'h' && size > HEX_TEXT_MAX)) {
        return ov_parser_fail(parser, text.data + at, "%s, not %lld,",
                              is_binary ? "1, 2, 4 or 8 bytes expected" : "18 digits at most",
                              (long long)size);
    }
    if (ret_compare->base == 0) {
        return ov_parser_skip(parser, "%s: a byte compare of no base can never be true",
                              parser->where);
    }
    ret_compare->size = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
    return OV_OK;
}

static enum ov_status read_comparisons(struct ov_parser *parser, struct ov_span text,
                                       struct ov_byte_compare *ret_compare) {
    struct ov_span fields[COMPARES_MAX] = {0};
    size_t count = ov_fields_split(text, ',', fields, COMPARES_MAX);
    if (count > COMPARES_MAX) {
        return ov_parser_fail(parser, text.data, "more than two comparisons");
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t sign = fields[i].size > 0 ? fields[i].data[0] : 0;
        if (!is_letter_of(sign, "<>=")) {
            return ov_parser_fail(parser, fields[i].data, "`<`, `>` or `=` expected");
        }
        if (!read_c_number(cut_front(fields[i], 1), &ret_compare->value[i])) {
            return ov_parser_fail(parser, fields[i].data + 1, "a number to compare with expected");
        }
        ret_compare->op[i] = sign == '<'   ? OV_COMPARE_LT
                             : sign == '>' ? OV_COMPARE_GT
                                           : OV_COMPARE_EQ;
    }
    ret_compare->count = (uint32_t)count;
    return OV_OK;
}

enum ov_status ov_clamav_compare_read(struct ov_parser *parser, struct ov_span text,
                                      struct ov_sub *ret_sub) {
    size_t open = ov_span_find(text, 0, '(');
    size_t close = ov_span_find(text, open, ')');
    int index = 0;
    if (!ov_number_read_int(ov_span_part(text, 0, open), &index) || index < 0) {
        return ov_parser_fail(parser, text.data, "the index of a subsignature expected before `(`");
    }
    if (close >= text.size) {
        return ov_parser_fail(parser, text.data + open, "no `)` for the one");
    }
    struct ov_span fields[FIELDS] = {0};
    struct ov_span inside = ov_span_part(text, open + 1, close - open - 1);
    size_t count = ov_fields_split(inside, '#', fields, FIELDS);
    if (count != FIELDS) {
        return ov_parser_fail(parser, inside.data, "three parts with `#` between expected");
    }
    ret_sub->kind = OV_SUB_COMPARE;
    ret_sub->compare.sub = (uint32_t)index;
    TRY(read_offset(parser, fields[0], &ret_sub->compare));
    TRY(read_options(parser, fields[1], &ret_sub->compare));
    return read_comparisons(parser, fields[2], &ret_sub->compare);
}
