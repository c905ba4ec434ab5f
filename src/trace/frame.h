// SPDX-License-Identifier: Apache-2.0
//
// Frames of a trace: length, check, record; and the chain that the checks are taken from
// (docs/formats/trace.md, "The file"). For the room alone.
#pragma once

#include "base/buf.h"
#include "base/cursor.h"
#include "base/digest.h"

#define OV_TRACE_MAGIC "overt-trace/v1\n"

enum {
    OV_TRACE_MAGIC_BYTES = sizeof OV_TRACE_MAGIC - 1,
    OV_TRACE_LENGTH_BYTES = 4,
    OV_TRACE_CHECK_BYTES = 8,
    OV_TRACE_HEAD_BYTES = OV_TRACE_LENGTH_BYTES + OV_TRACE_CHECK_BYTES,
};

// The chain before the first record.
void ov_trace_chain_start(uint8_t ret_chain[OV_SHA256_BYTES]);

// Appends the frame of a record, 1 to OV_TRACE_RECORD_BYTES_MAX bytes, and takes the chain on.
void ov_trace_frame_add(struct ov_buf *buf, struct ov_span record, uint8_t chain[OV_SHA256_BYTES]);

// The next record. OV_END behind the last frame. OV_DAMAGED: *ret_why says what is wrong. Cursor
// and chain go on only when there was one.
enum ov_status ov_trace_frame_read(struct ov_cursor *cursor, uint8_t chain[OV_SHA256_BYTES],
                                   struct ov_span *ret_record, const char **ret_why);
