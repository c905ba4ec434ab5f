// SPDX-License-Identifier: Apache-2.0
// xz, lzma and lzip streams by liblzma.
#include "format/codec/codec.h"

#include <lzma.h>
#include <stdlib.h>

// A dictionary may be larger than any part: what a header may ask for is bounded here.
static const uint64_t MEMORY_BYTES_MAX = (uint64_t)256 << 20;

static void *open_stream(lzma_ret (*start)(lzma_stream *stream)) {
    lzma_stream *stream = malloc(sizeof *stream);
    if (stream == NULL) {
        return NULL;
    }
    *stream = (lzma_stream)LZMA_STREAM_INIT;
    if (start(stream) != LZMA_OK) {
        free(stream);
        return NULL;
    }
    return stream;
}

static lzma_ret start_xz(lzma_stream *stream) {
    return lzma_stream_decoder(stream, MEMORY_BYTES_MAX, 0);
}

static lzma_ret start_lzma(lzma_stream *stream) {
    return lzma_alone_decoder(stream, MEMORY_BYTES_MAX);
}

static lzma_ret start_lzip(lzma_stream *stream) {
    return lzma_lzip_decoder(stream, MEMORY_BYTES_MAX, 0);
}

static void *open_xz(void) {
    return open_stream(start_xz);
}

static void *open_lzma(void) {
    return open_stream(start_lzma);
}

static void *open_lzip(void) {
    return open_stream(start_lzip);
}

static enum ov_status step_stream(void *state, struct ov_codec_step *step) {
    lzma_stream *stream = state;
    stream->next_in = step->in.data;
    stream->avail_in = step->in.size;
    stream->next_out = step->out;
    stream->avail_out = step->out_bytes;
    lzma_ret answer = lzma_code(stream, LZMA_RUN);
    step->in = ov_span_from(step->in, step->in.size - stream->avail_in);
    step->out_bytes = stream->avail_out;
    switch (answer) {
    case LZMA_STREAM_END:
        return OV_END;
    case LZMA_OK:
    case LZMA_BUF_ERROR: // no progress: the caller sees that
        return OV_OK;
    case LZMA_MEM_ERROR:
        return OV_MEMORY;
    case LZMA_MEMLIMIT_ERROR:
        return OV_LIMIT;
    case LZMA_OPTIONS_ERROR:
        return OV_UNSUPPORTED;
    default:
        return OV_DAMAGED;
    }
}

static void close_stream(void *state) {
    lzma_end(state);
    free(state);
}

const struct ov_codec_engine ov_codec_xz = {open_xz, step_stream, close_stream};
const struct ov_codec_engine ov_codec_lzip = {open_lzip, step_stream, close_stream};
const struct ov_codec_engine ov_codec_lzma = {open_lzma, step_stream, close_stream};

// A .lzma header is put before the stream.
enum ov_status ov_lzma_unpack(const struct ov_lzma_run *run, struct ov_walk *walk,
                              struct ov_buf *plain) {
    enum { DICTIONARY_MIN = 1 << 12, DICTIONARY_MAX = 1 << 28, PROPERTIES_END = 9 * 5 * 5 };
    if (run->properties >= PROPERTIES_END) {
        return OV_DAMAGED;
    }
    uint64_t room = ov_walk_room(walk);
    uint64_t dictionary = run->plain_bytes < room ? run->plain_bytes : room;
    uint32_t power = DICTIONARY_MIN; // .lzma files have no others
    while (power < dictionary && power < DICTIONARY_MAX) {
        power *= 2;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf stream = {0};
    ov_buf_add_u8(&stream, (uint8_t)run->properties);
    ov_buf_add_u32le(&stream, power);
    ov_buf_add_u64le(&stream, run->plain_bytes);
    ov_buf_add(&stream, run->packed.data, run->packed.size);
    TRY(ov_buf_status(&stream));
    size_t used, before = plain->size;
    enum ov_status status =
        ov_codec_unpack(OV_CODEC_LZMA, ov_buf_span(&stream), walk, plain, &used);
    bool is_whole = status == OV_DAMAGED && plain->size - before == run->plain_bytes;
    return is_whole ? OV_OK : status;
}
