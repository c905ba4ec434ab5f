// SPDX-License-Identifier: Apache-2.0
// Directories and files of ISO 9660.
#include "format/archive/folders.h"
#include "format/archive/iso9660.h"
#include "format/codec/utf16.h"

enum {
    RECORD_BYTES = 33,
    IS_DIRECTORY = 2,
    HAS_MORE = 0x80, // extents
};

// A directory record (ECMA-119, 9.1). Numbers stand there in both byte orders.
struct record {
    uint64_t extents[2]; // of the little and the big number: mostly the same
    uint64_t size;
    uint8_t flags, extended_blocks;
    struct ov_span name;
    struct ov_span system; // what Rock Ridge adds
};

struct tree {
    struct ov_iso *iso;
    struct ov_folders folders;
};

static bool read_record(struct ov_cursor *in, struct record *ret_record) {
    uint8_t size = ov_cursor_u8(in);
    struct ov_cursor fields = ov_cursor_init(ov_cursor_bytes(in, size > 0 ? size - 1u : 0));
    struct record record = {.extended_blocks = ov_cursor_u8(&fields)};
    record.extents[0] = ov_cursor_u32le(&fields);
    record.extents[1] = ov_cursor_u32be(&fields);
    record.size = ov_cursor_u32le(&fields);
    ov_cursor_skip(&fields, 11);
    record.flags = ov_cursor_u8(&fields);
    ov_cursor_skip(&fields, 6);
    uint8_t name_bytes = ov_cursor_u8(&fields);
    record.name = ov_cursor_bytes(&fields, name_bytes);
    ov_cursor_skip(&fields, name_bytes % 2 == 0 && ov_cursor_left(&fields) > 0 ? 1 : 0);
    record.system = ov_span_from(fields.bytes, fields.at);
    *ret_record = record;
    return size > RECORD_BYTES && !fields.has_failed && !in->has_failed;
}

// ---- names -------------------------------------------------------------------------------------

// The name that Rock Ridge gives, in one field or more of a record ("NM"). False: it gives none.
static bool add_long_name(struct ov_buf *path, struct ov_span system) {
    bool has_name = false;
    struct ov_cursor in = ov_cursor_init(system);
    while (ov_cursor_left(&in) >= 4) {
        struct ov_span mark = ov_cursor_bytes(&in, 2);
        uint8_t size = ov_cursor_u8(&in);
        ov_cursor_skip(&in, 1);
        struct ov_span field = ov_cursor_bytes(&in, size >= 4 ? size - 4u : 0);
        if (size < 4 || in.has_failed) {
            break;
        }
        if (ov_span_has_prefix(mark, "NM") && field.size > 0) {
            struct ov_span text = ov_span_from(field, 1); // behind its flags
            ov_buf_add(path, text.data, text.size);
            has_name = has_name || text.size > 0;
        }
    }
    return has_name;
}

static struct ov_span cut_version(struct ov_span name) {
    size_t end = ov_span_find(name, 0, ';');
    end = end > 0 && name.size > 0 && end == name.size - 2 ? end : name.size;
    return ov_span_part(name, 0, end);
}

// The path of a record in a directory.
static struct ov_span make_path(struct ov_iso *iso, struct ov_span directory,
                                const struct record *record) {
    ov_buf_reset(&iso->name);
    ov_buf_add(&iso->name, directory.data, directory.size);
    if (iso->is_joliet) {
        size_t start = iso->name.size;
        ov_utf16_add_big(&iso->name, record->name);
        struct ov_span name = cut_version(ov_span_from(ov_buf_span(&iso->name), start));
        return ov_span_part(ov_buf_span(&iso->name), 0, start + name.size);
    }
    if (!add_long_name(&iso->name, record->system)) {
        struct ov_span name = cut_version(record->name);
        ov_buf_add(&iso->name, name.data, name.size);
    }
    return ov_buf_span(&iso->name);
}

// ---- files and directories ---------------------------------------------------------------------

static uint64_t get_place(const struct ov_iso *iso, const struct record *record, unsigned order) {
    return (record->extents[order] + record->extended_blocks) * iso->block_bytes;
}

// Remembers a directory for later, unless it was there before: then the tree has a loop.
static enum ov_status add_directory(struct tree *tree, const struct record *record,
                                    struct ov_span path) {
    struct ov_iso *iso = tree->iso;
    for (unsigned order = 0; order < 2; order++) {
        uint64_t at = get_place(iso, record, order);
        // A size that no file has: a file may begin at the same place.
        if (ov_disc_is_new(&iso->disc, at, UINT64_MAX)) {
            struct ov_folder folder = {.path = path, .at = at, .size = record->size};
            TRY(ov_folders_add(&tree->folders, iso->disc.walk, folder));
        }
    }
    return OV_OK;
}

// A file in several extents, of which the records follow one another.
static enum ov_status add_extent(struct ov_iso *iso, struct ov_span bytes) {
    size_t room = ov_walk_room(iso->disc.walk);
    size_t left = room > iso->whole.size ? room - iso->whole.size : 0;
    if (bytes.size > left) {
        ov_walk_note_cut(iso->disc.walk);
    }
    bytes = ov_span_part(bytes, 0, left);
    ov_buf_add(&iso->whole, bytes.data, bytes.size);
    return ov_buf_status(&iso->whole);
}

static enum ov_status tell_file(struct ov_iso *iso, const struct record *record,
                                struct ov_span path) {
    for (unsigned order = 0; order < 2; order++) {
        uint64_t at = get_place(iso, record, order);
        bool is_part = (record->flags & HAS_MORE) != 0 || iso->whole.size > 0;
        if ((order == 1 && (is_part || record->extents[0] == record->extents[1])) ||
            (!is_part && !ov_disc_is_new(&iso->disc, at, record->size))) {
            continue;
        }
        struct ov_span bytes = ov_disc_read(&iso->disc, at, record->size, &iso->copy);
        iso->is_damaged = iso->is_damaged || bytes.size < record->size;
        if (is_part) {
            TRY(add_extent(iso, bytes));
            bytes = ov_buf_span(&iso->whole);
        }
        if ((record->flags & HAS_MORE) == 0) {
            enum ov_status status = ov_walk_stored(iso->disc.walk, bytes, path);
            ov_buf_reset(&iso->whole);
            TRY(status);
        }
    }
    return OV_OK;
}

static enum ov_status take_record(struct tree *tree, const struct ov_folder *directory,
                                  const struct record *record) {
    bool is_itself = record->name.size == 1 && record->name.data[0] <= 1; // or the one above
    if (is_itself) {
        return OV_OK;
    }
    struct ov_span path = make_path(tree->iso, directory->path, record);
    TRY(ov_buf_status(&tree->iso->name));
    if ((record->flags & IS_DIRECTORY) == 0) {
        return tell_file(tree->iso, record, path);
    }
    // The slash goes behind the name; what was cut off the path is a version.
    tree->iso->name.size = path.size;
    ov_buf_add_u8(&tree->iso->name, '/');
    return add_directory(tree, record, ov_buf_span(&tree->iso->name));
}

// No record crosses the end of a sector; a zero says that the rest of it is empty.
static enum ov_status walk_directory(struct tree *tree, const struct ov_folder *directory) {
    struct ov_iso *iso = tree->iso;
    struct ov_span bytes = ov_disc_read(&iso->disc, directory->at, directory->size, &iso->listing);
    struct ov_cursor in = ov_cursor_init(bytes);
    ov_buf_reset(&iso->whole);
    while (ov_cursor_left(&in) > 0) {
        TRY(ov_walk_has_time(iso->disc.walk));
        if (in.bytes.data[in.at] == 0) {
            size_t skipped = OV_DISC_SECTOR_BYTES - in.at % OV_DISC_SECTOR_BYTES;
            ov_cursor_skip(&in, skipped);
            continue;
        }
        struct record record;
        if (!read_record(&in, &record)) {
            iso->is_damaged = true;
            break;
        }
        TRY(take_record(tree, directory, &record));
    }
    return OV_OK;
}

enum ov_status ov_iso_walk_tree(struct ov_iso *iso, struct ov_span root) {
    struct tree tree = {.iso = iso};
    struct ov_cursor in = ov_cursor_init(root);
    struct record record;
    if (!read_record(&in, &record)) {
        iso->is_damaged = true;
        return OV_OK;
    }
    TRY(add_directory(&tree, &record, ov_span_make("", 0)));
    for (const struct ov_folder *at = tree.folders.first; at != NULL; at = at->next) {
        TRY(walk_directory(&tree, at));
    }
    return OV_OK;
}
