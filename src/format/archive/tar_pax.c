// SPDX-License-Identifier: Apache-2.0
// pax records and sparse members.
#include "format/archive/tar_pax.h"

#include "format/codec/digits.h"

enum {
    ENTRY_FIELD_BYTES = 12,
    FIRST_MAP_AT = 386,
    FIRST_MAP_ENTRIES = 4,
    FIRST_MORE_AT = 482,
    REAL_SIZE_AT = 483,
    NEXT_MAP_ENTRIES = 21,
    NEXT_MORE_AT = 504,
};

// ---- records -----------------------------------------------------------------------------------

static void take_number(struct ov_span value, uint64_t *number) {
    uint64_t read = 0;
    if (ov_digits_read(value, 10, &read)) {
        *number = read;
    }
}

static void take_sparse(struct ov_span key, struct ov_span value, struct ov_tar_pax *pax) {
    uint64_t major = 0;
    pax->is_sparse = true;
    if (ov_span_is_text(key, "name")) {
        pax->path = value;
    } else if (ov_span_is_text(key, "realsize") || ov_span_is_text(key, "size")) {
        take_number(value, &pax->real_bytes);
    } else if (ov_span_is_text(key, "map")) {
        pax->map = value;
    } else if (ov_span_is_text(key, "offset") || ov_span_is_text(key, "numbytes")) {
        ov_buf_add(pax->map_records, value.data, value.size);
        ov_buf_add_u8(pax->map_records, ',');
    } else if (ov_span_is_text(key, "major")) {
        take_number(value, &major);
        pax->has_map_in_data = major == 1;
    }
}

static void take_record(struct ov_span key, struct ov_span value, struct ov_tar_pax *pax) {
    static const char sparse[] = "GNU.sparse.";
    if (ov_span_is_text(key, "path")) {
        pax->path = pax->is_sparse ? pax->path : value;
    } else if (ov_span_is_text(key, "size")) {
        pax->has_size = ov_digits_read(value, 10, &pax->size);
    } else if (ov_span_has_prefix(key, sparse)) {
        take_sparse(ov_span_from(key, sizeof sparse - 1), value, pax);
    }
}

enum ov_status ov_tar_pax_read(struct ov_span records, struct ov_tar_pax *pax) {
    struct ov_span rest = records;
    while (rest.size > 0 && rest.data[0] != 0) {
        uint64_t size = 0;
        size_t space = ov_span_find(rest, 0, ' ');
        if (!ov_digits_read(rest, 10, &size) || size <= space || size > rest.size) {
            return OV_DAMAGED;
        }
        struct ov_span record = ov_span_part(rest, space + 1, (size_t)size - space - 1);
        size_t equals = ov_span_find(record, 0, '=');
        struct ov_span value = ov_span_from(record, equals + 1);
        bool has_end = value.size > 0 && value.data[value.size - 1] == '\n';
        take_record(ov_span_part(record, 0, equals),
                    ov_span_part(value, 0, value.size - (has_end ? 1 : 0)), pax);
        rest = ov_span_from(rest, (size_t)size);
    }
    return ov_buf_status(pax->map_records);
}

// ---- sparse members ----------------------------------------------------------------------------

struct expansion {
    struct ov_walk *walk;
    struct ov_buf *plain;
    struct ov_span data; // not yet written
    size_t room;
};

// Zeros up to an offset; none when they would not fit, as nothing comes behind them.
static enum ov_status add_hole(struct expansion *out, uint64_t until) {
    if (until > out->room) {
        ov_walk_note_cut(out->walk);
        return OV_LIMIT;
    }
    size_t end = (size_t)until;
    if (end > out->plain->size && ov_buf_extend(out->plain, end - out->plain->size) == NULL) {
        return OV_MEMORY;
    }
    return OV_OK;
}

static enum ov_status add_piece(struct expansion *out, uint64_t offset, uint64_t size) {
    TRY(ov_walk_has_time(out->walk));
    TRY(add_hole(out, offset));
    size_t most = size < out->data.size ? (size_t)size : out->data.size;
    struct ov_span piece = ov_span_part(out->data, 0, most);
    out->data = ov_span_from(out->data, most);
    size_t left = out->room - out->plain->size;
    struct ov_span fits = ov_span_part(piece, 0, left);
    ov_buf_add(out->plain, fits.data, fits.size);
    TRY(ov_buf_status(out->plain));
    if (fits.size < piece.size) {
        ov_walk_note_cut(out->walk);
        return OV_LIMIT;
    }
    return most < size ? OV_DAMAGED : OV_OK;
}

static bool take_field(struct ov_cursor *map, uint8_t stop, uint64_t *ret_value) {
    return ov_cursor_left(map) > 0 && ov_digits_read(ov_cursor_until(map, stop), 10, ret_value);
}

static enum ov_status add_pieces(struct expansion *out, struct ov_cursor *map, uint8_t stop,
                                 uint64_t count) {
    uint64_t offset = 0, size = 0;
    for (uint64_t i = 0; i < count && ov_cursor_left(map) > 0; i++) {
        if (!take_field(map, stop, &offset) || !take_field(map, stop, &size)) {
            return OV_DAMAGED;
        }
        TRY(add_piece(out, offset, size));
    }
    return OV_OK;
}

// The map stands in the first blocks of the data, as lines.
static enum ov_status add_by_map_in_data(struct expansion *out) {
    struct ov_cursor map = ov_cursor_init(out->data), counting = map;
    uint64_t count = 0, ignored = 0;
    if (!take_field(&map, '\n', &count)) {
        return OV_DAMAGED;
    }
    counting = map;
    for (uint64_t i = 0; i < count; i++) {
        bool has_offset = take_field(&counting, '\n', &ignored);
        if (!take_field(&counting, '\n', &ignored) || !has_offset) {
            return OV_DAMAGED;
        }
    }
    size_t blocks = (counting.at + OV_TAR_BLOCK_BYTES - 1) / OV_TAR_BLOCK_BYTES;
    out->data = ov_span_from(out->data, blocks * OV_TAR_BLOCK_BYTES);
    return add_pieces(out, &map, '\n', count);
}

enum ov_status ov_tar_pax_expand(const struct ov_tar_pax *pax, struct ov_span data,
                                 struct ov_walk *walk, struct ov_buf *plain) {
    struct expansion out = {.walk = walk, .plain = plain, .data = data, .room = ov_walk_room(walk)};
    struct ov_span text = pax->map.size > 0 ? pax->map : ov_buf_span(pax->map_records);
    struct ov_cursor map = ov_cursor_init(text);
    enum ov_status status =
        pax->has_map_in_data ? add_by_map_in_data(&out) : add_pieces(&out, &map, ',', UINT64_MAX);
    return status == OV_OK ? add_hole(&out, pax->real_bytes) : status;
}

// One block's part of the map of an old sparse member; an entry without a size ends it.
static enum ov_status list_entries(struct ov_cursor map, unsigned count, struct ov_buf *list) {
    for (unsigned i = 0; i < count; i++) {
        struct ov_span where = ov_cursor_bytes(&map, ENTRY_FIELD_BYTES);
        struct ov_span size = ov_cursor_bytes(&map, ENTRY_FIELD_BYTES);
        if (map.has_failed || size.data[0] == 0) {
            break;
        }
        ov_buf_add(list, where.data, where.size);
        ov_buf_add(list, size.data, size.size);
    }
    return ov_buf_status(list);
}

static enum ov_status list_all_entries(const struct ov_tar_header *header, struct ov_cursor *in,
                                       struct ov_walk *walk, struct ov_buf *list) {
    struct ov_cursor map = ov_cursor_init(header->block);
    ov_cursor_seek(&map, FIRST_MAP_AT);
    TRY(list_entries(map, FIRST_MAP_ENTRIES, list));
    bool has_more = header->block.data[FIRST_MORE_AT] != 0;
    while (has_more && ov_cursor_left(in) >= OV_TAR_BLOCK_BYTES) {
        TRY(ov_walk_has_time(walk));
        struct ov_span block = ov_cursor_bytes(in, OV_TAR_BLOCK_BYTES);
        TRY(list_entries(ov_cursor_init(block), NEXT_MAP_ENTRIES, list));
        has_more = block.data[NEXT_MORE_AT] != 0;
    }
    return OV_OK;
}

enum ov_status ov_tar_gnu_expand(const struct ov_tar_header *header, struct ov_cursor *in,
                                 struct ov_walk *walk, struct ov_buf *plain) {
    OV_CLEANUP(ov_buf_release) struct ov_buf list = {0};
    TRY(list_all_entries(header, in, walk, &list));
    struct ov_span rest = ov_span_from(in->bytes, in->at);
    struct expansion out = {.walk = walk,
                            .plain = plain,
                            .data = ov_span_part(rest, 0, (size_t)header->size),
                            .room = ov_walk_room(walk)};
    struct ov_cursor map = ov_cursor_init(ov_buf_span(&list));
    while (ov_cursor_left(&map) > 0) {
        uint64_t offset = 0, size = 0;
        if (!ov_tar_number(ov_cursor_bytes(&map, ENTRY_FIELD_BYTES), &offset) ||
            !ov_tar_number(ov_cursor_bytes(&map, ENTRY_FIELD_BYTES), &size)) {
            return OV_DAMAGED;
        }
        TRY(add_piece(&out, offset, size));
    }
    uint64_t real_bytes = 0;
    (void)ov_tar_number(ov_span_part(header->block, REAL_SIZE_AT, ENTRY_FIELD_BYTES), &real_bytes);
    return add_hole(&out, real_bytes);
}
