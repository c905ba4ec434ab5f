// SPDX-License-Identifier: Apache-2.0
//
// Compressed streams in, plain bytes out, never more than the budget allows.
//
// The codecs are those of zlib, bzip2, liblzma, zstd and lz4. Worker process only.
#pragma once

#include "format/walk.h"

enum ov_codec {
    OV_CODEC_DEFLATE = 0, // raw (RFC 1951)
    OV_CODEC_ZLIB,        // RFC 1950
    OV_CODEC_GZIP,        // RFC 1952, one member
    OV_CODEC_BZIP2,
    OV_CODEC_XZ,   // .xz, one stream
    OV_CODEC_LZMA, // .lzma: properties, dictionary, size, stream
    OV_CODEC_LZIP, // one member
    OV_CODEC_ZSTD, // one frame
    OV_CODEC_LZ4,  // one frame
    OV_CODEC_COUNT,
};

// Unpacks one stream, appends to `plain` and tells how many bytes of `packed` belong to it.
// OV_OK: the stream ended. OV_DAMAGED: it broke off or ended too soon; OV_LIMIT: ov_walk_room() was
// used up (noted in the budget) or time ran out. In both cases `plain` holds what came before.
// OV_MEMORY. `ret_used` is set in all cases.
enum ov_status ov_codec_unpack(enum ov_codec codec, struct ov_span packed, struct ov_walk *walk,
                               struct ov_buf *plain, size_t *ret_used);

// Unpacks a stream and hands it over as the rest of `member` says. When nothing can be unpacked,
// the packed bytes as they are: there may be readers who take them so. Keeps in io_worst why it
// broke off, a limit before damage. The status is the sink's, or OV_LIMIT when no time is left, or
// OV_MEMORY.
enum ov_status ov_codec_tell(enum ov_codec codec, struct ov_span packed,
                             const struct ov_child *member, struct ov_walk *walk,
                             enum ov_status *io_worst);

// A stream of LZMA without a header. `properties`: (pb * 5 + lp) * 9 + lc, as in one.
struct ov_lzma_run {
    struct ov_span packed;
    unsigned properties;
    uint64_t plain_bytes; // how many it unpacks to, or at most
};

// Unpacks it as ov_codec_unpack() does. OV_OK also when it has no end mark behind its last byte.
enum ov_status ov_lzma_unpack(const struct ov_lzma_run *run, struct ov_walk *walk,
                              struct ov_buf *plain);

// Unpacks LZMA that begins with its properties (5 bytes) and lacks the size that a .lzma file has
// behind them: `plain_bytes`, or UINT64_MAX when an end mark tells. As ov_codec_unpack().
enum ov_status ov_codec_unlzma(struct ov_span packed, uint64_t plain_bytes, struct ov_walk *walk,
                               struct ov_buf *plain);

// Unpacks a file of compress (.Z) and appends to `plain`, as ov_codec_unpack() does. lzw.c
enum ov_status ov_lzw_unpack(struct ov_span packed, struct ov_walk *walk, struct ov_buf *plain);

// A step of a codec: reads from `in` and writes to `out`, moving both on.
struct ov_codec_step {
    struct ov_span in;
    struct ov_span behind; // what comes when `in` is used up; the codec does not look at it
    uint8_t *out;
    size_t out_bytes;
    bool is_last; // no further input will come
};

// What a codec is made of. `step` returns OV_OK while there is more, OV_END at the stream's end.
struct ov_codec_engine {
    void *(*open)(void); // NULL: no memory
    enum ov_status (*step)(void *state, struct ov_codec_step *step);
    void (*close)(void *state);
};

extern const struct ov_codec_engine ov_codec_deflate, ov_codec_zlib, ov_codec_gzip, ov_codec_bzip2,
    ov_codec_xz, ov_codec_lzma, ov_codec_lzip, ov_codec_zstd, ov_codec_lz4;
