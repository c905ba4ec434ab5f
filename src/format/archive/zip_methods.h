// SPDX-License-Identifier: Apache-2.0
//
// Methods of zip members that no library in Debian reads (APPNOTE.TXT 6.3.10, sections 5.1, 5.3).
//
// Each appends to `plain`. OV_OK: all of it was read. OV_DAMAGED: it broke off or ended too soon.
// OV_LIMIT, OV_MEMORY as in format/codec.h. Worker process only.
#pragma once

#include "format/walk.h"

// Deflate64 (method 9): deflate with a window of 64 KB. Tells how many bytes belong to the stream.
enum ov_status ov_zip_inflate64(struct ov_span packed, struct ov_walk *walk, struct ov_buf *plain,
                                size_t *ret_used);

// Implode (method 6). `flags` are those of the member; the stream has no end of its own, so that
// it ends at `plain_bytes`, or where the input does when that lies further on.
enum ov_status ov_zip_explode(struct ov_span packed, unsigned flags, uint64_t plain_bytes,
                              struct ov_walk *walk, struct ov_buf *plain);

// Shrink (method 1); ends as implode does.
enum ov_status ov_zip_unshrink(struct ov_span packed, uint64_t plain_bytes, struct ov_walk *walk,
                               struct ov_buf *plain);
