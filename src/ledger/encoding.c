// SPDX-License-Identifier: Apache-2.0
// Strict base64, decimal numbers and lines.
#include "ledger/encoding.h"

// ---- base64: RFC 4648 section 4 -----------------------------------------------------------------

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit_value(uint8_t character) {
    if (character >= 'A' && character <= 'Z') {
        return character - 'A';
    }
    if (character >= 'a' && character <= 'z') {
        return character - 'a' + 26;
    }
    if (character >= '0' && character <= '9') {
        return character - '0' + 52;
    }
    return character == '+' ? 62 : character == '/' ? 63 : -1;
}

// The 24 bits of four characters of which the last `padding` are '='; -1 when one is no digit, or
// when bits stand behind the last byte.
static int32_t read_group(struct ov_span group, unsigned padding) {
    int32_t bits = 0;
    for (unsigned i = 0; i < 4; i++) {
        int value = i < 4 - padding ? digit_value(group.data[i]) : 0;
        if (value < 0) {
            return -1;
        }
        bits = bits << 6 | value;
    }
    int32_t spare = (1 << 8 * padding) - 1;
    return (bits & spare) == 0 ? bits : -1;
}

static unsigned count_padding(struct ov_span text) {
    unsigned padding = 0;
    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=') {
        padding++;
    }
    return padding;
}

// How many bytes the text holds, once every character is known to be right.
static enum ov_status measure(struct ov_span text, unsigned padding, size_t *ret_size) {
    if (text.size % 4 != 0) {
        return OV_DAMAGED;
    }
    for (size_t at = 0; at < text.size; at += 4) {
        if (read_group(ov_span_part(text, at, 4), at + 4 == text.size ? padding : 0) < 0) {
            return OV_DAMAGED;
        }
    }
    *ret_size = text.size / 4 * 3 - padding;
    return OV_OK;
}

enum ov_status ov_base64_read(struct ov_span text, uint8_t *ret_bytes, size_t room,
                              size_t *ret_size) {
    unsigned padding = count_padding(text);
    size_t size = 0;
    TRY(measure(text, padding, &size));
    if (size > room) {
        return OV_LIMIT;
    }
    for (size_t at = 0; at < text.size; at += 4) {
        unsigned missing = at + 4 == text.size ? padding : 0;
        int32_t bits = read_group(ov_span_part(text, at, 4), missing);
        for (unsigned i = 0; i < 3 - missing; i++) {
            ret_bytes[at / 4 * 3 + i] = (uint8_t)(bits >> (16 - 8 * i));
        }
    }
    *ret_size = size;
    return OV_OK;
}

enum ov_status ov_tree_hash_read(struct ov_span text, struct ov_tree_hash *ret_hash) {
    size_t size = 0;
    if (text.size != OV_HASH_TEXT_BYTES || count_padding(text) != 1) {
        return OV_DAMAGED;
    }
    return ov_base64_read(text, ret_hash->bytes, sizeof ret_hash->bytes, &size);
}

// Whole groups of three bytes.
static void write_groups(const uint8_t *bytes, size_t count, char *ret_text) {
    for (size_t i = 0; i < count; i++, bytes += 3, ret_text += 4) {
        uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
        ret_text[0] = digits[bits >> 18];
        ret_text[1] = digits[bits >> 12 & 63];
        ret_text[2] = digits[bits >> 6 & 63];
        ret_text[3] = digits[bits & 63];
    }
}

static void write_base64(const uint8_t *bytes, size_t size, char *ret_text) {
    const size_t whole = size / 3;
    const size_t left = size % 3;
    write_groups(bytes, whole, ret_text);
    if (left > 0) {
        uint8_t last[3] = {bytes[3 * whole], left > 1 ? bytes[3 * whole + 1] : 0, 0};
        write_groups(last, 1, ret_text + 4 * whole);
        memset(ret_text + 4 * whole + left + 1, '=', 3 - left);
    }
}

void ov_base64_add(struct ov_buf *buf, struct ov_span bytes) {
    const size_t text_size = (bytes.size / 3 + (bytes.size % 3 > 0)) * 4;
    char *text = bytes.size > 0 ? (char *)ov_buf_reserve(buf, text_size) : NULL;
    if (text != NULL) {
        write_base64(bytes.data, bytes.size, text);
        ov_buf_commit(buf, text_size);
    }
}

void ov_tree_hash_write(const struct ov_tree_hash *hash, char ret_text[OV_HASH_TEXT_BYTES]) {
    write_base64(hash->bytes, sizeof hash->bytes, ret_text);
}

void ov_tree_hash_add(struct ov_buf *buf, const struct ov_tree_hash *hash) {
    ov_base64_add(buf, ov_span_make(hash->bytes, sizeof hash->bytes));
}

// ---- numbers and lines ----------------------------------------------------------------------

// Two digits at a time, from the right.
size_t ov_number_write(uint64_t number, char ret_text[OV_NUMBER_DIGITS_MAX]) {
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char text[OV_NUMBER_DIGITS_MAX];
    size_t at = sizeof text;
    for (; number >= 100; number /= 100) {
        at -= 2;
        memcpy(text + at, pairs + 2 * (number % 100), 2);
    }
    at -= 2;
    memcpy(text + at, pairs + 2 * number, 2);
    at += number < 10;
    memcpy(ret_text, text + at, sizeof text - at);
    return sizeof text - at;
}

enum ov_status ov_line_read(struct ov_cursor *cursor, struct ov_span *ret_line) {
    size_t left = ov_cursor_left(cursor);
    if (left == 0) {
        return OV_END;
    }
    struct ov_span line = ov_cursor_until(cursor, '\n');
    if (line.size == left) {
        return OV_DAMAGED;
    }
    *ret_line = line;
    return OV_OK;
}

enum ov_status ov_line_take(struct ov_span line, const char *keyword, struct ov_span *ret_rest) {
    size_t size = strlen(keyword);
    if (!ov_span_has_prefix(line, keyword) || line.size == size || line.data[size] != ' ') {
        return OV_DAMAGED;
    }
    *ret_rest = ov_span_from(line, size + 1);
    return OV_OK;
}

enum ov_status ov_word_take(struct ov_span *rest, struct ov_span *ret_word) {
    size_t size = ov_span_find(*rest, 0, ' ');
    if (size == 0) {
        return OV_DAMAGED;
    }
    *ret_word = ov_span_part(*rest, 0, size);
    *rest = ov_span_from(*rest, size + 1);
    return OV_OK;
}
