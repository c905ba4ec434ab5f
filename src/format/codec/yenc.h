// SPDX-License-Identifier: Apache-2.0
//
// yEnc blocks in a text (yEnc draft 1.3, www.yenc.org): bytes shifted by 42, a few of them escaped.
#pragma once

#include "base/buf.h"

struct ov_yenc_block {
    struct ov_span name;
    size_t start;   // of the line that begins it
    size_t data_at; // behind its header lines
    uint64_t part;  // of a file in several; 0 or 1: the first or only one
};

// Finds the next block at or after `from`; false when there is none.
bool ov_yenc_find(struct ov_span text, size_t from, struct ov_yenc_block *ret_block);

// Decodes a block and appends at most `room` bytes; `ret_end` says where the text goes on. OV_OK;
// OV_DAMAGED: it has no end; OV_LIMIT: there was more; OV_MEMORY.
enum ov_status ov_yenc_decode(struct ov_span text, const struct ov_yenc_block *block, size_t room,
                              struct ov_buf *plain, size_t *ret_end);
