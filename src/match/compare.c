// SPDX-License-Identifier: Apache-2.0
// Byte compare.
#include "match/compare.h"

enum { FLAG_BIG_ENDIAN = 1, FLAG_EXACT = 2 };

enum { OP_EQ = 1, OP_GT = 2, OP_LT = 3 };

enum { AUTO_BYTES = 3 }; // shorter text says nothing about its base

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

static bool has_hex_prefix(struct ov_span text) {
    return text.size >= 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x';
}

static struct ov_span skip_blanks(struct ov_span text) {
    size_t at = 0;
    while (at < text.size && is_blank(text.data[at])) {
        at++;
    }
    return ov_span_part(text, at, text.size);
}

// A number that was read, and how many bytes of its text it took.
struct reading {
    int64_t value;
    size_t taken;
};

// As strtol: a sign, `0x` for hex, digits; no digits are 0. False when the value is too large.
static bool read_text(struct ov_span text, unsigned base, struct reading *ret_reading) {
    bool has_sign = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
    bool is_negative = has_sign && text.data[0] == '-';
    size_t at = has_sign ? 1 : 0;
    if (base == 16 && has_hex_prefix(ov_span_part(text, at, text.size)) && at + 2 < text.size &&
        digit_of(text.data[at + 2], base) >= 0) {
        at += 2;
    }
    size_t first = at;
    int64_t value = 0;
    for (; at < text.size && digit_of(text.data[at], base) >= 0; at++) {
        int64_t digit = digit_of(text.data[at], base);
        if (__builtin_mul_overflow(value, (int64_t)base, &value) ||
            __builtin_add_overflow(value, is_negative ? -digit : digit, &value)) {
            return false;
        }
    }
    *ret_reading = (struct reading){.value = value, .taken = at > first ? at : 0};
    return true;
}

// Bytes written as pairs of hex digits, the least first; one digit too few is a 0 in front. The
// first pair that is none ends the number. False when the value is too large.
static bool read_little_hex(struct ov_span text, struct reading *ret_reading) {
    uint64_t value = 0;
    size_t count = (text.size + 1) / 2;
    for (size_t i = 0; i < count; i++) {
        size_t end = 2 * (i + 1) - text.size % 2;
        int low = digit_of(text.data[end - 1], 16);
        int high = end >= 2 ? digit_of(text.data[end - 2], 16) : 0;
        if (low < 0 || high < 0) {
            break;
        }
        uint64_t byte = (uint64_t)high << 4 | (uint64_t)low;
        if (byte != 0 && (i >= sizeof value || byte << 8 * i >> 8 * i != byte)) {
            return false;
        }
        value |= i < sizeof value ? byte << 8 * i : 0;
    }
    *ret_reading = (struct reading){.value = (int64_t)value, .taken = 2 * count};
    return value <= INT64_MAX;
}

// Hex text in little-endian order; a single digit has no order.
static bool read_hex_pairs(struct ov_span text, struct reading *ret_reading) {
    if (has_hex_prefix(text)) {
        text = ov_span_part(text, 2, text.size);
    }
    return text.size == 1 ? read_text(text, 16, ret_reading) : read_little_hex(text, ret_reading);
}

static int64_t read_binary(struct ov_span field, bool is_big_endian) {
    uint64_t value = 0;
    for (size_t i = 0; i < field.size; i++) {
        size_t at = is_big_endian ? i : field.size - 1 - i;
        value = value << 8 | field.data[at];
    }
    return (int64_t)value;
}

// The number in the field, as clamscan reads it: blanks in front are skipped; what is no number is
// 0, but with `e` it must be one to the last byte, blanks counted.
static bool read_number(const struct ov_image_compare *compare, struct ov_span field,
                        int64_t *ret_value) {
    bool is_big_endian = (compare->flags & FLAG_BIG_ENDIAN) != 0;
    if (compare->base == 'i') {
        *ret_value = read_binary(field, is_big_endian);
        return true;
    }
    struct ov_span text = skip_blanks(field);
    bool is_hex = compare->base == 'h';
    if (compare->base == 'a') {
        is_hex = has_hex_prefix(text);
        if (text.size < AUTO_BYTES || (!is_hex && !is_big_endian)) {
            return false; // decimal text has no little-endian order
        }
    }
    struct reading reading;
    bool is_read = is_hex && !is_big_endian ? read_hex_pairs(text, &reading)
                                            : read_text(text, is_hex ? 16 : 10, &reading);
    bool is_exact = (compare->flags & FLAG_EXACT) != 0;
    if (!is_read || (is_exact && (text.size < field.size || reading.taken != field.size))) {
        return false;
    }
    *ret_value = reading.value;
    return true;
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
