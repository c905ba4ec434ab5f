// SPDX-License-Identifier: Apache-2.0
// Numbers that archives write as text.
#include "format/codec/digits.h"

#include "base/hex.h"

bool ov_digits_read(struct ov_span field, unsigned base, uint64_t *ret_value) {
    size_t at = 0;
    while (at < field.size && (field.data[at] == ' ' || field.data[at] == '\t')) {
        at++;
    }
    uint64_t value = 0;
    size_t start = at;
    for (; at < field.size; at++) {
        int digit = ov_hex_digit(field.data[at]);
        if (digit < 0 || (unsigned)digit >= base) {
            break;
        }
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (unsigned)digit, &value)) {
            return false;
        }
    }
    if (at == start) {
        return false;
    }
    *ret_value = value;
    return true;
}
