// SPDX-License-Identifier: Apache-2.0
// The growable byte buffer.
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_ROOM_BYTES = 256 };

void ov_buf_init(struct ov_buf *ret_buf) {
    *ret_buf = (struct ov_buf){0};
}

void ov_buf_release(struct ov_buf *buf) {
    free(buf->data);
    *buf = (struct ov_buf){0};
}

void ov_buf_reset(struct ov_buf *buf) {
    buf->size = 0;
    buf->has_failed = false;
}

// Makes room for `size` more bytes, doubling; false when the heap refuses.
static bool reserve(struct ov_buf *buf, size_t size) {
    if (buf->has_failed) {
        return false;
    }
    if (size <= buf->room - buf->size) {
        return true;
    }
    size_t need;
    size_t room = buf->room < FIRST_ROOM_BYTES ? FIRST_ROOM_BYTES : buf->room;
    bool is_too_much = __builtin_add_overflow(buf->size, size, &need) || need > SIZE_MAX / 2;
    while (!is_too_much && room < need) {
        room *= 2;
    }
    uint8_t *data = is_too_much ? NULL : realloc(buf->data, room);
    if (data == NULL) {
        buf->has_failed = true;
        return false;
    }
    buf->data = data;
    buf->room = room;
    return true;
}

void ov_buf_add(struct ov_buf *buf, const void *data, size_t size) {
    if (size > 0 && reserve(buf, size)) {
        memcpy(buf->data + buf->size, data, size);
        buf->size += size;
    }
}

void ov_buf_add_u32le(struct ov_buf *buf, uint32_t value) {
    uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                        (uint8_t)(value >> 24)};
    ov_buf_add(buf, bytes, sizeof bytes);
}

void ov_buf_add_u64le(struct ov_buf *buf, uint64_t value) {
    ov_buf_add_u32le(buf, (uint32_t)value);
    ov_buf_add_u32le(buf, (uint32_t)(value >> 32));
}

void ov_buf_add_text(struct ov_buf *buf, const char *text) {
    ov_buf_add(buf, text, strlen(text));
}

void ov_buf_printf(struct ov_buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0 || !reserve(buf, (size_t)size + 1)) {
        buf->has_failed = true;
        return;
    }
    va_start(args, format);
    (void)vsnprintf((char *)buf->data + buf->size, (size_t)size + 1, format, args);
    va_end(args);
    buf->size += (size_t)size;
}

uint8_t *ov_buf_reserve(struct ov_buf *buf, size_t size) {
    return reserve(buf, size) ? buf->data + buf->size : NULL;
}

void ov_buf_commit(struct ov_buf *buf, size_t size) {
    buf->size += size <= buf->room - buf->size ? size : buf->room - buf->size;
}

uint8_t *ov_buf_extend(struct ov_buf *buf, size_t size) {
    if (!reserve(buf, size > 0 ? size : 1)) { // 1: a place to point to even in an empty buffer
        return NULL;
    }
    uint8_t *start = buf->data + buf->size;
    memset(start, 0, size);
    buf->size += size;
    return start;
}

void ov_buf_align(struct ov_buf *buf, size_t align) {
    size_t over = buf->size & (align - 1);
    if (over != 0) {
        (void)ov_buf_extend(buf, align - over);
    }
}

struct ov_span ov_buf_span(const struct ov_buf *buf) {
    return ov_span_make(buf->data, buf->size);
}

enum ov_status ov_buf_status(const struct ov_buf *buf) {
    return buf->has_failed ? OV_MEMORY : OV_OK;
}
