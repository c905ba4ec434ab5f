// SPDX-License-Identifier: Apache-2.0
// Base64 between two lines.
#include "trust/pem.h"

static const char begin[] = "-----BEGIN CERTIFICATE-----";
static const char end[] = "-----END CERTIFICATE-----";

// 64: none.
static unsigned read_digit(uint8_t letter) {
    if (letter >= 'A' && letter <= 'Z') {
        return letter - 'A';
    }
    if (letter >= 'a' && letter <= 'z') {
        return letter - 'a' + 26u;
    }
    if (letter >= '0' && letter <= '9') {
        return letter - '0' + 52u;
    }
    return letter == '+' ? 62 : letter == '/' ? 63 : 64;
}

// The last group may be short, and then has bits beyond its bytes, which are zero.
static enum ov_status add_group(const unsigned *digits, unsigned count, struct ov_buf *out) {
    uint32_t bits = digits[0] << 18 | digits[1] << 12 | digits[2] << 6 | digits[3];
    const uint8_t bytes[] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
    unsigned size = count - 1;
    if (count < 2 || (bits & ((1u << (24 - 8 * size)) - 1)) != 0) {
        return OV_DAMAGED;
    }
    ov_buf_add(out, bytes, size);
    return ov_buf_status(out);
}

enum ov_status ov_pem_decode(struct ov_span text, struct ov_buf *out) {
    unsigned digits[4] = {0}, count = 0, padding = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t letter = text.data[i];
        unsigned digit = read_digit(letter);
        if (letter == '\n' || letter == '\r') {
            continue;
        }
        if (letter == '=' && count >= 2 && count + padding < 4) {
            padding++;
            continue;
        }
        if (digit >= 64 || padding > 0) {
            return OV_DAMAGED;
        }
        digits[count++] = digit;
        if (count == 4) {
            TRY(add_group(digits, count, out));
            memset(digits, 0, sizeof digits);
            count = 0;
        }
    }
    if (count == 0) {
        return padding == 0 ? OV_OK : OV_DAMAGED;
    }
    return count + padding == 4 ? add_group(digits, count, out) : OV_DAMAGED;
}

enum ov_status ov_pem_next(struct ov_span *text, struct ov_buf *out) {
    size_t at = ov_span_search(*text, 0, ov_span_text(begin));
    if (at == text->size) {
        return OV_END;
    }
    struct ov_span body = ov_span_from(*text, at + sizeof begin - 1);
    size_t size = ov_span_search(body, 0, ov_span_text(end));
    if (size == body.size) {
        return OV_DAMAGED;
    }
    TRY(ov_pem_decode(ov_span_part(body, 0, size), out));
    *text = ov_span_from(body, size + sizeof end - 1);
    return OV_OK;
}
