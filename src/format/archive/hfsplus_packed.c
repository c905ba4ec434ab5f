// SPDX-License-Identifier: Apache-2.0
// Packed files of HFS+ (decmpfs): inside an attribute, or in blocks of the resource fork.
//
// sys/decmpfs.h of XNU; Inside Macintosh: More Macintosh Toolbox, 1, for the resource fork.
#include "format/codec/codec.h"
#include "format/archive/hfsplus.h"

enum {
    HEADER_BYTES = 16,
    BLOCK_BYTES = 65536,
    METHOD_PLAIN = 1,
    METHOD_ZLIB = 3,
    METHOD_ZLIB_FORK = 4,
    METHOD_PLAIN_INLINE = 9,
    TABLE_ENTRY_BYTES = 8,
};

// One block: a zlib stream, or as it is behind a byte that no such stream begins with.
static enum ov_status unpack_block(struct ov_hfs *hfs, struct ov_span packed,
                                   struct ov_buf *plain) {
    if (packed.size == 0) {
        return OV_DAMAGED;
    }
    if ((packed.data[0] & 0x0f) != 0x0f) {
        size_t used = 0;
        return ov_codec_unpack(OV_CODEC_ZLIB, packed, hfs->walk, plain, &used);
    }
    struct ov_span bytes = ov_span_from(packed, 1);
    size_t room = ov_walk_room(hfs->walk);
    size_t left = room > plain->size ? room - plain->size : 0;
    ov_buf_add(plain, bytes.data, bytes.size < left ? bytes.size : left);
    TRY(ov_buf_status(plain));
    if (bytes.size > left) {
        ov_walk_note_cut(hfs->walk);
        return OV_LIMIT;
    }
    return OV_OK;
}

// The blocks of the resource fork: their table is the fork's first resource, and offsets are
// counted from where it begins.
static enum ov_status unpack_blocks(struct ov_hfs *hfs, struct ov_span resource,
                                    struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(resource);
    uint32_t data_at = ov_cursor_u32be(&in);
    struct ov_span table = ov_span_from(resource, (uint64_t)data_at + 4);
    in = ov_cursor_init(table);
    uint64_t count = ov_cursor_count(&in, ov_cursor_u32le(&in), TABLE_ENTRY_BYTES);
    enum ov_status result = count > 0 ? OV_OK : OV_DAMAGED;
    for (uint64_t i = 0; i < count; i++) {
        TRY(ov_walk_has_time(hfs->walk));
        uint32_t at = ov_cursor_u32le(&in), size = ov_cursor_u32le(&in);
        if (plain->size > ov_walk_room(hfs->walk)) {
            ov_walk_note_cut(hfs->walk);
            return OV_LIMIT;
        }
        size_t start = plain->size;
        enum ov_status status = unpack_block(hfs, ov_span_part(table, at, size), plain);
        if (status == OV_MEMORY || status == OV_LIMIT) {
            return status;
        }
        if (status == OV_DAMAGED && i + 1 < count && plain->size - start < BLOCK_BYTES) {
            // Those that follow stand where they belong.
            if (ov_buf_extend(plain, BLOCK_BYTES - (plain->size - start)) == NULL) {
                return OV_MEMORY;
            }
        }
        result = status != OV_OK ? status : result;
    }
    return result;
}

enum ov_status ov_hfs_unpack(struct ov_hfs *hfs, struct ov_span attribute, struct ov_span resource,
                             struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(attribute);
    bool is_known = ov_cursor_u32le(&in) == 0x636d7066;
    uint32_t method = ov_cursor_u32le(&in);
    uint64_t size = ov_cursor_u64le(&in);
    struct ov_span bytes = ov_span_from(attribute, HEADER_BYTES);
    if (!is_known || in.has_failed) {
        return OV_DAMAGED;
    }
    switch (method) {
    case METHOD_PLAIN:
        ov_buf_add(plain, bytes.data, bytes.size);
        return ov_buf_status(plain);
    case METHOD_PLAIN_INLINE:
        bytes = ov_span_from(bytes, 1);
        ov_buf_add(plain, bytes.data, bytes.size);
        return ov_buf_status(plain);
    case METHOD_ZLIB:
        return size == 0 && bytes.size == 0 ? OV_OK : unpack_block(hfs, bytes, plain);
    case METHOD_ZLIB_FORK:
        return unpack_blocks(hfs, resource, plain);
    default:
        return OV_UNSUPPORTED;
    }
}
