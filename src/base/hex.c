// SPDX-License-Identifier: Apache-2.0
// Hexadecimal text.
#include "base/hex.h"

// A digit's value with bit 6 set, so that the zeros of all other characters mean "no digit".
// A table, because whether a digit is a letter is a coin toss that no branch predictor wins, and
// rule files hold hundreds of millions of digits.
static const uint8_t digits_of[256] = {
    ['0'] = 0x40, ['1'] = 0x41, ['2'] = 0x42, ['3'] = 0x43, ['4'] = 0x44, ['5'] = 0x45,
    ['6'] = 0x46, ['7'] = 0x47, ['8'] = 0x48, ['9'] = 0x49, ['a'] = 0x4a, ['b'] = 0x4b,
    ['c'] = 0x4c, ['d'] = 0x4d, ['e'] = 0x4e, ['f'] = 0x4f, ['A'] = 0x4a, ['B'] = 0x4b,
    ['C'] = 0x4c, ['D'] = 0x4d, ['E'] = 0x4e, ['F'] = 0x4f,
};

int ov_hex_digit(uint8_t character) {
    uint8_t digit = digits_of[character];
    return digit != 0 ? digit & 0xf : -1;
}

enum ov_status ov_hex_read(struct ov_span text, uint8_t *ret_bytes, size_t size) {
    if (text.size % 2 != 0 || text.size / 2 != size) {
        return OV_DAMAGED;
    }
    uint8_t all = 0x40;
    for (size_t i = 0; i < text.size; i++) {
        all &= digits_of[text.data[i]];
    }
    if (all == 0) {
        return OV_DAMAGED;
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t high = digits_of[text.data[2 * i]];
        uint8_t low = digits_of[text.data[2 * i + 1]];
        ret_bytes[i] = (uint8_t)(high << 4 | (low & 0xf));
    }
    return OV_OK;
}

void ov_hex_write(struct ov_span bytes, char *ret_text) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        ret_text[2 * i] = digits[bytes.data[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    ret_text[2 * bytes.size] = '\0';
}
