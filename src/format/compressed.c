// SPDX-License-Identifier: Apache-2.0
// Files that are one compressed stream after another: gzip, bzip2, xz.
#include "format/codec.h"
#include "format/format.h"

enum {
    GZIP_HAS_EXTRA = 4,
    GZIP_HAS_NAME = 8,
    GZIP_HEADER_BYTES = 10,
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

static enum ov_status walk_xz(struct ov_cursor *in, struct ov_walk *walk) {
    return walk_streams(in, walk, OV_CODEC_XZ, ov_span_make(NULL, 0));
}

static const struct ov_magic magics_bz[] = {OV_MAGIC(0, "BZh")};
static const struct ov_magic magics_gz[] = {OV_MAGIC(0, "\x1f\x8b")};
static const struct ov_magic magics_xz[] = {OV_MAGIC(0, "\xfd"
                                                        "7zXZ\0")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_BZ, OV_MAGICS(magics_bz), .walk = walk_bzip2},
    {.type = OV_FILETYPE_GZ, OV_MAGICS(magics_gz), .walk = walk_gzip},
    {.type = OV_FILETYPE_XZ, OV_MAGICS(magics_xz), .walk = walk_xz},
};

OV_FORMAT_SET(compressed, formats);
