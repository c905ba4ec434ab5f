// SPDX-License-Identifier: Apache-2.0
// Whole files of zstd by libzstd. How much it may allocate for its window follows from how much
// may come out, so that a few hostile bytes cannot ask for two gigabytes.
#include "format/codec/zstd_frame.h"

#include <zstd.h>
#include <zstd_errors.h>

enum {
    PIECE_BYTES = 128 << 10, // what libzstd gives at a time
    WINDOW_LOG_MIN = 27,     // 128 MB: levels choose windows without regard to small inputs
    WINDOW_LOG_MAX = 31,     // `zstd --long=31`
};

static int choose_window_log(uint64_t bytes) {
    int log = WINDOW_LOG_MIN;
    while (log < WINDOW_LOG_MAX && bytes > 1ull << log) {
        log++;
    }
    return log;
}

static enum ov_status read_error(size_t answer) {
    switch (ZSTD_getErrorCode(answer)) {
    case ZSTD_error_memory_allocation:
        return OV_MEMORY;
    case ZSTD_error_frameParameter_windowTooLarge:
        return OV_LIMIT;
    default:
        return OV_DAMAGED;
    }
}

// Frames that are skipped are none of ours, and what a frame promises is held against the limit
// before anything is unpacked.
static enum ov_status check_head(const struct ov_zstd_frame *frame) {
    static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    struct ov_span first = ov_span_part(frame->packed, 0, sizeof magic);
    if (!ov_span_is_equal(first, ov_span_make(magic, sizeof magic))) {
        return OV_DAMAGED;
    }
    unsigned long long size = ZSTD_getFrameContentSize(frame->packed.data, frame->packed.size);
    if (size == ZSTD_CONTENTSIZE_ERROR) {
        return OV_DAMAGED;
    }
    return size != ZSTD_CONTENTSIZE_UNKNOWN && size > frame->most_bytes ? OV_LIMIT : OV_OK;
}

static enum ov_status prepare(const struct ov_zstd_frame *frame, ZSTD_DCtx *context) {
    uint64_t window;
    if (__builtin_add_overflow(frame->most_bytes, frame->prefix.size, &window)) {
        window = UINT64_MAX;
    }
    size_t answer = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, choose_window_log(window));
    if (!ZSTD_isError(answer) && frame->prefix.size > 0) {
        answer = ZSTD_DCtx_refPrefix(context, frame->prefix.data, frame->prefix.size);
    }
    return ZSTD_isError(answer) ? read_error(answer) : OV_OK;
}

static enum ov_status unpack(const struct ov_zstd_frame *frame, ZSTD_DCtx *context) {
    static uint8_t piece[PIECE_BYTES]; // one at a time in a process
    ZSTD_inBuffer in = {.src = frame->packed.data, .size = frame->packed.size};
    uint64_t left = frame->most_bytes;
    size_t answer = 1;
    while (answer != 0) {
        ZSTD_outBuffer out = {.dst = piece, .size = sizeof piece};
        answer = ZSTD_decompressStream(context, &out, &in);
        if (ZSTD_isError(answer)) {
            return read_error(answer);
        }
        if (out.pos > left) {
            return OV_LIMIT;
        }
        if (answer != 0 && out.pos < out.size && in.pos == in.size) {
            return OV_DAMAGED; // ends too early
        }
        left -= out.pos;
        TRY(out.pos > 0 ? frame->put(frame->arg, ov_span_make(piece, out.pos)) : OV_OK);
    }
    return in.pos == in.size ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_zstd_frame_unpack(const struct ov_zstd_frame *frame) {
    TRY(check_head(frame));
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL) {
        return OV_MEMORY;
    }
    enum ov_status status = prepare(frame, context);
    status = status == OV_OK ? unpack(frame, context) : status;
    (void)ZSTD_freeDCtx(context);
    return status;
}
