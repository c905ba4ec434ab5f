// SPDX-License-Identifier: Apache-2.0
//
// Values of a record's lines, as docs/formats/trace.md has them: each has one spelling, and every
// other is damaged. For the room alone.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"

void ov_trace_number_add(struct ov_buf *buf, uint64_t number);
// OV_DAMAGED when it is no number, or above `most`.
enum ov_status ov_trace_number_read(struct ov_span text, uint64_t most, uint64_t *ret_number);

// Signed; the smallest integer, which has no counterpart, is not written: one more than it is.
void ov_trace_integer_add(struct ov_buf *buf, int64_t integer);
enum ov_status ov_trace_integer_read(struct ov_span text, int64_t *ret_integer);

// SECONDS.NANOSECONDS.
void ov_trace_time_add(struct ov_buf *buf, uint64_t time_ns);
enum ov_status ov_trace_time_read(struct ov_span text, uint64_t *ret_time_ns);

void ov_trace_hex_add(struct ov_buf *buf, struct ov_span bytes);
enum ov_status ov_trace_hex_read(struct ov_span text, uint8_t *ret_bytes, size_t size);

// A text of others, encoded and cut.
void ov_trace_text_add(struct ov_buf *buf, struct ov_span text);
// What was encoded: a part of `text`, or in the arena. OV_DAMAGED, OV_MEMORY.
enum ov_status ov_trace_text_read(struct ov_span text, struct ov_arena *arena,
                                  struct ov_span *ret_text);

// Takes the bytes before the first `stop` from the front of `rest`, and it. OV_DAMAGED: there is
// none.
enum ov_status ov_trace_part_take(struct ov_span *rest, uint8_t stop, struct ov_span *ret_part);
