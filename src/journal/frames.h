// SPDX-License-Identifier: Apache-2.0
//
// The file `pending`: entries in frames of length, CRC-32C and bytes; for the journal alone.
#pragma once

#include "base/cursor.h"
#include "journal/entry.h"

enum { OV_FRAME_HEAD_BYTES = 6 };

// Appends a frame.
void ov_frame_add(struct ov_buf *buf, struct ov_span entry);

// The same in steps: what is appended to `buf` between them is the entry. The first gives where
// the frame begins.
size_t ov_frame_begin(struct ov_buf *buf);
struct ov_span ov_frame_entry(const struct ov_buf *buf, size_t at);
void ov_frame_end(struct ov_buf *buf, size_t at);

// The next frame. OV_END at the end; OV_DAMAGED when it is cut short or its CRC is wrong: then
// `cursor->at` stands where it begins.
enum ov_status ov_frame_read(struct ov_cursor *cursor, struct ov_span *ret_entry);

// The same for frames of our own in memory, without a look at the CRC.
enum ov_status ov_frame_next(struct ov_cursor *cursor, struct ov_span *ret_entry);

// Whether a sound frame of an entry begins anywhere behind `cursor`: then what is wrong there is
// not what a crash left of the last write.
bool ov_frame_is_any_behind(const struct ov_cursor *cursor);
