// SPDX-License-Identifier: Apache-2.0
//
// Bytes of a decoder on their way to a buffer, never more than it may take.
//
// A decoder writes straight on and asks once, at the end. Owns nothing. Worker process only.
#pragma once

#include "base/buf.h"

enum { OV_OUT_CHUNK_BYTES = 1024 };

struct ov_out {
    struct ov_buf *buf;
    size_t room;  // bytes that may still be added
    bool is_full; // a byte came that had no room
    size_t held;  // bytes in `chunk`
    uint8_t chunk[OV_OUT_CHUNK_BYTES];
};

// A way into `buf`, for at most `room` bytes.
static inline void ov_out_init(struct ov_out *ret_out, struct ov_buf *buf, size_t room) {
    ret_out->buf = buf;
    ret_out->room = room;
    ret_out->is_full = false;
    ret_out->held = 0;
}

static inline void ov_out_byte(struct ov_out *out, uint8_t byte) {
    if (out->held == out->room) {
        out->is_full = true;
        return;
    }
    out->chunk[out->held++] = byte;
    if (out->held == OV_OUT_CHUNK_BYTES) {
        ov_buf_add(out->buf, out->chunk, out->held);
        out->room -= out->held;
        out->held = 0;
    }
}

// Adds the same byte `count` times.
static inline void ov_out_run(struct ov_out *out, uint8_t byte, size_t count) {
    for (; count > 0 && !out->is_full; count--) {
        ov_out_byte(out, byte);
    }
}

static inline void ov_out_span(struct ov_out *out, struct ov_span bytes) {
    for (size_t i = 0; i < bytes.size && !out->is_full; i++) {
        ov_out_byte(out, bytes.data[i]);
    }
}

// Writes what is held. OV_OK; OV_LIMIT when not everything had room; OV_MEMORY.
static inline enum ov_status ov_out_end(struct ov_out *out) {
    ov_buf_add(out->buf, out->chunk, out->held);
    out->room -= out->held;
    out->held = 0;
    TRY(ov_buf_status(out->buf));
    return out->is_full ? OV_LIMIT : OV_OK;
}
