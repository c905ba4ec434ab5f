// SPDX-License-Identifier: Apache-2.0
// gzip by zlib.
#include "rules/feed/gunzip.h"

#include <zlib.h>

enum {
    GZIP_WINDOW = 15 + 16, // zlib: the largest window, gzip framing
    PIECE_BYTES = 1 << 20,
};

// One call of zlib, which counts in 32 bits. Moves `packed` on.
static int step(z_stream *stream, struct ov_span *packed, struct ov_buf *plain, size_t room) {
    uint8_t *out = ov_buf_reserve(plain, room);
    if (out == NULL) {
        return Z_MEM_ERROR;
    }
    struct ov_span in = ov_span_part(*packed, 0, UINT32_MAX);
    stream->next_in = (z_const Bytef *)in.data;
    stream->avail_in = (uInt)in.size;
    stream->next_out = out;
    stream->avail_out = (uInt)room;
    int code = inflate(stream, Z_NO_FLUSH);
    ov_buf_commit(plain, room - stream->avail_out);
    *packed = ov_span_from(*packed, in.size - stream->avail_in);
    return code;
}

static enum ov_status run(z_stream *stream, struct ov_span *packed, size_t most_bytes,
                          struct ov_buf *plain) {
    size_t start = plain->size;
    for (;;) {
        size_t left = most_bytes - (plain->size - start);
        size_t room = left < PIECE_BYTES ? left + 1 : PIECE_BYTES; // one more tells it is too much
        int code = step(stream, packed, plain, room);
        if (code == Z_MEM_ERROR) {
            return OV_MEMORY;
        }
        if (plain->size - start > most_bytes) {
            return OV_LIMIT;
        }
        if (code == Z_STREAM_END) {
            return OV_OK;
        }
        if (code != Z_OK && code != Z_BUF_ERROR) {
            return OV_DAMAGED;
        }
        if (packed->size == 0 && stream->avail_out > 0) {
            return OV_END;
        }
    }
}

enum ov_status ov_gunzip(struct ov_span packed, size_t most_bytes, struct ov_buf *plain,
                         size_t *ret_used) {
    z_stream stream = {0};
    struct ov_span rest = packed;
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK) {
        return OV_MEMORY;
    }
    enum ov_status status = run(&stream, &rest, most_bytes, plain);
    (void)inflateEnd(&stream);
    TRY(status);
    *ret_used = packed.size - rest.size;
    return OV_OK;
}
