// SPDX-License-Identifier: Apache-2.0
//
// The one reader for hostile bytes: it never leaves its span, and remembers that it tried.
//
// Past the end every read gives zeros and sets the sticky flag `has_failed`, so that parsing code
// reads straight on and asks once. A cursor borrows its bytes; it owns nothing. Any process.
#pragma once

#include "base/span.h"
#include "base/status.h"

struct ov_cursor {
    struct ov_span bytes;
    size_t at;       // next byte to read, at most bytes.size
    bool has_failed; // a read or seek went past the end; stays set
};

// Starts at byte 0 of `bytes`.
struct ov_cursor ov_cursor_init(struct ov_span bytes);

// Bytes that are left after the read position.
size_t ov_cursor_left(const struct ov_cursor *cursor);

// Moves the read position; past the end sets the flag and stays at the end.
void ov_cursor_seek(struct ov_cursor *cursor, uint64_t at);
void ov_cursor_skip(struct ov_cursor *cursor, uint64_t count);

// Fixed-size integers, little and big endian; zero past the end.
uint8_t ov_cursor_u8(struct ov_cursor *cursor);
uint16_t ov_cursor_u16le(struct ov_cursor *cursor);
uint32_t ov_cursor_u32le(struct ov_cursor *cursor);
uint64_t ov_cursor_u64le(struct ov_cursor *cursor);
uint16_t ov_cursor_u16be(struct ov_cursor *cursor);
uint32_t ov_cursor_u32be(struct ov_cursor *cursor);
uint64_t ov_cursor_u64be(struct ov_cursor *cursor);

// A borrowed run of exactly `size` bytes; an empty span, and the flag, when there are fewer.
struct ov_span ov_cursor_bytes(struct ov_cursor *cursor, uint64_t size);

// A borrowed run up to the next `stop` byte, which is consumed and left out. Without one: the
// rest, and no flag.
struct ov_span ov_cursor_until(struct ov_cursor *cursor, uint8_t stop);

// A loop count read from the input: `count` if that many items of at least `item_bytes` (1 or
// more) each could stand in the bytes left, else 0 and the flag.
uint64_t ov_cursor_count(struct ov_cursor *cursor, uint64_t count, size_t item_bytes);

// OV_OK, or OV_DAMAGED when a read has failed.
enum ov_status ov_cursor_status(const struct ov_cursor *cursor);
