// SPDX-License-Identifier: Apache-2.0
// Hexadecimal text.
#include "base/hex.h"

int ov_hex_digit(uint8_t character) {
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    uint8_t lower = character | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

enum ov_status ov_hex_read(struct ov_span text, uint8_t *ret_bytes, size_t size) {
    if (text.size % 2 != 0 || text.size / 2 != size) {
        return OV_DAMAGED;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (ov_hex_digit(text.data[i]) < 0) {
            return OV_DAMAGED;
        }
    }
    for (size_t i = 0; i < size; i++) {
        int high = ov_hex_digit(text.data[2 * i]);
        int low = ov_hex_digit(text.data[2 * i + 1]);
        ret_bytes[i] = (uint8_t)((unsigned)high << 4 | (unsigned)low);
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
