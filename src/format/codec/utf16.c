// SPDX-License-Identifier: Apache-2.0
// UTF-16 into UTF-8.
#include "format/codec/utf16.h"

#include "base/cursor.h"

enum { HIGH_FIRST = 0xd800, LOW_FIRST = 0xdc00, LOW_LAST = 0xdfff, REPLACEMENT = 0xfffd };

void ov_utf8_add(struct ov_buf *text, uint32_t character) {
    if (character < 0x80) {
        ov_buf_add_u8(text, (uint8_t)character);
    } else if (character < 0x800) {
        ov_buf_add_u8(text, (uint8_t)(0xc0 | character >> 6));
        ov_buf_add_u8(text, (uint8_t)(0x80 | (character & 0x3f)));
    } else if (character < 0x10000) {
        ov_buf_add_u8(text, (uint8_t)(0xe0 | character >> 12));
        ov_buf_add_u8(text, (uint8_t)(0x80 | (character >> 6 & 0x3f)));
        ov_buf_add_u8(text, (uint8_t)(0x80 | (character & 0x3f)));
    } else {
        ov_buf_add_u8(text, (uint8_t)(0xf0 | character >> 18));
        ov_buf_add_u8(text, (uint8_t)(0x80 | (character >> 12 & 0x3f)));
        ov_buf_add_u8(text, (uint8_t)(0x80 | (character >> 6 & 0x3f)));
        ov_buf_add_u8(text, (uint8_t)(0x80 | (character & 0x3f)));
    }
}

unsigned ov_utf16_add(struct ov_buf *text, const uint16_t *units, size_t count) {
    if (count == 0) {
        return 0;
    }
    uint32_t first = units[0];
    uint32_t second = count > 1 ? units[1] : 0;
    if (first < HIGH_FIRST || first > LOW_LAST) {
        ov_utf8_add(text, first);
        return 1;
    }
    if (first < LOW_FIRST && second >= LOW_FIRST && second <= LOW_LAST) {
        ov_utf8_add(text, 0x10000 + ((first - HIGH_FIRST) << 10) + (second - LOW_FIRST));
        return 2;
    }
    ov_utf8_add(text, REPLACEMENT);
    return 1;
}

void ov_utf16_add_bytes(struct ov_buf *text, struct ov_span bytes) {
    struct ov_cursor in = ov_cursor_init(bytes);
    uint16_t units[2] = {ov_cursor_u16le(&in), 0};
    for (size_t left = bytes.size / 2; left > 0;) {
        units[1] = left > 1 ? ov_cursor_u16le(&in) : 0;
        unsigned used = ov_utf16_add(text, units, left > 1 ? 2 : 1);
        left -= used;
        units[0] = used == 2 ? ov_cursor_u16le(&in) : units[1];
    }
}

void ov_utf16_add_big(struct ov_buf *text, struct ov_span bytes) {
    struct ov_cursor in = ov_cursor_init(bytes);
    uint16_t units[2] = {ov_cursor_u16be(&in), 0};
    for (size_t left = bytes.size / 2; left > 0;) {
        units[1] = left > 1 ? ov_cursor_u16be(&in) : 0;
        unsigned used = ov_utf16_add(text, units, left > 1 ? 2 : 1);
        left -= used;
        units[0] = used == 1 ? units[1] : left > 0 ? ov_cursor_u16be(&in) : 0;
    }
}
