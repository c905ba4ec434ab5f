// SPDX-License-Identifier: Apache-2.0
// Attributes of NTFS, and the streams that they tell of.
#include "format/codec/lz.h"
#include "format/archive/ntfs.h"
#include "format/codec/pieces.h"

enum {
    KIND_END = 0xffff, // of the low half
    ATTRIBUTE_BYTES_MIN = 16,
    UNIT_BITS_MAX = 8,
    UNIT_BYTES_MAX = 1 << 20,
    CHUNK_BYTES = 4096, // of LZNT1
    CHUNK_PACKED = 0x8000,
};

// ---- attributes --------------------------------------------------------------------------------

bool ov_ntfs_next(struct ov_cursor *in, struct ov_ntfs_attribute *ret_attribute) {
    struct ov_span rest = ov_span_from(in->bytes, in->at);
    struct ov_ntfs_attribute attribute = {.kind = ov_cursor_u32le(in)};
    uint32_t size = ov_cursor_u32le(in);
    if (in->has_failed || (attribute.kind & KIND_END) == KIND_END || size < ATTRIBUTE_BYTES_MIN) {
        return false;
    }
    ov_cursor_skip(in, size - 8);
    rest = ov_span_part(rest, 0, size);
    struct ov_cursor fields = ov_cursor_init(rest);
    ov_cursor_seek(&fields, 8);
    attribute.is_resident = ov_cursor_u8(&fields) == 0;
    uint32_t name_units = ov_cursor_u8(&fields), name_at = ov_cursor_u16le(&fields);
    attribute.flags = ov_cursor_u16le(&fields);
    attribute.name = ov_span_part(rest, name_at, (size_t)name_units * 2);
    ov_cursor_skip(&fields, 2); // number
    if (attribute.is_resident) {
        attribute.bytes = ov_cursor_u32le(&fields);
        uint16_t value_at = ov_cursor_u16le(&fields);
        attribute.value = ov_span_part(rest, value_at, attribute.bytes);
    } else {
        attribute.first = ov_cursor_u64le(&fields);
        ov_cursor_skip(&fields, 8); // the last cluster
        uint16_t runs_at = ov_cursor_u16le(&fields);
        attribute.unit_bits = ov_cursor_u16le(&fields);
        ov_cursor_seek(&fields, 48);
        attribute.bytes = ov_cursor_u64le(&fields);
        attribute.ready_bytes = ov_cursor_u64le(&fields);
        attribute.runs = ov_span_from(rest, runs_at);
    }
    *ret_attribute = attribute;
    return !fields.has_failed;
}

// A number of so many bytes, the lowest first; the highest has the sign.
static int64_t read_number(struct ov_cursor *in, unsigned size, bool is_signed) {
    uint64_t value = 0;
    uint8_t byte = 0;
    for (unsigned i = 0; i < size; i++) {
        byte = ov_cursor_u8(in);
        value |= i < 8 ? (uint64_t)byte << 8 * i : 0;
    }
    if (is_signed && (byte & 0x80) != 0 && size < 8) {
        value |= UINT64_MAX << 8 * size;
    }
    return (int64_t)value;
}

// Each run says how wide its two numbers are; places are counted from the last one.
void ov_ntfs_add_runs(struct ov_ntfs *ntfs, struct ov_span packed) {
    struct ov_cursor in = ov_cursor_init(packed);
    uint64_t cluster = 0;
    while (ntfs->run_count < OV_NTFS_RUNS_MAX) {
        uint8_t widths = ov_cursor_u8(&in);
        unsigned place_bytes = widths >> 4;
        uint64_t count = (uint64_t)read_number(&in, widths & 0xf, false);
        cluster += (uint64_t)read_number(&in, place_bytes, true);
        if (widths == 0 || in.has_failed || count == 0 || count > UINT32_MAX) {
            break;
        }
        ntfs->runs[ntfs->run_count++] =
            (struct ov_ntfs_run){.count = count, .cluster = cluster, .is_hole = place_bytes == 0};
        ntfs->run_clusters += count;
    }
    ntfs->is_damaged = ntfs->is_damaged || ntfs->run_count == OV_NTFS_RUNS_MAX;
}

static struct ov_span get_clusters(const struct ov_ntfs *ntfs, uint64_t cluster, uint64_t size) {
    uint64_t at;
    bool is_huge = __builtin_mul_overflow(cluster, ntfs->cluster_bytes, &at);
    return is_huge ? ov_span_make(NULL, 0) : ov_span_part(ntfs->volume, at, size);
}

// ---- streams as they are -----------------------------------------------------------------------

static enum ov_status read_plain(struct ov_ntfs *ntfs, const struct ov_ntfs_attribute *stream,
                                 struct ov_buf *whole, struct ov_span *ret_bytes) {
    struct ov_pieces pieces = ov_pieces_init(ntfs->walk, whole);
    uint64_t left = stream->bytes;
    uint64_t ready = stream->ready_bytes < left ? stream->ready_bytes : left;
    enum ov_status status = OV_OK;
    for (uint32_t i = 0; i < ntfs->run_count && left > 0 && status == OV_OK; i++) {
        const struct ov_ntfs_run *run = &ntfs->runs[i];
        TRY(ov_walk_has_time(ntfs->walk));
        uint64_t size = run->count * ntfs->cluster_bytes;
        size = size < left ? size : left;
        struct ov_span bytes = ov_span_make(NULL, 0);
        if (!run->is_hole) {
            bytes = get_clusters(ntfs, run->cluster, size < ready ? size : ready);
            bool is_short = bytes.size < size && bytes.size < ready;
            ntfs->is_damaged = ntfs->is_damaged || is_short;
            size = is_short ? bytes.size : size;
            left = is_short ? size : left; // behind the end of the volume: what follows as well
        }
        left -= size;
        ready -= size < ready ? size : ready;
        status = ov_pieces_add(&pieces, bytes, size);
    }
    if (status == OV_MEMORY) {
        return status;
    }
    ntfs->is_damaged = ntfs->is_damaged || (status == OV_OK && left > 0);
    *ret_bytes = ov_pieces_span(&pieces);
    return ov_walk_has_time(ntfs->walk);
}

// ---- compressed streams ------------------------------------------------------------------------

// One chunk of up to 4096 bytes: eight items behind each byte of flags, a byte or a copy. How many
// bits of a copy are its distance depends on how far back it may reach.
static bool unpack_chunk(struct ov_cursor *in, struct ov_window *window) {
    size_t start = ov_window_written(window);
    while (ov_cursor_left(in) > 0) {
        unsigned flags = ov_cursor_u8(in);
        for (unsigned i = 0; i < 8 && ov_cursor_left(in) > 0; i++, flags >>= 1) {
            size_t at = ov_window_written(window) - start;
            if (at >= CHUNK_BYTES) {
                return true;
            }
            if ((flags & 1) == 0) {
                if (!ov_window_put(window, ov_cursor_u8(in))) {
                    return false;
                }
                continue;
            }
            unsigned bits = 4;
            while (at > (size_t)1 << bits && bits < 12) {
                bits++;
            }
            unsigned item = ov_cursor_u16le(in);
            size_t distance = (item >> (16 - bits)) + 1u;
            size_t size = (item & (0xffffu >> bits)) + 3u;
            size = size < CHUNK_BYTES - at ? size : CHUNK_BYTES - at;
            if (distance > at || in->has_failed || !ov_window_copy(window, distance, size)) {
                return false;
            }
        }
    }
    return true;
}

// The chunks of a unit, which makes no more than its own bytes.
static enum ov_status unpack_unit(struct ov_ntfs *ntfs, struct ov_span packed, size_t unit_bytes,
                                  struct ov_buf *whole) {
    struct ov_cursor in = ov_cursor_init(packed);
    struct ov_window window;
    ov_window_init(&window, whole, ntfs->walk);
    bool is_sound = true;
    while (is_sound && ov_cursor_left(&in) >= 2 && ov_window_written(&window) < unit_bytes) {
        unsigned header = ov_cursor_u16le(&in);
        size_t size = (header & (CHUNK_BYTES - 1u)) + 1u;
        struct ov_span chunk = ov_span_part(ov_span_from(packed, in.at), 0, size);
        ov_cursor_skip(&in, chunk.size);
        struct ov_cursor bytes = ov_cursor_init(chunk);
        if (header == 0) {
            break;
        }
        if ((header & CHUNK_PACKED) != 0) {
            is_sound = unpack_chunk(&bytes, &window);
        }
        for (size_t i = 0; (header & CHUNK_PACKED) == 0 && is_sound && i < chunk.size; i++) {
            is_sound = ov_window_put(&window, chunk.data[i]);
        }
    }
    ov_window_finish(&window);
    return window.status != OV_OK ? window.status : is_sound ? OV_OK : OV_DAMAGED;
}

// Gathers the clusters of one unit from the runs. `ret_count` is how many it has: all of them when
// it is not compressed, none when it is zero.
struct place {
    uint32_t run;
    uint64_t inside;
};

static enum ov_status gather_unit(struct ov_ntfs *ntfs, struct place *place, uint64_t unit_clusters,
                                  struct ov_buf *packed, uint64_t *ret_count) {
    uint64_t left = unit_clusters, count = 0;
    ov_buf_reset(packed);
    while (left > 0 && place->run < ntfs->run_count) {
        const struct ov_ntfs_run *run = &ntfs->runs[place->run];
        uint64_t here = run->count - place->inside;
        here = here < left ? here : left;
        if (!run->is_hole) {
            struct ov_span bytes =
                get_clusters(ntfs, run->cluster + place->inside, here * ntfs->cluster_bytes);
            ov_buf_add(packed, bytes.data, bytes.size);
            TRY(ov_buf_status(packed));
            count += here;
        }
        left -= here;
        place->inside += here;
        if (place->inside == run->count) {
            *place = (struct place){.run = place->run + 1};
        }
    }
    *ret_count = count;
    return OV_OK;
}

static enum ov_status add_unit(struct ov_ntfs *ntfs, struct place *place, uint64_t clusters,
                               struct ov_buf *packed, struct ov_buf *whole) {
    size_t start = whole->size, unit_bytes = (size_t)clusters * ntfs->cluster_bytes;
    uint64_t count = 0;
    TRY(gather_unit(ntfs, place, clusters, packed, &count));
    enum ov_status status = OV_OK;
    if (count == clusters) {
        ov_buf_add(whole, packed->data, packed->size);
        status = ov_buf_status(whole);
    } else if (count > 0) {
        status = unpack_unit(ntfs, ov_buf_span(packed), unit_bytes, whole);
    }
    if (status == OV_MEMORY || status == OV_LIMIT) {
        return status;
    }
    ntfs->is_damaged = ntfs->is_damaged || status == OV_DAMAGED;
    whole->size = whole->size < start + unit_bytes ? whole->size : start + unit_bytes;
    size_t missing = start + unit_bytes - whole->size;
    return missing > 0 && ov_buf_extend(whole, missing) == NULL ? OV_MEMORY : OV_OK;
}

static enum ov_status read_packed(struct ov_ntfs *ntfs, const struct ov_ntfs_attribute *stream,
                                  struct ov_buf *whole, struct ov_span *ret_bytes) {
    OV_CLEANUP(ov_buf_release) struct ov_buf packed = {0};
    size_t room = ov_walk_room(ntfs->walk);
    uint64_t size = stream->bytes < room ? stream->bytes : room;
    struct place place = {0};
    enum ov_status status = OV_OK;
    ov_buf_reset(whole);
    if (size < stream->bytes) {
        ov_walk_note_cut(ntfs->walk);
    }
    while (whole->size < size && place.run < ntfs->run_count && status == OV_OK) {
        TRY(ov_walk_has_time(ntfs->walk));
        status = add_unit(ntfs, &place, (uint64_t)1 << stream->unit_bits, &packed, whole);
    }
    if (status == OV_MEMORY) {
        return status;
    }
    ntfs->is_damaged = ntfs->is_damaged || whole->size < size;
    *ret_bytes = ov_span_part(ov_buf_span(whole), 0, (size_t)size);
    return ov_walk_has_time(ntfs->walk);
}

enum ov_status ov_ntfs_read(struct ov_ntfs *ntfs, const struct ov_ntfs_attribute *stream,
                            struct ov_buf *whole, struct ov_span *ret_bytes) {
    if (stream->is_resident) {
        *ret_bytes = stream->value;
        return OV_OK;
    }
    bool is_packed = (stream->flags & OV_NTFS_COMPRESSED) != 0 && stream->unit_bits > 0 &&
                     stream->unit_bits <= UNIT_BITS_MAX &&
                     ntfs->cluster_bytes << stream->unit_bits <= UNIT_BYTES_MAX;
    return is_packed ? read_packed(ntfs, stream, whole, ret_bytes)
                     : read_plain(ntfs, stream, whole, ret_bytes);
}
