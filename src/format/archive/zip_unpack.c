// SPDX-License-Identifier: Apache-2.0
// The bytes of a zip member, by its method (APPNOTE.TXT 4.4.5).
#include "format/codec/codec.h"
#include "format/archive/zip.h"
#include "format/archive/zip_methods.h"

#include <zlib.h>

enum {
    METHOD_SHRINK = 1,
    METHOD_IMPLODE = 6,
    METHOD_DEFLATE64 = 9,
    METHOD_BZIP2 = 12,
    METHOD_LZMA = 14,
    METHOD_ZSTD_OLD = 20,
    METHOD_ZSTD = 93,
    METHOD_XZ = 95,
    FLAG_LZMA_HAS_END = 2,
    LZMA_PROPERTY_BYTES = 5,
};

bool ov_zip_has_checksum(struct ov_span bytes, uint64_t size, uint32_t checksum) {
    return size <= bytes.size && crc32_z(0, bytes.data, (size_t)size) == checksum;
}

void ov_zip_plain_release(struct ov_zip_plain *plain) {
    ov_buf_release(&plain->buf);
}

// What a stored member is, cut to what the budget allows.
static void take_stored(struct ov_span packed, struct ov_walk *walk, struct ov_zip_plain *plain) {
    size_t room = ov_walk_room(walk);
    plain->bytes = ov_span_part(packed, 0, room);
    plain->used = packed.size;
    if (packed.size > room) {
        ov_walk_note_cut(walk);
        plain->status = OV_LIMIT;
    }
}

// The stream lacks the size that a .lzma file has in its header (5.8.8); put it there.
static enum ov_status unpack_lzma(struct ov_span packed, const struct ov_zip_reading *reading,
                                  struct ov_walk *walk, struct ov_zip_plain *plain) {
    struct ov_cursor in = ov_cursor_init(packed);
    ov_cursor_skip(&in, 2); // version
    uint16_t property_bytes = ov_cursor_u16le(&in);
    struct ov_span properties = ov_cursor_bytes(&in, property_bytes);
    if (in.has_failed || property_bytes != LZMA_PROPERTY_BYTES) {
        return OV_DAMAGED;
    }
    bool has_end = (reading->flags & FLAG_LZMA_HAS_END) != 0 || reading->is_open;
    OV_CLEANUP(ov_buf_release) struct ov_buf stream = {0};
    ov_buf_add(&stream, properties.data, properties.size);
    ov_buf_add_u64le(&stream, has_end ? UINT64_MAX : reading->plain_bytes);
    size_t header_bytes = stream.size;
    struct ov_span rest = ov_span_from(packed, in.at);
    ov_buf_add(&stream, rest.data, rest.size);
    TRY(ov_buf_status(&stream));
    size_t used = 0;
    enum ov_status status =
        ov_codec_unpack(OV_CODEC_LZMA, ov_buf_span(&stream), walk, &plain->buf, &used);
    plain->used = in.at + (used > header_bytes ? used - header_bytes : 0);
    return status;
}

static enum ov_status unpack_codec(enum ov_codec codec, struct ov_span packed, struct ov_walk *walk,
                                   struct ov_zip_plain *plain) {
    return ov_codec_unpack(codec, packed, walk, &plain->buf, &plain->used);
}

static enum ov_status unpack_method(struct ov_span packed, const struct ov_zip_reading *reading,
                                    struct ov_walk *walk, struct ov_zip_plain *plain) {
    plain->used = packed.size;
    // The end of the first two is not in their streams.
    uint64_t plain_bytes = reading->is_open ? UINT64_MAX : reading->plain_bytes;
    switch (reading->method) {
    case METHOD_SHRINK:
        return ov_zip_unshrink(packed, plain_bytes, walk, &plain->buf);
    case METHOD_IMPLODE:
        return ov_zip_explode(packed, reading->flags, plain_bytes, walk, &plain->buf);
    case OV_ZIP_METHOD_DEFLATE:
        return unpack_codec(OV_CODEC_DEFLATE, packed, walk, plain);
    case METHOD_DEFLATE64:
        return ov_zip_inflate64(packed, walk, &plain->buf, &plain->used);
    case METHOD_BZIP2:
        return unpack_codec(OV_CODEC_BZIP2, packed, walk, plain);
    case METHOD_LZMA:
        return unpack_lzma(packed, reading, walk, plain);
    case METHOD_ZSTD:
    case METHOD_ZSTD_OLD:
        return unpack_codec(OV_CODEC_ZSTD, packed, walk, plain);
    case METHOD_XZ:
        return unpack_codec(OV_CODEC_XZ, packed, walk, plain);
    default:
        return OV_UNSUPPORTED;
    }
}

// Methods whose streams tell their own end.
static bool has_own_end(unsigned method) {
    return method == OV_ZIP_METHOD_DEFLATE || method == METHOD_DEFLATE64 ||
           method == METHOD_BZIP2 || method == METHOD_ZSTD || method == METHOD_ZSTD_OLD ||
           method == METHOD_XZ;
}

// Programs that read a stream to its end do not ask what the header says of its size.
static void unpack_further(struct ov_span data, const struct ov_zip_reading *reading,
                           struct ov_walk *walk, struct ov_zip_plain *plain) {
    struct ov_zip_plain longer = {0};
    longer.status = unpack_method(data, reading, walk, &longer);
    if (longer.status == OV_OK) {
        ov_zip_plain_release(plain);
        *plain = longer;
    } else {
        ov_zip_plain_release(&longer);
    }
}

// A method that nobody knows: some programs take it for stored, and what such a member holds may
// also be deflated. The checksum says which it is.
static void guess_method(struct ov_span packed, const struct ov_zip_reading *reading,
                         struct ov_walk *walk, struct ov_zip_plain *plain) {
    size_t room = ov_walk_room(walk);
    uint64_t size = reading->plain_bytes;
    if (size > 0 && size <= room && ov_zip_has_checksum(packed, size, reading->checksum)) {
        plain->bytes = ov_span_part(packed, 0, (size_t)size);
        plain->status = OV_OK;
        return;
    }
    size_t used = 0;
    enum ov_status status = ov_codec_unpack(OV_CODEC_DEFLATE, packed, walk, &plain->buf, &used);
    if (status == OV_OK &&
        ov_zip_has_checksum(ov_buf_span(&plain->buf), plain->buf.size, reading->checksum)) {
        plain->bytes = ov_buf_span(&plain->buf);
        plain->status = OV_OK;
    }
}

void ov_zip_unpack(struct ov_span data, const struct ov_zip_reading *reading, struct ov_walk *walk,
                   struct ov_zip_plain *ret_plain) {
    *ret_plain = (struct ov_zip_plain){.bytes = ov_span_part(data, 0, 0)};
    uint64_t size = reading->is_open ? data.size : reading->packed_bytes;
    bool is_short = size > data.size;
    struct ov_span packed = ov_span_part(data, 0, is_short ? data.size : (size_t)size);
    if (reading->method == OV_ZIP_METHOD_STORED) {
        take_stored(packed, walk, ret_plain);
        ret_plain->status = is_short ? OV_DAMAGED : ret_plain->status;
        return;
    }
    ret_plain->status = unpack_method(packed, reading, walk, ret_plain);
    if (ret_plain->status == OV_UNSUPPORTED) {
        guess_method(packed, reading, walk, ret_plain);
        return;
    }
    if (ret_plain->status == OV_DAMAGED && has_own_end(reading->method) && packed.size > 0 &&
        ret_plain->used == packed.size && packed.size < data.size) {
        unpack_further(data, reading, walk, ret_plain);
    }
    ret_plain->bytes = ov_buf_span(&ret_plain->buf);
}
