// SPDX-License-Identifier: Apache-2.0
//
// A borrowed run of bytes: where it starts and how long it is. Owns nothing.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ov_span {
    const uint8_t *data; // may be NULL when size is 0
    size_t size;         // bytes
};

static inline struct ov_span ov_span_make(const void *data, size_t size) {
    return (struct ov_span){.data = (const uint8_t *)data, .size = size};
}

// The span of a C string, without its NUL.
static inline struct ov_span ov_span_text(const char *text) {
    return ov_span_make(text, strlen(text));
}

// The part [offset, offset + size) cut to what there is; empty when offset lies past the end.
static inline struct ov_span ov_span_part(struct ov_span span, size_t offset, size_t size) {
    if (offset >= span.size) {
        return ov_span_make(span.data, 0);
    }
    size_t left = span.size - offset;
    return ov_span_make(span.data + offset, size < left ? size : left);
}

// What follows the first `offset` bytes; empty when there is nothing.
static inline struct ov_span ov_span_from(struct ov_span span, size_t offset) {
    return ov_span_part(span, offset, SIZE_MAX);
}

static inline bool ov_span_is_equal(struct ov_span a, struct ov_span b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool ov_span_is_text(struct ov_span span, const char *text) {
    return ov_span_is_equal(span, ov_span_text(text));
}

// Whether `span` starts with the C string `prefix`.
static inline bool ov_span_has_prefix(struct ov_span span, const char *prefix) {
    size_t size = strlen(prefix);
    return ov_span_is_equal(ov_span_part(span, 0, size), ov_span_make(prefix, size));
}

// The index of `byte` at or after `from`, or span.size when there is none.
static inline size_t ov_span_find(struct ov_span span, size_t from, uint8_t byte) {
    if (from >= span.size) {
        return span.size;
    }
    const uint8_t *hit = memchr(span.data + from, byte, span.size - from);
    return hit != NULL ? (size_t)(hit - span.data) : span.size;
}

// The index of `needle` (at least one byte) at or after `from`, or span.size when there is none.
static inline size_t ov_span_search(struct ov_span span, size_t from, struct ov_span needle) {
    if (from >= span.size) {
        return span.size;
    }
    const uint8_t *hit = memmem(span.data + from, span.size - from, needle.data, needle.size);
    return hit != NULL ? (size_t)(hit - span.data) : span.size;
}
