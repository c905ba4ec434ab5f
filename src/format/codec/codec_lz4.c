// SPDX-License-Identifier: Apache-2.0
// lz4 frames by liblz4.
#include "format/codec/codec.h"

#include <lz4frame.h>

static void *open_stream(void) {
    LZ4F_dctx *context = NULL;
    return LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) ? NULL : context;
}

static enum ov_status step_stream(void *state, struct ov_codec_step *step) {
    size_t out = step->out_bytes, in = step->in.size;
    size_t answer = LZ4F_decompress(state, step->out, &out, step->in.data, &in, NULL);
    if (LZ4F_isError(answer)) {
        return OV_DAMAGED;
    }
    step->in = ov_span_from(step->in, in);
    step->out_bytes -= out;
    return answer == 0 ? OV_END : OV_OK;
}

static void close_stream(void *state) {
    (void)LZ4F_freeDecompressionContext(state);
}

const struct ov_codec_engine ov_codec_lz4 = {open_stream, step_stream, close_stream};
