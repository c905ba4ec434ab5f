// SPDX-License-Identifier: Apache-2.0
// Installers of NSIS (exehead/fileform.h of its sources): script and files behind a program.
#include "format/exe/nsis.h"

#include "format/codec/bare_bzip2.h"
#include "format/codec/codec.h"
#include "format/format.h"

enum {
    MARK_AT = 4, // flags stand before the mark
    MARK_BYTES = 16,
    HEADER_BYTES = 28,
};

static const uint32_t PACKED_BIT = 0x80000000;

enum method { METHOD_DEFLATE, METHOD_BZIP2, METHOD_LZMA, METHOD_FILTERED_LZMA };

static bool is_lzma(struct ov_span packed) {
    const uint8_t *at = packed.data;
    return packed.size > 6 && at[0] == 0x5d && at[1] == 0 && at[2] == 0 && at[5] == 0 &&
           (at[6] & 0x80) == 0;
}

// No field tells the method: the first bytes do.
static enum method find_method(struct ov_span packed) {
    if (is_lzma(packed)) {
        return METHOD_LZMA;
    }
    if (packed.size > 1 && packed.data[0] <= 1 && is_lzma(ov_span_from(packed, 1))) {
        return METHOD_FILTERED_LZMA; // a byte before it says whether a filter was used
    }
    bool is_bzip2 = packed.size > 1 && packed.data[0] == 0x31 && packed.data[1] < 14;
    return is_bzip2 ? METHOD_BZIP2 : METHOD_DEFLATE;
}

static enum ov_status unpack(struct ov_span packed, struct ov_walk *walk, struct ov_buf *plain) {
    switch (find_method(packed)) {
    case METHOD_LZMA:
        return ov_codec_unlzma(packed, UINT64_MAX, walk, plain);
    case METHOD_FILTERED_LZMA:
        return packed.data[0] == 0
                   ? ov_codec_unlzma(ov_span_from(packed, 1), UINT64_MAX, walk, plain)
                   : OV_UNSUPPORTED;
    case METHOD_BZIP2:
        return ov_bare_bunzip2(OV_BARE_BZIP2_NSIS, packed, walk, plain);
    default:
        return ov_nsis_inflate(packed, walk, plain);
    }
}

// One item of an archive whose files are packed one by one.
static enum ov_status tell_item(struct ov_span packed, bool is_packed, struct ov_walk *walk) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    enum ov_status status = is_packed ? unpack(packed, walk, &plain) : OV_OK;
    if (status == OV_MEMORY) {
        return status;
    }
    struct ov_span bytes = is_packed ? ov_buf_span(&plain) : packed;
    struct ov_child child = {.kind = OV_CHILD_MEMBER,
                             .bytes = bytes,
                             .packed_bytes = packed.size,
                             .plain_bytes = bytes.size};
    TRY(ov_walk_child(walk, &child));
    return status;
}

// Items with a length before each, whose top bit says that it is packed. One that is damaged does
// not keep the others from being read.
static enum ov_status walk_items(struct ov_cursor *in, struct ov_walk *walk) {
    enum ov_status told = OV_OK;
    while (ov_cursor_left(in) > sizeof(uint32_t)) {
        uint32_t size = ov_cursor_u32le(in);
        bool is_packed = (size & PACKED_BIT) != 0;
        size &= ~PACKED_BIT;
        size_t left = ov_cursor_left(in);
        struct ov_span item = ov_cursor_bytes(in, size < left ? size : left);
        enum ov_status status = tell_item(item, is_packed, walk);
        told = status != OV_OK ? status : told;
        if (status != OV_OK && status != OV_DAMAGED && status != OV_UNSUPPORTED) {
            return status;
        }
    }
    return told;
}

// One stream of everything: each item has its length before it.
static enum ov_status walk_solid(struct ov_span packed, struct ov_walk *walk) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    enum ov_status status = unpack(packed, walk, &plain);
    if (status == OV_MEMORY) {
        return status;
    }
    struct ov_cursor in = ov_cursor_init(ov_buf_span(&plain));
    while (ov_cursor_left(&in) > sizeof(uint32_t)) {
        uint32_t size = ov_cursor_u32le(&in);
        size_t left = ov_cursor_left(&in);
        struct ov_span item = ov_cursor_bytes(&in, size < left ? size : left);
        TRY(ov_walk_member(walk, item, ov_span_make(NULL, 0), OV_FILETYPE_NONE));
    }
    return status;
}

// Whether the items are packed one by one: the first is the script, whose length is then stated, or
// which has the size that the header tells when it is not packed.
static bool has_items(struct ov_span data, uint32_t script_bytes) {
    struct ov_cursor in = ov_cursor_init(data);
    uint32_t size = ov_cursor_u32le(&in);
    bool is_packed = (size & PACKED_BIT) != 0 && (size & ~PACKED_BIT) < data.size;
    return size == script_bytes || (is_packed && !is_lzma(data));
}

static size_t find_mark(struct ov_span object) {
    static const char mark[] = "\xef\xbe\xad\xdeNullsoftInst";
    const uint8_t *hit =
        object.size > 0 ? memmem(object.data, object.size, mark, MARK_BYTES) : NULL;
    return hit != NULL ? (size_t)(hit - object.data) : object.size;
}

static enum ov_status walk_nsis(struct ov_cursor *in, struct ov_walk *walk) {
    size_t mark_at = find_mark(in->bytes);
    ov_cursor_seek(in, mark_at + MARK_BYTES);
    uint32_t script_bytes = ov_cursor_u32le(in);
    uint32_t archive_bytes = ov_cursor_u32le(in);
    if (in->has_failed) {
        return OV_DAMAGED;
    }
    size_t left = ov_cursor_left(in);
    bool is_sound = archive_bytes > HEADER_BYTES && archive_bytes - HEADER_BYTES <= left;
    struct ov_span data = ov_cursor_bytes(in, is_sound ? archive_bytes - HEADER_BYTES : left);
    if (!has_items(data, script_bytes)) {
        return walk_solid(data, walk);
    }
    struct ov_cursor items = ov_cursor_init(data);
    return walk_items(&items, walk);
}

// The mark stands behind four bytes of flags.
static enum ov_inner find_nsis(struct ov_span object, size_t at, struct ov_span *ret_inner) {
    if (at < MARK_AT) {
        return OV_INNER_NONE;
    }
    struct ov_span rest = ov_span_from(object, at - MARK_AT);
    struct ov_cursor in = ov_cursor_init(rest);
    ov_cursor_skip(&in, HEADER_BYTES - sizeof(uint32_t));
    uint32_t archive_bytes = ov_cursor_u32le(&in);
    bool is_sound = archive_bytes > HEADER_BYTES && archive_bytes <= rest.size;
    *ret_inner = ov_span_part(rest, 0, is_sound ? archive_bytes : rest.size);
    return in.has_failed ? OV_INNER_NONE : is_sound ? OV_INNER_CLOSED : OV_INNER_OPEN;
}

static const struct ov_magic magics_nsis[] = {
    OV_MAGIC(OV_MAGIC_ANYWHERE, "\xef\xbe\xad\xdeNullsoftInst")};
static const struct ov_embedded in_nsis[] = {
    {.mark = OV_MAGIC(OV_MAGIC_ANYWHERE, "\xef\xbe\xad\xdeNullsoftInst"),
     .host = OV_HOST_EXE_OR_OLE2,
     .find = find_nsis},
};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_NULSFT, OV_MAGICS(magics_nsis), .walk = walk_nsis, OV_EMBEDDED(in_nsis)},
};

OV_FORMAT_SET(nsis, formats);
