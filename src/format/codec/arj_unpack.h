// SPDX-License-Identifier: Apache-2.0
//
// The methods of ARJ: 0 stored, 1 to 3 with Huffman codes, 4 without. Worker process only.
#pragma once

#include "format/walk.h"

// Appends at most `plain_bytes` to `plain`. OV_OK: all are there. OV_DAMAGED: the stream broke off.
// OV_UNSUPPORTED: no such method. OV_LIMIT, OV_MEMORY as in format/codec.h.
enum ov_status ov_arj_unpack(struct ov_span packed, unsigned method, uint64_t plain_bytes,
                             struct ov_walk *walk, struct ov_buf *plain);
