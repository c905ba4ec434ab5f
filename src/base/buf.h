// SPDX-License-Identifier: Apache-2.0
//
// A growable byte buffer on the heap, for writers: images, reports, JSON.
//
// Writes after a failed allocation do nothing and leave `has_failed` set, so that a writer writes
// straight on and asks once.
#pragma once

#include "base/span.h"
#include "base/status.h"

struct ov_buf {
    uint8_t *data;
    size_t size;     // bytes written
    size_t room;     // bytes allocated
    bool has_failed; // an allocation failed; stays set
};

void ov_buf_init(struct ov_buf *ret_buf);
void ov_buf_release(struct ov_buf *buf);

// Forgets the content and keeps the memory.
void ov_buf_reset(struct ov_buf *buf);

void ov_buf_add(struct ov_buf *buf, const void *data, size_t size);

// In the header, since readers of text add most of what they write byte by byte.
static inline void ov_buf_add_u8(struct ov_buf *buf, uint8_t value) {
    if (buf->size < buf->room && !buf->has_failed) {
        buf->data[buf->size++] = value;
    } else {
        ov_buf_add(buf, &value, 1);
    }
}

void ov_buf_add_u32le(struct ov_buf *buf, uint32_t value);
void ov_buf_add_u64le(struct ov_buf *buf, uint64_t value);
void ov_buf_add_text(struct ov_buf *buf, const char *text);
void ov_buf_printf(struct ov_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Adds `size` zero bytes and returns where they start, or NULL.
uint8_t *ov_buf_extend(struct ov_buf *buf, size_t size);

// Room for `size` more bytes, not zeroed and not yet part of the content, or NULL; the next write
// forgets it. ov_buf_commit() makes the first `size` of them content.
uint8_t *ov_buf_reserve(struct ov_buf *buf, size_t size);
void ov_buf_commit(struct ov_buf *buf, size_t size);

// Adds zero bytes until the size is a multiple of `align`, a power of two.
void ov_buf_align(struct ov_buf *buf, size_t align);

// What was written; valid until the next write.
struct ov_span ov_buf_span(const struct ov_buf *buf);

// OV_OK, or OV_MEMORY when a write was lost.
enum ov_status ov_buf_status(const struct ov_buf *buf);
