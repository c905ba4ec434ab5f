// SPDX-License-Identifier: Apache-2.0
// rooms: format
//
// zstd files of rule feeds: whatever comes in, no more comes out than is allowed.
//
// Input: one byte, the size of the prefix; the prefix; the frame.
#include "format/codec/zstd_frame.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_BYTES = 64 << 10 };

static enum ov_status count(void *arg, struct ov_span bytes) {
    size_t *left = arg;
    if (bytes.size == 0 || bytes.size > *left) {
        abort();
    }
    *left -= bytes.size;
    return OV_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t left = MOST_BYTES;
    struct ov_span bytes = ov_span_make(data, size);
    size_t prefix_bytes = size > 0 ? data[0] : 0;
    struct ov_zstd_frame frame = {
        .packed = ov_span_from(bytes, 1 + prefix_bytes),
        .prefix = ov_span_part(bytes, 1, prefix_bytes),
        .most_bytes = MOST_BYTES,
        .arg = &left,
        .put = count,
    };
    switch (ov_zstd_frame_unpack(&frame)) {
    case OV_OK:
    case OV_DAMAGED:
    case OV_LIMIT:
    case OV_MEMORY:
        return 0;
    default:
        abort();
    }
}
