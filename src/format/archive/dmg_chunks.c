// SPDX-License-Identifier: Apache-2.0
// Chunks of Apple disk images: a table of them makes one partition.
#include "format/codec/codec.h"
#include "format/archive/disk.h"
#include "format/archive/dmg.h"
#include "format/codec/lz.h"

#include <stdlib.h>

enum {
    TABLE_HEADER_BYTES = 204,
    CHUNK_BYTES = 40,
    DATA_AT = 24,
    COUNT_AT = 200,
};

enum kind {
    KIND_ZERO = 0,
    KIND_PLAIN = 1,
    KIND_IGNORED = 2, // nobody wrote there
    KIND_COMMENT = 0x7ffffffe,
};

static const uint32_t kind_adc = 0x80000004, kind_zlib = 0x80000005, kind_bzip2 = 0x80000006,
                      kind_xz = 0x80000008, kind_end = 0xffffffff;

struct chunk {
    uint32_t kind;
    uint64_t at, size; // in the partition, in bytes
    struct ov_span packed;
};

// ---- one chunk ---------------------------------------------------------------------------------

// A byte says what follows: up to 128 bytes as they are, or a copy, from up to 1 KB or 64 KB back.
enum ov_status ov_adc_unpack(struct ov_walk *walk, struct ov_span packed, struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(packed);
    struct ov_window window;
    ov_window_init(&window, plain, walk);
    bool is_sound = true;
    while (is_sound && ov_cursor_left(&in) > 0) {
        uint8_t code = ov_cursor_u8(&in);
        size_t size = (code & 0x7f) + 1u, distance = 0;
        if ((code & 0x80) != 0) {
            struct ov_span bytes = ov_cursor_bytes(&in, size);
            for (size_t i = 0; i < bytes.size; i++) {
                is_sound = ov_window_put(&window, bytes.data[i]) && is_sound;
            }
        } else if ((code & 0x40) != 0) {
            size = (code & 0x3f) + 4u;
            distance = ov_cursor_u16be(&in) + 1u;
        } else {
            size = (code >> 2) + 3u;
            distance = ((code & 3u) << 8 | ov_cursor_u8(&in)) + 1u;
        }
        is_sound = is_sound && !in.has_failed && distance <= ov_window_written(&window);
        is_sound = is_sound && (distance == 0 || ov_window_copy(&window, distance, size));
    }
    ov_window_finish(&window);
    return window.status != OV_OK ? window.status : is_sound ? OV_OK : OV_DAMAGED;
}

static enum ov_status unpack_packed(struct ov_walk *walk, const struct chunk *chunk,
                                    struct ov_buf *plain) {
    size_t used = 0;
    if (chunk->kind == kind_adc) {
        return ov_adc_unpack(walk, chunk->packed, plain);
    }
    if (chunk->kind == kind_zlib) {
        return ov_codec_unpack(OV_CODEC_ZLIB, chunk->packed, walk, plain, &used);
    }
    if (chunk->kind == kind_bzip2) {
        return ov_codec_unpack(OV_CODEC_BZIP2, chunk->packed, walk, plain, &used);
    }
    if (chunk->kind == kind_xz) {
        return ov_codec_unpack(OV_CODEC_XZ, chunk->packed, walk, plain, &used);
    }
    return OV_UNSUPPORTED;
}

// Appends the bytes of a chunk, no more than it stands for.
static enum ov_status add_chunk(struct ov_walk *walk, const struct chunk *chunk,
                                struct ov_buf *plain) {
    enum ov_status status = OV_OK;
    size_t start = plain->size;
    if (chunk->kind == KIND_PLAIN) {
        struct ov_span bytes = ov_span_part(chunk->packed, 0, chunk->size);
        size_t room = ov_walk_room(walk);
        size_t left = room > start ? room - start : 0;
        ov_buf_add(plain, bytes.data, bytes.size < left ? bytes.size : left);
        status = bytes.size < chunk->size ? OV_DAMAGED : OV_OK;
        TRY(ov_buf_status(plain));
    } else if (chunk->kind != KIND_ZERO && chunk->kind != KIND_IGNORED) {
        status = unpack_packed(walk, chunk, plain);
        if (plain->size - start > chunk->size) {
            plain->size = start + (size_t)chunk->size;
            status = status == OV_LIMIT ? OV_OK : status;
        }
    }
    return status;
}

// ---- a partition -------------------------------------------------------------------------------

// Fills up to a place with zeros. OV_LIMIT: it lies behind what fits.
static enum ov_status fill(struct ov_walk *walk, uint64_t end, struct ov_buf *plain) {
    size_t room = ov_walk_room(walk);
    bool is_cut = end > room;
    size_t wanted = is_cut ? room : (size_t)end;
    if (wanted > plain->size && ov_buf_extend(plain, wanted - plain->size) == NULL) {
        return OV_MEMORY;
    }
    if (is_cut) {
        ov_walk_note_cut(walk);
        plain->size = plain->size < room ? plain->size : room;
    }
    return is_cut ? OV_LIMIT : OV_OK;
}

static enum ov_status add_chunks(struct ov_walk *walk, const struct chunk *chunks, size_t count,
                                 struct ov_buf *plain) {
    enum ov_status result = OV_OK;
    for (size_t i = 0; i < count; i++) {
        const struct chunk *chunk = &chunks[i];
        TRY(ov_walk_has_time(walk));
        TRY(fill(walk, chunk->at, plain));
        plain->size = (size_t)chunk->at; // where chunks overlap the later one counts
        enum ov_status status = add_chunk(walk, chunk, plain);
        if (status == OV_MEMORY) {
            return status;
        }
        result = status != OV_OK ? status : result;
        TRY(fill(walk, chunk->at + chunk->size, plain));
    }
    return result == OV_LIMIT ? OV_OK : result;
}

static int compare_chunks(const void *left, const void *right) {
    const struct chunk *a = left, *b = right;
    return (a->at > b->at) - (a->at < b->at);
}

// Reads a chunk of the table. False when it stands for nothing.
static bool read_chunk(struct ov_cursor *in, struct ov_span data, struct chunk *ret_chunk) {
    struct chunk chunk = {.kind = ov_cursor_u32be(in)};
    ov_cursor_skip(in, 4); // comment
    uint64_t first = ov_cursor_u64be(in), count = ov_cursor_u64be(in);
    uint64_t packed_at = ov_cursor_u64be(in), packed_bytes = ov_cursor_u64be(in);
    uint64_t end;
    bool is_huge = __builtin_add_overflow(first, count, &end) || end > UINT64_MAX / 1024;
    if (chunk.kind == KIND_COMMENT || chunk.kind == kind_end || count == 0 || is_huge) {
        return false;
    }
    chunk.at = first * OV_DISK_SECTOR_BYTES;
    chunk.size = count * OV_DISK_SECTOR_BYTES;
    chunk.packed = ov_span_part(data, packed_at, packed_bytes);
    *ret_chunk = chunk;
    return true;
}

enum ov_status ov_dmg_unpack(struct ov_walk *walk, struct ov_span data, struct ov_span table,
                             struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(table);
    ov_cursor_seek(&in, DATA_AT);
    struct ov_span own = ov_span_from(data, ov_cursor_u64be(&in));
    ov_cursor_seek(&in, COUNT_AT);
    uint64_t stated = ov_cursor_u32be(&in);
    uint64_t fits = ov_cursor_left(&in) / CHUNK_BYTES;
    size_t most = (size_t)(stated < fits ? stated : fits), count = 0;
    if (!ov_span_has_prefix(table, "mish") || in.has_failed) {
        return OV_DAMAGED;
    }
    struct chunk *chunks = ov_arena_array(walk->arena, most, sizeof *chunks);
    if (chunks == NULL && most > 0) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < most; i++) {
        count += read_chunk(&in, own, &chunks[count]);
    }
    if (count > 0) {
        qsort(chunks, count, sizeof *chunks, compare_chunks);
    }
    enum ov_status status = add_chunks(walk, chunks, count, plain);
    return status == OV_OK && most < stated ? OV_DAMAGED : status;
}
