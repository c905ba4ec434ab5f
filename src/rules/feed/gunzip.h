// SPDX-License-Identifier: Apache-2.0
//
// gzip (RFC 1952) as databases and their updates are packed: one member, unpacked as a whole.
//
// Worker process only.
#pragma once

#include "base/buf.h"

// Unpacks the member at the start of `packed` and appends it; *ret_used is where it ends. OV_END:
// it ends too early; OV_DAMAGED; OV_LIMIT: it has more than `most_bytes`; OV_MEMORY.
enum ov_status ov_gunzip(struct ov_span packed, size_t most_bytes, struct ov_buf *plain,
                         size_t *ret_used);
