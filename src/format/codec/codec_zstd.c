// SPDX-License-Identifier: Apache-2.0
// zstd frames by libzstd.
#include "format/codec/codec.h"

#include <zstd.h>

enum { WINDOW_LOG_MAX = 27 }; // 128 MB, what the zstd program itself accepts

static void *open_stream(void) {
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context != NULL) {
        (void)ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    }
    return context;
}

static enum ov_status step_stream(void *state, struct ov_codec_step *step) {
    ZSTD_inBuffer in = {.src = step->in.data, .size = step->in.size};
    ZSTD_outBuffer out = {.dst = step->out, .size = step->out_bytes};
    size_t answer = ZSTD_decompressStream(state, &out, &in);
    step->in = ov_span_from(step->in, in.pos);
    step->out_bytes -= out.pos;
    if (ZSTD_isError(answer)) {
        return OV_DAMAGED;
    }
    return answer == 0 ? OV_END : OV_OK;
}

static void close_stream(void *state) {
    (void)ZSTD_freeDCtx(state);
}

const struct ov_codec_engine ov_codec_zstd = {open_stream, step_stream, close_stream};
