// SPDX-License-Identifier: Apache-2.0
// ELF files packed by UPX: blocks with a header each, behind the program headers of the stub.
//
// The magics that UPX writes are not asked for, because malware overwrites them: the blocks begin
// at a fixed place and must make sense.
#include "base/cursor.h"
#include "format/codec/order.h"
#include "format/exe/upx.h"

enum {
    CLASS_AT = 4,
    ORDER_AT = 5,
    IS_64 = 2,
    IS_BIG = 2,
    INFO_BYTES = 24, // of loader and program, before the first block
    BLOCK_HEADER_BYTES = 12,
    SEGMENTS_MAX = 64,
    SEGMENT_LOAD = 1,
    BLOCK_BYTES_MAX = 1 << 28,
};

struct shape {
    bool is_64, is_big;
    uint64_t segments_at;
    uint32_t segment_bytes, segment_count;
};

static bool read_shape(struct ov_span file, struct shape *ret_shape) {
    struct ov_cursor in = ov_cursor_init(file);
    bool is_elf = ov_cursor_u32be(&in) == 0x7f454c46;
    struct shape shape = {.is_64 = ov_cursor_u8(&in) == IS_64};
    shape.is_big = ov_cursor_u8(&in) == IS_BIG;
    ov_cursor_seek(&in, shape.is_64 ? 32 : 28);
    shape.segments_at = ov_order_word(&in, shape.is_big, shape.is_64);
    ov_cursor_seek(&in, shape.is_64 ? 54 : 42);
    shape.segment_bytes = ov_order_u16(&in, shape.is_big);
    shape.segment_count = ov_order_u16(&in, shape.is_big);
    *ret_shape = shape;
    return is_elf && !in.has_failed && shape.segment_count > 0 &&
           shape.segment_count <= SEGMENTS_MAX && shape.segments_at < file.size;
}

struct block {
    struct ov_span packed;
    uint32_t plain_bytes;
    unsigned method, filter;
    uint8_t mark;
};

// Reads a block with its bytes; false at the last one, which is empty, and at what is no block.
static bool read_block(struct ov_cursor *in, bool is_big, struct block *ret_block) {
    struct block block = {.plain_bytes = ov_order_u32(in, is_big)};
    uint32_t packed_bytes = ov_order_u32(in, is_big);
    block.method = ov_cursor_u8(in);
    block.filter = ov_cursor_u8(in);
    block.mark = ov_cursor_u8(in);
    ov_cursor_skip(in, 1);
    bool is_known = block.method == OV_UPX_NRV2B || block.method == OV_UPX_NRV2D ||
                    block.method == OV_UPX_NRV2E || block.method == OV_UPX_LZMA;
    if (in->has_failed || block.plain_bytes == 0 || block.plain_bytes > BLOCK_BYTES_MAX ||
        packed_bytes == 0 || packed_bytes > block.plain_bytes ||
        (!is_known && packed_bytes != block.plain_bytes)) {
        return false;
    }
    size_t left = ov_cursor_left(in);
    block.packed = ov_cursor_bytes(in, packed_bytes < left ? packed_bytes : left);
    *ret_block = block;
    return true;
}

// Appends the plain bytes of a block.
static enum ov_status unpack_block(const struct block *block, struct ov_walk *walk,
                                   struct ov_buf *plain) {
    if (block->packed.size == block->plain_bytes) {
        size_t room = ov_walk_room(walk);
        if (plain->size > room || block->packed.size > room - plain->size) {
            ov_walk_note_cut(walk);
            return OV_LIMIT;
        }
        ov_buf_add(plain, block->packed.data, block->packed.size);
        return ov_buf_status(plain);
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf own = {0};
    struct ov_upx_run run = {
        .packed = block->packed, .method = block->method, .plain_bytes = block->plain_bytes};
    enum ov_status status = ov_upx_unpack(&run, walk, &own);
    if (status == OV_MEMORY || own.size > ov_walk_room(walk) - plain->size) {
        return status == OV_MEMORY ? status : OV_LIMIT;
    }
    ov_upx_unfilter(own.data, own.size, block->filter, block->mark, 0);
    ov_buf_add(plain, own.data, own.size);
    return status == OV_OK ? ov_buf_status(plain) : status;
}

// Copies the next bytes of the stream to [from, to) of the image.
static void place(struct ov_cursor *stream, struct ov_buf *image, uint64_t from, uint64_t to,
                  size_t room) {
    to = to < room ? to : room;
    size_t left = ov_cursor_left(stream);
    if (from >= to || left == 0) {
        return;
    }
    struct ov_span bytes = ov_cursor_bytes(stream, to - from < left ? to - from : left);
    if (from + bytes.size > image->size) {
        (void)ov_buf_extend(image, from + bytes.size - image->size);
    }
    if (!image->has_failed && image->data != NULL) {
        memcpy(image->data + from, bytes.data, bytes.size);
    }
}

// A run of the file that is loaded.
struct extent {
    uint64_t begin, end;
};

static uint32_t list_extents(struct ov_span headers, const struct shape *shape,
                             struct extent ret_extents[SEGMENTS_MAX]) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < shape->segment_count; i++) {
        struct ov_cursor in = ov_cursor_init(headers);
        ov_cursor_seek(&in, shape->segments_at + (uint64_t)i * shape->segment_bytes);
        uint32_t type = ov_order_u32(&in, shape->is_big);
        ov_cursor_skip(&in, shape->is_64 ? 4 : 0);
        uint64_t begin = ov_order_word(&in, shape->is_big, shape->is_64);
        ov_cursor_skip(&in, shape->is_64 ? 16 : 8);
        uint64_t bytes = ov_order_word(&in, shape->is_big, shape->is_64);
        uint64_t end;
        if (type == SEGMENT_LOAD && !in.has_failed && !__builtin_add_overflow(begin, bytes, &end)) {
            ret_extents[count++] = (struct extent){.begin = begin, .end = end};
        }
    }
    return count;
}

// The stream holds the headers, then what is loaded. Returns where the last of that ends.
static uint64_t rebuild(struct ov_span stream, struct ov_span headers, const struct shape *shape,
                        size_t room, struct ov_buf *image) {
    struct extent extents[SEGMENTS_MAX];
    uint32_t count = list_extents(headers, shape, extents);
    struct ov_cursor in = ov_cursor_init(stream);
    uint64_t end = headers.size;
    place(&in, image, 0, headers.size, room);
    for (uint32_t i = 0; i < count; i++) {
        bool has_headers = extents[i].begin < headers.size;
        place(&in, image, has_headers ? headers.size : extents[i].begin, extents[i].end, room);
        end = extents[i].end > end ? extents[i].end : end;
    }
    return end;
}

// What follows the loaded part of the original (section headers, symbols) is a block behind the
// stub; its place is not noted, but its size follows from that of the whole.
static enum ov_status add_tail(struct ov_cursor *in, const struct shape *shape, uint64_t end,
                               uint32_t whole_bytes, struct ov_walk *walk, struct ov_buf *image) {
    uint32_t tail_bytes = whole_bytes > end ? whole_bytes - (uint32_t)end : 0;
    if (tail_bytes == 0) {
        return OV_OK;
    }
    for (struct ov_cursor at = *in; ov_cursor_left(&at) > BLOCK_HEADER_BYTES;
         ov_cursor_skip(&at, 1)) {
        struct ov_cursor look = at;
        struct block block;
        if (ov_order_u32(&look, shape->is_big) != tail_bytes) {
            continue;
        }
        look = at;
        if (read_block(&look, shape->is_big, &block)) {
            OV_CLEANUP(ov_buf_release) struct ov_buf tail = {0};
            enum ov_status status = unpack_block(&block, walk, &tail);
            struct ov_cursor stream = ov_cursor_init(ov_buf_span(&tail));
            place(&stream, image, end, UINT64_MAX, ov_walk_room(walk));
            return status;
        }
    }
    return OV_OK;
}

// Reads the first block, which holds the headers of the original. False: not packed, or by other
// means.
static bool read_first(struct ov_cursor *in, const struct shape *shape, struct ov_walk *walk,
                       struct ov_buf *plain, uint32_t *ret_whole_bytes) {
    struct block block;
    ov_cursor_seek(in, shape->segments_at + (uint64_t)shape->segment_count * shape->segment_bytes);
    ov_cursor_skip(in, INFO_BYTES - 8);
    *ret_whole_bytes = ov_order_u32(in, shape->is_big);
    ov_cursor_skip(in, 4);
    return !in->has_failed && read_block(in, shape->is_big, &block) &&
           unpack_block(&block, walk, plain) == OV_OK;
}

enum ov_status ov_upx_walk_elf(struct ov_cursor *in, struct ov_walk *walk) {
    struct shape shape, original;
    uint32_t whole_bytes;
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    if (!read_shape(in->bytes, &shape) || !read_first(in, &shape, walk, &plain, &whole_bytes) ||
        !read_shape(ov_buf_span(&plain), &original)) {
        return OV_OK;
    }
    size_t header_bytes = plain.size;
    enum ov_status status = OV_OK;
    struct ov_cursor behind = *in; // the last block
    for (struct block block; status == OV_OK && read_block(in, shape.is_big, &block);
         behind = *in) {
        status = ov_walk_has_time(walk);
        status = status == OV_OK ? unpack_block(&block, walk, &plain) : status;
    }
    if (status == OV_MEMORY) {
        return status;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf image = {0};
    struct ov_span headers = ov_span_part(ov_buf_span(&plain), 0, header_bytes);
    uint64_t end = rebuild(ov_buf_span(&plain), headers, &original, ov_walk_room(walk), &image);
    if (status == OV_OK) {
        status = add_tail(&behind, &shape, end, whole_bytes, walk, &image);
    }
    TRY(ov_buf_status(&image));
    TRY(ov_walk_member(walk, ov_buf_span(&image), ov_span_make(NULL, 0), OV_FILETYPE_ELF));
    return status;
}
