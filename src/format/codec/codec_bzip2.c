// SPDX-License-Identifier: Apache-2.0
// bzip2 streams by libbz2.
#include "format/codec/codec.h"

#include <bzlib.h>
#include <limits.h>
#include <stdlib.h>

static void *open_stream(void) {
    bz_stream *stream = calloc(1, sizeof *stream);
    if (stream != NULL && BZ2_bzDecompressInit(stream, 0, 0) != BZ_OK) {
        free(stream);
        return NULL;
    }
    return stream;
}

static enum ov_status step_stream(void *state, struct ov_codec_step *step) {
    bz_stream *stream = state;
    size_t in = step->in.size < UINT_MAX ? step->in.size : UINT_MAX;
    size_t out = step->out_bytes < UINT_MAX ? step->out_bytes : UINT_MAX;
    stream->next_in = (char *)step->in.data;
    stream->avail_in = (unsigned)in;
    stream->next_out = (char *)step->out;
    stream->avail_out = (unsigned)out;
    int answer = BZ2_bzDecompress(stream);
    step->in = ov_span_from(step->in, in - stream->avail_in);
    step->out_bytes -= out - stream->avail_out;
    switch (answer) {
    case BZ_STREAM_END:
        return OV_END;
    case BZ_OK:
        return OV_OK;
    case BZ_MEM_ERROR:
        return OV_MEMORY;
    default:
        return OV_DAMAGED;
    }
}

static void close_stream(void *state) {
    (void)BZ2_bzDecompressEnd(state);
    free(state);
}

const struct ov_codec_engine ov_codec_bzip2 = {open_stream, step_stream, close_stream};
