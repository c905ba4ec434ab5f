// SPDX-License-Identifier: Apache-2.0
// Files that are one compressed stream after another: gzip, bzip2, xz, lzma, lzip, zstd, lz4; and
// those of compress.
#include "format/codec/codec.h"
#include "format/codec/dictionary.h"
#include "format/format.h"

enum {
    GZIP_HAS_EXTRA = 4,
    GZIP_HAS_NAME = 8,
    GZIP_HEADER_BYTES = 10,
    SKIPPABLE_HEADER_BYTES = 8,
    UNHEARD_OF_BYTES = 1 << 30, // of a dictionary
};

// The name in a gzip header (RFC 1952, 2.3); empty when it has none.
static struct ov_span read_gzip_name(struct ov_span file) {
    struct ov_cursor in = ov_cursor_init(file);
    ov_cursor_skip(&in, 3);
    uint8_t flags = ov_cursor_u8(&in);
    ov_cursor_seek(&in, GZIP_HEADER_BYTES);
    if ((flags & GZIP_HAS_EXTRA) != 0) {
        ov_cursor_skip(&in, ov_cursor_u16le(&in));
    }
    if ((flags & GZIP_HAS_NAME) == 0 || in.has_failed) {
        return ov_span_make(NULL, 0);
    }
    return ov_cursor_until(&in, 0);
}

// All streams of the file make one member, as the programs that wrote them see it. A stream that
// breaks off ends it, and what came before is looked at.
static enum ov_status walk_streams(struct ov_cursor *in, struct ov_walk *walk, enum ov_codec codec,
                                   struct ov_span name) {
    struct ov_span rest = in->bytes;
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    enum ov_status status = OV_OK;
    while (rest.size > 0 && status == OV_OK) {
        size_t used = 0, before = plain.size;
        status = ov_codec_unpack(codec, rest, walk, &plain, &used);
        bool is_first = rest.size == in->bytes.size;
        if (status == OV_DAMAGED && !is_first && plain.size == before) {
            status = OV_OK; // what follows the last stream is no stream: padding, mostly
            break;
        }
        rest = ov_span_from(rest, used);
    }
    if (status == OV_MEMORY) {
        return status;
    }
    TRY(ov_walk_member(walk, ov_buf_span(&plain), name, OV_FILETYPE_NONE));
    return status;
}

static enum ov_status walk_gzip(struct ov_cursor *in, struct ov_walk *walk) {
    return walk_streams(in, walk, OV_CODEC_GZIP, read_gzip_name(in->bytes));
}

static enum ov_status walk_bzip2(struct ov_cursor *in, struct ov_walk *walk) {
    return walk_streams(in, walk, OV_CODEC_BZIP2, ov_span_make(NULL, 0));
}

// clamscan has a name for what it has no memory for.
static enum ov_status walk_xz(struct ov_cursor *in, struct ov_walk *walk) {
    if (ov_dictionary_bytes(OV_CODEC_XZ, in->bytes) > UNHEARD_OF_BYTES) {
        ov_walk_alert(walk, OV_HEURISTIC_XZ_DICTIONARY);
    }
    return walk_streams(in, walk, OV_CODEC_XZ, ov_span_make(NULL, 0));
}

static enum ov_status walk_lzma(struct ov_cursor *in, struct ov_walk *walk) {
    return walk_streams(in, walk, OV_CODEC_LZMA, ov_span_make(NULL, 0));
}

static enum ov_status walk_lzip(struct ov_cursor *in, struct ov_walk *walk) {
    return walk_streams(in, walk, OV_CODEC_LZIP, ov_span_make(NULL, 0));
}

// A frame that zstd and lz4 pass over: the magics 0x184d2a50 to 0x184d2a5f, and a size (RFC 8878,
// 3.1.2).
static bool is_skippable(struct ov_span frame) {
    return frame.size >= SKIPPABLE_HEADER_BYTES && frame.data[0] >> 4 == 5 &&
           ov_span_has_prefix(ov_span_from(frame, 1), "\x2a\x4d\x18");
}

// Whose frames they are is known from the first that is not passed over.
static enum ov_status walk_frames(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_span rest = in->bytes;
    while (is_skippable(rest)) {
        TRY(ov_walk_has_time(walk));
        struct ov_cursor frame = ov_cursor_init(rest);
        ov_cursor_skip(&frame, 4);
        rest = ov_span_from(rest, SKIPPABLE_HEADER_BYTES + (size_t)ov_cursor_u32le(&frame));
    }
    bool is_lz4 = ov_span_has_prefix(rest, "\x04\x22\x4d\x18");
    return walk_streams(in, walk, is_lz4 ? OV_CODEC_LZ4 : OV_CODEC_ZSTD, ov_span_make(NULL, 0));
}

static enum ov_status walk_compress(struct ov_cursor *in, struct ov_walk *walk) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    enum ov_status status = ov_lzw_unpack(in->bytes, walk, &plain);
    if (status == OV_MEMORY) {
        return status;
    }
    TRY(ov_walk_member(walk, ov_buf_span(&plain), ov_span_make(NULL, 0), OV_FILETYPE_NONE));
    return status;
}

// An .lzma file has no magic. What the xz program looks at: a dictionary of 2^n or 2^n + 2^(n-1)
// bytes, and a size that is not known or below 256 GB.
static bool is_lzma(struct ov_span first) {
    struct ov_cursor in = ov_cursor_init(first);
    ov_cursor_skip(&in, 1);
    uint32_t dictionary = ov_cursor_u32le(&in);
    uint64_t size = ov_cursor_u64le(&in);
    unsigned bits = (unsigned)__builtin_popcount(dictionary);
    bool is_usual = bits == 1 || (bits == 2 && (dictionary & dictionary >> 1) != 0);
    return !in.has_failed && is_usual && (size == UINT64_MAX || size >> 38 == 0);
}

static bool is_zstd(struct ov_span first) {
    return ov_span_has_prefix(first, "\x28\xb5\x2f\xfd") || is_skippable(first);
}

static const struct ov_magic magics_bz[] = {OV_MAGIC(0, "BZh")};
static const struct ov_magic magics_gz[] = {OV_MAGIC(0, "\x1f\x8b")};
static const struct ov_magic magics_xz[] = {OV_MAGIC(0, "\xfd"
                                                        "7zXZ\0")};

static const struct ov_magic magics_compress[] = {OV_MAGIC(0, "\x1f\x9d")};
static const struct ov_magic magics_lz4[] = {OV_MAGIC(0, "\x04\x22\x4d\x18")};
static const struct ov_magic magics_lzip[] = {OV_MAGIC(0, "LZIP\x01")};
static const struct ov_magic magics_lzma[] = {OV_MAGIC(0, "\x5d\0\0")};
static const struct ov_magic magics_zstd[] = {OV_MAGIC(0, "\x28\xb5\x2f\xfd"),
                                              OV_MAGIC(1, "\x2a\x4d\x18")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_BZ, OV_MAGICS(magics_bz), .walk = walk_bzip2},
    {.type = OV_FILETYPE_GZ, OV_MAGICS(magics_gz), .walk = walk_gzip},
    {.type = OV_FILETYPE_XZ, OV_MAGICS(magics_xz), .walk = walk_xz},
    {.type = OV_FILETYPE_COMPRESS,
     OV_MAGICS(magics_compress),
     .walk = walk_compress,
     .is_beside = true},
    {.type = OV_FILETYPE_LZ4, OV_MAGICS(magics_lz4), .walk = walk_frames, .is_beside = true},
    {.type = OV_FILETYPE_LZIP, OV_MAGICS(magics_lzip), .walk = walk_lzip, .is_beside = true},
    {.type = OV_FILETYPE_LZMA,
     OV_MAGICS(magics_lzma),
     .is_sure = is_lzma,
     .walk = walk_lzma,
     .is_beside = true},
    {.type = OV_FILETYPE_ZSTD,
     OV_MAGICS(magics_zstd),
     .is_sure = is_zstd,
     .walk = walk_frames,
     .is_beside = true},
};

OV_FORMAT_SET(compressed, formats);
