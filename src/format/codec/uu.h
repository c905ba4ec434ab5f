// SPDX-License-Identifier: Apache-2.0
//
// Uuencoded blocks in a text (POSIX, uuencode: the historical algorithm, and base64 in its frame).
#pragma once

#include "base/buf.h"

struct ov_uu_block {
    struct ov_span name;
    size_t start;   // of the line that begins it
    size_t data_at; // behind that line
    bool is_base64;
};

// Finds the next line that begins a block, at or after `from`; false when there is none.
bool ov_uu_find(struct ov_span text, size_t from, struct ov_uu_block *ret_block);

// Decodes a block and appends at most `room` bytes; `ret_end` says where the text goes on. Lines
// that cannot be of the block are passed over, up to its end or that of the text. OV_OK;
// OV_DAMAGED: it has no end; OV_LIMIT: there was more; OV_MEMORY. What could be read is there in
// all cases.
enum ov_status ov_uu_decode(struct ov_span text, const struct ov_uu_block *block, size_t room,
                            struct ov_buf *plain, size_t *ret_end);
