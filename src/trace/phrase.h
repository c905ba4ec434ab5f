// SPDX-License-Identifier: Apache-2.0
//
// Pieces of sentences for people: numbers, sizes, times, and names that others chose.
#pragma once

#include "base/buf.h"
#include "trace/model.h"

void ov_trace_add_number(struct ov_buf *out, uint64_t number); // 12,345
void ov_trace_add_bytes(struct ov_buf *out, uint64_t bytes);   // 46.7 MB (46,712,345 bytes)
void ov_trace_add_size(struct ov_buf *out, uint64_t bytes);    // 46.7 MB

// A number with its noun, which gets an `s` unless there is one.
void ov_trace_add_count(struct ov_buf *out, uint64_t number, const char *noun);

// 2026-11-22T10:00:00Z, of nanoseconds since 1970.
void ov_trace_add_time(struct ov_buf *out, uint64_t time_ns);

// Seconds since the recording began: +12.345 s.
void ov_trace_add_moment(struct ov_buf *out, const struct ov_trace_begin *begin, uint64_t at_ns);

// A name of others, without what a terminal obeys and without line ends; `none` when it is empty.
void ov_trace_add_name(struct ov_buf *out, struct ov_span name, const char *none);
