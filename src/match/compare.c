// SPDX-License-Identifier: Apache-2.0
// Byte compare.
#include "match/compare.h"

enum { FLAG_BIG_ENDIAN = 1, FLAG_EXACT = 2 };

enum { OP_EQ = 1, OP_GT = 2, OP_LT = 3 };

static bool is_blank(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static int digit_of(uint8_t byte, unsigned base) {
    int value = 99;
    if (byte >= '0' && byte <= '9') {
        value = byte - '0';
    } else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f') {
        value = (byte | 0x20) - 'a' + 10;
    }
    return value < (int)base ? value : -1;
}

// Reads digits; with `is_exact` every byte of the field must be one. False when there is none.
static bool read_text(struct ov_span field, unsigned base, bool is_exact, int64_t *ret_value) {
    uint64_t value = 0;
    size_t at = 0;
    bool is_negative = false;
    while (at < field.size && is_blank(field.data[at])) {
        at++;
    }
    if (base == 10 && at < field.size && (field.data[at] == '-' || field.data[at] == '+')) {
        is_negative = field.data[at] == '-';
        at++;
    }
    size_t first = at;
    while (at < field.size && digit_of(field.data[at], base) >= 0) {
        value = value * base + (uint64_t)digit_of(field.data[at], base);
        at++;
    }
    if (at == first || (is_exact && at < field.size)) {
        return false;
    }
    *ret_value = (int64_t)(is_negative ? 0 - value : value);
    return true;
}

// The value of hex digits taken pair by pair, last pair first.
static bool read_little_hex(struct ov_span field, bool is_exact, int64_t *ret_value) {
    uint8_t turned[32];
    size_t size = field.size;
    if (size > sizeof turned || size % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < size; i += 2) {
        turned[i] = field.data[size - 2 - i];
        turned[i + 1] = field.data[size - 1 - i];
    }
    return read_text(ov_span_make(turned, size), 16, is_exact, ret_value);
}

static int64_t read_binary(struct ov_span field, bool is_big_endian) {
    uint64_t value = 0;
    for (size_t i = 0; i < field.size; i++) {
        size_t at = is_big_endian ? i : field.size - 1 - i;
        value = value << 8 | field.data[at];
    }
    return (int64_t)value;
}

static bool read_number(const struct ov_image_compare *compare, struct ov_span field,
                        int64_t *ret_value) {
    bool is_big_endian = (compare->flags & FLAG_BIG_ENDIAN) != 0;
    bool is_exact = (compare->flags & FLAG_EXACT) != 0;
    uint8_t base = compare->base;
    if (base == 'i') {
        *ret_value = read_binary(field, is_big_endian);
        return true;
    }
    if (base == 'a') {
        bool is_hex = field.size > 2 && field.data[0] == '0' && (field.data[1] | 0x20) == 'x';
        base = is_hex ? 'h' : 'd';
        field = is_hex ? ov_span_part(field, 2, field.size) : field;
    }
    if (base == 'd') {
        return read_text(field, 10, is_exact, ret_value);
    }
    return is_big_endian ? read_text(field, 16, is_exact, ret_value)
                         : read_little_hex(field, is_exact, ret_value);
}

bool ov_compare_holds(const struct ov_image_compare *compare, struct ov_span object,
                      uint64_t anchor) {
    uint64_t at;
    // ClamAV never compares at offset 0 of the object.
    if (__builtin_add_overflow(anchor, compare->offset, &at) || at == 0 || at >= object.size ||
        compare->bytes > object.size - at) {
        return false;
    }
    int64_t value;
    if (!read_number(compare, ov_span_part(object, (size_t)at, compare->bytes), &value)) {
        return false;
    }
    for (unsigned i = 0; i < compare->count && i < 2; i++) {
        bool holds = compare->op[i] == OP_EQ   ? value == compare->value[i]
                     : compare->op[i] == OP_GT ? value > compare->value[i]
                                               : value < compare->value[i];
        if (!holds) {
            return false;
        }
    }
    return true;
}
