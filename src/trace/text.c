// SPDX-License-Identifier: Apache-2.0
// Numbers, times and texts of the trace, one spelling each.
#include "trace/text.h"

#include "base/hex.h"
#include "trace/record.h"

enum { NS_DIGITS = 9, NUMBER_DIGITS_MAX = 20 };
#define NS_IN_SECOND 1000000000ull

// ---- numbers ------------------------------------------------------------------------------------

void ov_trace_number_add(struct ov_buf *buf, uint64_t number) {
    char digits[NUMBER_DIGITS_MAX];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    ov_buf_add(buf, &digits[at], sizeof digits - at);
}

enum ov_status ov_trace_number_read(struct ov_span text, uint64_t most, uint64_t *ret_number) {
    uint64_t number = 0;
    if (text.size == 0 || (text.size > 1 && text.data[0] == '0')) {
        return OV_DAMAGED;
    }
    for (size_t i = 0; i < text.size; i++) {
        uint8_t digit = text.data[i];
        if (digit < '0' || digit > '9' || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, digit - (uint64_t)'0', &number)) {
            return OV_DAMAGED;
        }
    }
    if (number > most) {
        return OV_DAMAGED;
    }
    *ret_number = number;
    return OV_OK;
}

void ov_trace_integer_add(struct ov_buf *buf, int64_t integer) {
    if (integer == INT64_MIN) {
        integer++;
    }
    if (integer < 0) {
        ov_buf_add_u8(buf, '-');
        integer = -integer;
    }
    ov_trace_number_add(buf, (uint64_t)integer);
}

enum ov_status ov_trace_integer_read(struct ov_span text, int64_t *ret_integer) {
    bool is_negative = ov_span_has_prefix(text, "-");
    uint64_t number = 0;
    TRY(ov_trace_number_read(ov_span_from(text, is_negative ? 1 : 0), INT64_MAX, &number));
    if (is_negative && number == 0) {
        return OV_DAMAGED;
    }
    *ret_integer = is_negative ? -(int64_t)number : (int64_t)number;
    return OV_OK;
}

void ov_trace_time_add(struct ov_buf *buf, uint64_t time_ns) {
    uint64_t rest = time_ns % NS_IN_SECOND;
    ov_trace_number_add(buf, time_ns / NS_IN_SECOND);
    ov_buf_add_u8(buf, '.');
    for (uint64_t unit = NS_IN_SECOND / 10; unit > 0; unit /= 10) {
        ov_buf_add_u8(buf, (uint8_t)('0' + rest / unit % 10));
    }
}

enum ov_status ov_trace_time_read(struct ov_span text, uint64_t *ret_time_ns) {
    struct ov_span whole;
    uint64_t seconds = 0;
    uint64_t ns = 0;
    TRY(ov_trace_part_take(&text, '.', &whole));
    TRY(ov_trace_number_read(whole, UINT64_MAX / NS_IN_SECOND - 1, &seconds));
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return OV_DAMAGED;
        }
        ns = ns * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (text.size != NS_DIGITS) {
        return OV_DAMAGED;
    }
    *ret_time_ns = seconds * NS_IN_SECOND + ns;
    return OV_OK;
}

// ---- bytes --------------------------------------------------------------------------------------

void ov_trace_hex_add(struct ov_buf *buf, struct ov_span bytes) {
    static const char digits[] = "0123456789abcdef";
    uint8_t *out = ov_buf_reserve(buf, 2 * bytes.size);
    if (out == NULL) {
        return;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        out[2 * i] = (uint8_t)digits[bytes.data[i] >> 4];
        out[2 * i + 1] = (uint8_t)digits[bytes.data[i] & 15];
    }
    ov_buf_commit(buf, 2 * bytes.size);
}

enum ov_status ov_trace_hex_read(struct ov_span text, uint8_t *ret_bytes, size_t size) {
    for (size_t i = 0; i < text.size; i++) { // one spelling
        if (text.data[i] >= 'A' && text.data[i] <= 'F') {
            return OV_DAMAGED;
        }
    }
    return ov_hex_read(text, ret_bytes, size);
}

// ---- texts --------------------------------------------------------------------------------------

static bool is_plain(uint8_t byte) {
    return byte > ' ' && byte <= '~' && byte != '%';
}

static void add_escaped(struct ov_buf *buf, uint8_t byte) {
    static const char digits[] = "0123456789ABCDEF";
    ov_buf_add_u8(buf, '%');
    ov_buf_add_u8(buf, (uint8_t)digits[byte >> 4]);
    ov_buf_add_u8(buf, (uint8_t)digits[byte & 15]);
}

void ov_trace_text_add(struct ov_buf *buf, struct ov_span text) {
    text = ov_span_part(text, 0, OV_TRACE_TEXT_BYTES_MAX);
    if (text.size == 0) {
        ov_buf_add_u8(buf, '-');
    } else if (ov_span_is_text(text, "-")) {
        add_escaped(buf, '-');
    } else {
        for (size_t i = 0; i < text.size; i++) {
            if (is_plain(text.data[i])) {
                ov_buf_add_u8(buf, text.data[i]);
            } else {
                add_escaped(buf, text.data[i]);
            }
        }
    }
}

// The byte behind a '%'; a plain one may not be written so, but for the text that is "-".
static enum ov_status read_escaped(struct ov_cursor *cursor, bool is_all, uint8_t *ret_byte) {
    struct ov_span digits = ov_cursor_bytes(cursor, 2);
    uint8_t byte = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] >= 'a' && digits.data[i] <= 'f') {
            return OV_DAMAGED;
        }
    }
    TRY(ov_hex_read(digits, &byte, 1));
    if (is_plain(byte) && !(is_all && byte == '-')) {
        return OV_DAMAGED;
    }
    *ret_byte = byte;
    return OV_OK;
}

static enum ov_status decode(struct ov_span text, uint8_t *bytes, size_t *ret_size) {
    struct ov_cursor cursor = ov_cursor_init(text);
    size_t size = 0;
    while (ov_cursor_left(&cursor) > 0) {
        uint8_t byte = ov_cursor_u8(&cursor);
        if (byte == '%') {
            TRY(read_escaped(&cursor, text.size == 3, &byte));
        } else if (!is_plain(byte)) {
            return OV_DAMAGED;
        }
        bytes[size++] = byte;
    }
    *ret_size = size;
    return OV_OK;
}

enum ov_status ov_trace_text_read(struct ov_span text, struct ov_arena *arena,
                                  struct ov_span *ret_text) {
    size_t size = 0;
    if (ov_span_is_text(text, "-")) {
        *ret_text = ov_span_make(text.data, 0);
        return OV_OK;
    }
    if (text.size == 0 || text.size > 3 * OV_TRACE_TEXT_BYTES_MAX) {
        return OV_DAMAGED;
    }
    uint8_t *bytes = ov_arena_alloc(arena, text.size);
    if (bytes == NULL) {
        return OV_MEMORY;
    }
    TRY(decode(text, bytes, &size));
    if (size > OV_TRACE_TEXT_BYTES_MAX) {
        return OV_DAMAGED;
    }
    *ret_text = ov_span_make(bytes, size);
    return OV_OK;
}

enum ov_status ov_trace_part_take(struct ov_span *rest, uint8_t stop, struct ov_span *ret_part) {
    size_t end = ov_span_find(*rest, 0, stop);
    if (end == rest->size) {
        return OV_DAMAGED;
    }
    *ret_part = ov_span_part(*rest, 0, end);
    *rest = ov_span_from(*rest, end + 1);
    return OV_OK;
}
