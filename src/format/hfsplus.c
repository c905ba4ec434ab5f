// SPDX-License-Identifier: Apache-2.0
// Volumes of HFS+ and HFSX: the files of the catalog, with both forks.
#include "format/archive/hfsplus.h"

#include "format/archive/disc.h"
#include "format/archive/disk.h"
#include "format/format.h"
#include "format/codec/utf16.h"

enum {
    VOLUME_HEADER_AT = 1024,
    VOLUME_HEADER_BYTES = 512,
    FORKS_AT = 112, // in the header: allocation, extents, catalog, attributes
    FORK_BYTES = 80,
    ID_EXTENTS = 3,
    ID_CATALOG = 4,
    ID_ATTRIBUTES = 8,
    RECORD_FOLDER = 1,
    RECORD_FILE = 2,
    FILE_ID_AT = 8,
    FILE_FORKS_AT = 88,
    ATTRIBUTE_INLINE = 0x10,
    DEPTH_MAX = 32,
    PATH_BYTES_MAX = 1024,
    ID_ROOT = 2,
};

// What is used up again and again while files are told.
struct telling {
    struct ov_disc seen; // files, by number
    struct ov_buf path, data, resource, plain;
};

// ---- names -------------------------------------------------------------------------------------

static struct ov_span read_name(struct ov_cursor *in) {
    uint16_t count = ov_cursor_u16be(in);
    return ov_cursor_bytes(in, (uint64_t)count * 2);
}

static const struct ov_hfs_item *find_folder(const struct ov_hfs *hfs, uint32_t id) {
    const struct ov_hfs_item *item = ov_hfs_index_find(&hfs->folders, id);
    while (item != NULL && item->id != id) {
        item = item->next;
    }
    return item;
}

static void add_path(const struct ov_hfs *hfs, uint32_t parent, struct ov_span name,
                     struct ov_buf *path) {
    const struct ov_hfs_item *above[DEPTH_MAX];
    unsigned depth = 0;
    const struct ov_hfs_item *folder = find_folder(hfs, parent);
    while (folder != NULL && folder->id != ID_ROOT && depth < DEPTH_MAX) {
        above[depth++] = folder;
        folder = find_folder(hfs, folder->parent);
    }
    ov_buf_reset(path);
    while (depth > 0) {
        ov_utf16_add_big(path, above[--depth]->name);
        ov_buf_add_u8(path, '/');
    }
    ov_utf16_add_big(path, name);
}

// ---- files -------------------------------------------------------------------------------------

static struct ov_span find_packing(const struct ov_hfs *hfs, uint32_t id) {
    const struct ov_hfs_item *item = ov_hfs_index_find(&hfs->attributes, id);
    while (item != NULL && item->id != id) {
        item = item->next;
    }
    return item != NULL ? item->record : ov_span_make(NULL, 0);
}

// Tells of a file whose content stands, packed, in an attribute or the resource fork. False: there
// is no such content.
static enum ov_status tell_packed(struct ov_hfs *hfs, struct telling *telling, uint32_t id,
                                  struct ov_span resource, bool *ret_is_packed) {
    struct ov_span attribute = find_packing(hfs, id);
    *ret_is_packed = attribute.size > 0;
    if (attribute.size == 0) {
        return OV_OK;
    }
    ov_buf_reset(&telling->plain);
    enum ov_status status = ov_hfs_unpack(hfs, attribute, resource, &telling->plain);
    if (status == OV_MEMORY) {
        return status;
    }
    hfs->is_damaged = hfs->is_damaged || status == OV_DAMAGED;
    hfs->is_unsupported = hfs->is_unsupported || status == OV_UNSUPPORTED;
    *ret_is_packed = status == OV_OK;
    if (status == OV_UNSUPPORTED) {
        return OV_OK;
    }
    return ov_walk_stored(hfs->walk, ov_buf_span(&telling->plain), ov_buf_span(&telling->path));
}

static enum ov_status tell_file(struct ov_hfs *hfs, struct telling *telling, uint32_t id,
                                struct ov_cursor *forks) {
    struct ov_hfs_fork data_fork = ov_hfs_read_fork(forks);
    struct ov_hfs_fork resource_fork = ov_hfs_read_fork(forks);
    struct ov_span data = ov_span_make(NULL, 0), resource = data;
    TRY(ov_hfs_fork_bytes(hfs, &data_fork, id, OV_HFS_FORK_DATA, &telling->data, &data));
    TRY(ov_hfs_fork_bytes(hfs, &resource_fork, id, OV_HFS_FORK_RESOURCE, &telling->resource,
                          &resource));
    bool is_packed = false;
    TRY(tell_packed(hfs, telling, id, resource, &is_packed));
    if (data.size > 0 || (!is_packed && resource.size == 0)) {
        TRY(ov_walk_stored(hfs->walk, data, ov_buf_span(&telling->path)));
    }
    if (resource.size > 0 && !is_packed) {
        ov_buf_add_text(&telling->path, "/..namedfork/rsrc");
        TRY(ov_buf_status(&telling->path));
        TRY(ov_walk_stored(hfs->walk, resource, ov_buf_span(&telling->path)));
    }
    return OV_OK;
}

static enum ov_status visit_file(struct ov_hfs *hfs, void *arg, struct ov_span key,
                                 struct ov_span record) {
    struct telling *telling = arg;
    struct ov_cursor in = ov_cursor_init(record), name_in = ov_cursor_init(key);
    if (ov_cursor_u16be(&in) != RECORD_FILE) {
        return OV_OK;
    }
    ov_cursor_seek(&in, FILE_ID_AT);
    uint32_t id = ov_cursor_u32be(&in);
    ov_cursor_seek(&in, FILE_FORKS_AT);
    uint32_t parent = ov_cursor_u32be(&name_in);
    struct ov_span name = read_name(&name_in);
    struct ov_cursor extent = in; // the same file may stand in nodes that are no longer used
    ov_cursor_skip(&extent, 16);
    if (!ov_disc_is_new(&telling->seen, id, ov_cursor_u64be(&extent))) {
        return OV_OK;
    }
    hfs->is_damaged = hfs->is_damaged || ov_cursor_left(&in) < (size_t)2 * FORK_BYTES;
    add_path(hfs, parent, name, &telling->path);
    TRY(ov_buf_status(&telling->path));
    telling->path.size = telling->path.size < PATH_BYTES_MAX ? telling->path.size : PATH_BYTES_MAX;
    return tell_file(hfs, telling, id, &in);
}

// ---- what is looked up -------------------------------------------------------------------------

static enum ov_status visit_folder(struct ov_hfs *hfs, void *arg, struct ov_span key,
                                   struct ov_span record) {
    (void)arg;
    struct ov_cursor in = ov_cursor_init(record), name_in = ov_cursor_init(key);
    if (ov_cursor_u16be(&in) != RECORD_FOLDER) {
        return OV_OK;
    }
    ov_cursor_seek(&in, FILE_ID_AT);
    struct ov_hfs_item item = {.id = ov_cursor_u32be(&in), .parent = ov_cursor_u32be(&name_in)};
    item.name = read_name(&name_in);
    return ov_hfs_index_add(hfs, &hfs->folders, item);
}

static enum ov_status visit_extents(struct ov_hfs *hfs, void *arg, struct ov_span key,
                                    struct ov_span record) {
    (void)arg;
    struct ov_cursor in = ov_cursor_init(key);
    struct ov_hfs_item item = {.record = record, .fork = ov_cursor_u8(&in)};
    ov_cursor_skip(&in, 1);
    item.id = ov_cursor_u32be(&in);
    item.parent = ov_cursor_u32be(&in);
    return ov_hfs_index_add(hfs, &hfs->extents, item);
}

// Of the attributes only those that say how a file is packed.
static enum ov_status visit_attribute(struct ov_hfs *hfs, void *arg, struct ov_span key,
                                      struct ov_span record) {
    (void)arg;
    static const char wanted[] = "\0c\0o\0m\0.\0a\0p\0p\0l\0e\0.\0d\0e\0c\0m\0p\0f\0s";
    struct ov_cursor in = ov_cursor_init(key), value = ov_cursor_init(record);
    ov_cursor_skip(&in, 2);
    struct ov_hfs_item item = {.id = ov_cursor_u32be(&in)};
    ov_cursor_skip(&in, 4); // first block
    struct ov_span name = read_name(&in);
    bool is_inline = ov_cursor_u32be(&value) == ATTRIBUTE_INLINE;
    ov_cursor_skip(&value, 8);
    uint32_t size = ov_cursor_u32be(&value);
    item.record = ov_span_part(ov_span_from(record, value.at), 0, size);
    if (!is_inline || !ov_span_is_equal(name, ov_span_make(wanted, sizeof wanted - 1))) {
        return OV_OK;
    }
    return ov_hfs_index_add(hfs, &hfs->attributes, item);
}

// ---- the volume --------------------------------------------------------------------------------

struct trees {
    struct ov_buf bytes[3];
};

static enum ov_status walk_catalog(struct ov_hfs *hfs, struct ov_span catalog) {
    struct telling telling = {0};
    TRY(ov_hfs_visit(hfs, catalog, visit_folder, NULL));
    TRY(ov_disc_init(&telling.seen, hfs->volume, OV_DISC_SECTOR_BYTES, hfs->walk));
    enum ov_status status = ov_hfs_visit(hfs, catalog, visit_file, &telling);
    ov_buf_release(&telling.path);
    ov_buf_release(&telling.data);
    ov_buf_release(&telling.resource);
    ov_buf_release(&telling.plain);
    return status;
}

// The extents first: the other trees may lie in more pieces than the header has room for.
static enum ov_status walk_trees(struct ov_hfs *hfs, struct ov_cursor *forks, struct trees *trees) {
    struct ov_hfs_fork extents = ov_hfs_read_fork(forks);
    struct ov_hfs_fork catalog = ov_hfs_read_fork(forks);
    struct ov_hfs_fork attributes = ov_hfs_read_fork(forks);
    struct ov_span bytes = ov_span_make(NULL, 0);
    TRY(ov_hfs_fork_bytes(hfs, &extents, ID_EXTENTS, OV_HFS_FORK_DATA, &trees->bytes[0], &bytes));
    if (bytes.size > 0) {
        TRY(ov_hfs_visit(hfs, bytes, visit_extents, NULL));
    }
    bytes = ov_span_make(NULL, 0);
    TRY(ov_hfs_fork_bytes(hfs, &attributes, ID_ATTRIBUTES, OV_HFS_FORK_DATA, &trees->bytes[1],
                          &bytes));
    if (bytes.size > 0) {
        TRY(ov_hfs_visit(hfs, bytes, visit_attribute, NULL));
    }
    bytes = ov_span_make(NULL, 0);
    TRY(ov_hfs_fork_bytes(hfs, &catalog, ID_CATALOG, OV_HFS_FORK_DATA, &trees->bytes[2], &bytes));
    return walk_catalog(hfs, bytes);
}

static enum ov_status walk_volume(struct ov_span volume, struct ov_walk *walk) {
    struct ov_hfs hfs = {.walk = walk, .volume = volume};
    struct ov_cursor in =
        ov_cursor_init(ov_span_part(volume, VOLUME_HEADER_AT, VOLUME_HEADER_BYTES));
    ov_cursor_seek(&in, 40);
    hfs.block_bytes = ov_cursor_u32be(&in);
    ov_cursor_seek(&in, FORKS_AT + FORK_BYTES);
    if (in.has_failed || hfs.block_bytes < 512 || hfs.block_bytes > 1 << 20) {
        return OV_DAMAGED;
    }
    struct trees trees = {0};
    enum ov_status status = walk_trees(&hfs, &in, &trees);
    for (size_t i = 0; i < OV_COUNT(trees.bytes); i++) {
        ov_buf_release(&trees.bytes[i]);
    }
    TRY(status);
    return hfs.is_damaged ? OV_DAMAGED : hfs.is_unsupported ? OV_UNSUPPORTED : OV_OK;
}

// A volume of HFS may do nothing but hold one of HFS+ ("HFS Wrapper").
static struct ov_span find_wrapped(struct ov_span object) {
    struct ov_cursor in = ov_cursor_init(ov_span_from(object, VOLUME_HEADER_AT));
    bool is_hfs = ov_cursor_u16be(&in) == 0x4244;
    ov_cursor_seek(&in, 20);
    uint64_t block_bytes = ov_cursor_u32be(&in);
    ov_cursor_seek(&in, 28);
    uint64_t first_at = (uint64_t)ov_cursor_u16be(&in) * OV_DISK_SECTOR_BYTES;
    ov_cursor_seek(&in, 124);
    bool is_wrapper = ov_cursor_u16be(&in) == 0x482b;
    uint64_t block = ov_cursor_u16be(&in), count = ov_cursor_u16be(&in);
    struct ov_span inner =
        ov_span_part(object, first_at + block * block_bytes, count * block_bytes);
    return is_hfs && is_wrapper && !in.has_failed ? inner : ov_span_make(NULL, 0);
}

static enum ov_status walk_hfsplus(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_span wrapped = find_wrapped(in->bytes);
    return walk_volume(wrapped.size > 0 ? wrapped : in->bytes, walk);
}

static bool is_volume(struct ov_span object) {
    return ov_disk_type(object) != OV_FILETYPE_NONE || find_wrapped(object).size > 0;
}

// clamscan looks at volumes in partitions alone, where the table tells the type.
static const struct ov_magic magics[] = {
    OV_MAGIC(VOLUME_HEADER_AT, "H+\0\4"),
    OV_MAGIC(VOLUME_HEADER_AT, "HX\0\5"),
    OV_MAGIC(VOLUME_HEADER_AT, "BD"),
};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_PART_HFSPLUS,
     OV_MAGICS(magics),
     .is_sure = is_volume,
     .walk = walk_hfsplus,
     .is_beside = true},
};

OV_FORMAT_SET(hfsplus, formats);
