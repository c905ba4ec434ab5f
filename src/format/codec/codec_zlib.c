// SPDX-License-Identifier: Apache-2.0
// deflate, zlib and gzip streams by zlib.
#include "format/codec/codec.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

static void *open_stream(int window_bits) {
    z_stream *stream = calloc(1, sizeof *stream);
    if (stream != NULL && inflateInit2(stream, window_bits) != Z_OK) {
        free(stream);
        return NULL;
    }
    return stream;
}

static void *open_deflate(void) {
    return open_stream(-MAX_WBITS);
}

static void *open_zlib(void) {
    return open_stream(MAX_WBITS);
}

static void *open_gzip(void) {
    return open_stream(MAX_WBITS + 16);
}

static enum ov_status step_stream(void *state, struct ov_codec_step *step) {
    z_stream *stream = state;
    size_t in = step->in.size < UINT_MAX ? step->in.size : UINT_MAX;
    size_t out = step->out_bytes < UINT_MAX ? step->out_bytes : UINT_MAX;
    stream->next_in = (Bytef *)step->in.data;
    stream->avail_in = (uInt)in;
    stream->next_out = step->out;
    stream->avail_out = (uInt)out;
    int answer = inflate(stream, Z_NO_FLUSH);
    step->in = ov_span_from(step->in, in - stream->avail_in);
    step->out_bytes -= out - stream->avail_out;
    switch (answer) {
    case Z_STREAM_END:
        return OV_END;
    case Z_OK:
    case Z_BUF_ERROR: // no progress: the caller sees that
        return OV_OK;
    case Z_MEM_ERROR:
        return OV_MEMORY;
    default:
        return OV_DAMAGED;
    }
}

static void close_stream(void *state) {
    (void)inflateEnd(state);
    free(state);
}

const struct ov_codec_engine ov_codec_deflate = {open_deflate, step_stream, close_stream};
const struct ov_codec_engine ov_codec_zlib = {open_zlib, step_stream, close_stream};
const struct ov_codec_engine ov_codec_gzip = {open_gzip, step_stream, close_stream};
