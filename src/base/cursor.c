// SPDX-License-Identifier: Apache-2.0
// The bounded reader with a sticky error flag.
#include "base/cursor.h"

#include <endian.h>

struct ov_cursor ov_cursor_init(struct ov_span bytes) {
    return (struct ov_cursor){.bytes = bytes};
}

size_t ov_cursor_left(const struct ov_cursor *cursor) {
    return cursor->bytes.size - cursor->at;
}

void ov_cursor_seek(struct ov_cursor *cursor, uint64_t at) {
    if (at > cursor->bytes.size) {
        cursor->at = cursor->bytes.size;
        cursor->has_failed = true;
        return;
    }
    cursor->at = (size_t)at;
}

void ov_cursor_skip(struct ov_cursor *cursor, uint64_t count) {
    (void)ov_cursor_bytes(cursor, count);
}

struct ov_span ov_cursor_bytes(struct ov_cursor *cursor, uint64_t size) {
    if (size > ov_cursor_left(cursor)) {
        cursor->at = cursor->bytes.size;
        cursor->has_failed = true;
        return ov_span_make(NULL, 0);
    }
    struct ov_span run = ov_span_part(cursor->bytes, cursor->at, (size_t)size);
    cursor->at += (size_t)size;
    return run;
}

// The next `width` bytes (at most 8) as they lie in memory, then zeros. Inline, so that each width
// becomes one load: headers are read by these calls alone.
static inline uint64_t read_bytes(struct ov_cursor *cursor, size_t width) {
    uint64_t value = 0;
    if (ov_cursor_left(cursor) < width) {
        cursor->at = cursor->bytes.size;
        cursor->has_failed = true;
        return 0;
    }
    memcpy(&value, cursor->bytes.data + cursor->at, width);
    cursor->at += width;
    return value;
}

// Reads `width` bytes as an integer whose first byte weighs least.
static inline uint64_t read_little(struct ov_cursor *cursor, unsigned width) {
    return le64toh(read_bytes(cursor, width));
}

// Reads `width` bytes as an integer whose first byte weighs most.
static inline uint64_t read_big(struct ov_cursor *cursor, unsigned width) {
    return be64toh(read_bytes(cursor, width)) >> (64 - 8 * width);
}

uint8_t ov_cursor_u8(struct ov_cursor *cursor) {
    return (uint8_t)read_little(cursor, 1);
}

uint16_t ov_cursor_u16le(struct ov_cursor *cursor) {
    return (uint16_t)read_little(cursor, 2);
}

uint32_t ov_cursor_u32le(struct ov_cursor *cursor) {
    return (uint32_t)read_little(cursor, 4);
}

uint64_t ov_cursor_u64le(struct ov_cursor *cursor) {
    return read_little(cursor, 8);
}

uint16_t ov_cursor_u16be(struct ov_cursor *cursor) {
    return (uint16_t)read_big(cursor, 2);
}

uint32_t ov_cursor_u32be(struct ov_cursor *cursor) {
    return (uint32_t)read_big(cursor, 4);
}

uint64_t ov_cursor_u64be(struct ov_cursor *cursor) {
    return read_big(cursor, 8);
}

struct ov_span ov_cursor_until(struct ov_cursor *cursor, uint8_t stop) {
    size_t end = ov_span_find(cursor->bytes, cursor->at, stop);
    struct ov_span run = ov_span_part(cursor->bytes, cursor->at, end - cursor->at);
    cursor->at = end < cursor->bytes.size ? end + 1 : end;
    return run;
}

uint64_t ov_cursor_count(struct ov_cursor *cursor, uint64_t count, size_t item_bytes) {
    if (count > ov_cursor_left(cursor) / item_bytes) {
        cursor->has_failed = true;
        return 0;
    }
    return count;
}

enum ov_status ov_cursor_status(const struct ov_cursor *cursor) {
    return cursor->has_failed ? OV_DAMAGED : OV_OK;
}
