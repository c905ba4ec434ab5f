// SPDX-License-Identifier: Apache-2.0
// Directories and files of UDF.
#include "format/archive/folders.h"
#include "format/codec/pieces.h"
#include "format/archive/udf.h"
#include "format/codec/utf16.h"

enum {
    FLAGS_AT = 34,
    KIND_AT = 27,
    SIZE_AT = 56,
    FILE_FIELDS_AT = 168, // sizes of attributes and of descriptors of extents
    LARGE_FILE_FIELDS_AT = 208,
    KIND_DIRECTORY = 4,
    EXTENTS_SHORT = 0,
    EXTENTS_LONG = 1,
    EXTENTS_LONGEST = 2,
    IS_INSIDE = 3, // the data stand in the entry itself
    EXTENT_RECORDED = 0,
    EXTENT_MORE = 3, // descriptors
    NAME_HEADER_BYTES = 38,
    IS_DELETED = 4,
    IS_PARENT = 8,
    BLOCKS_OF_EXTENTS_MAX = 1 << 16,
};

// ---- the content of a file ---------------------------------------------------------------------

struct content {
    struct ov_udf *udf;
    uint16_t map;
    unsigned kind; // of the descriptors of extents
    uint64_t left; // of the file's size
    struct ov_pieces pieces;
    struct ov_udf_place more;
};

static struct ov_udf_place read_extent(struct content *content, struct ov_cursor *in) {
    struct ov_udf_place place = {.map = content->map};
    switch (content->kind) {
    case EXTENTS_SHORT:
        place.bytes = ov_cursor_u32le(in);
        place.block = ov_cursor_u32le(in);
        return place;
    case EXTENTS_LONG:
        return ov_udf_read_place(in);
    default: // two more sizes
        place.bytes = ov_cursor_u32le(in);
        ov_cursor_skip(in, 8);
        place.block = ov_cursor_u32le(in);
        place.map = ov_cursor_u16le(in);
        ov_cursor_skip(in, 2);
        return place;
    }
}

// The extents of one list; it may end with where the next list is.
static enum ov_status add_extents(struct content *content, struct ov_span list) {
    struct ov_cursor in = ov_cursor_init(list);
    while (content->left > 0 && ov_cursor_left(&in) >= 8) {
        TRY(ov_walk_has_time(content->udf->disc.walk));
        struct ov_udf_place place = read_extent(content, &in);
        unsigned state = place.bytes >> 30;
        uint64_t size = place.bytes & 0x3fffffff;
        if (size == 0 || in.has_failed) {
            return OV_OK;
        }
        if (state == EXTENT_MORE) {
            content->more = place;
            return OV_OK;
        }
        size = size < content->left ? size : content->left;
        struct ov_span bytes = ov_span_make(NULL, 0);
        if (state == EXTENT_RECORDED) {
            bytes = ov_udf_bytes(content->udf, place, size);
            content->udf->is_damaged = content->udf->is_damaged || bytes.size < size;
            size = bytes.size;
        }
        content->left -= size;
        TRY(ov_pieces_add(&content->pieces, bytes, size));
    }
    return OV_OK;
}

static enum ov_status add_all_extents(struct content *content, struct ov_span list) {
    TRY(add_extents(content, list));
    for (unsigned i = 0; content->more.bytes != 0 && i < BLOCKS_OF_EXTENTS_MAX; i++) {
        struct ov_span block =
            ov_udf_bytes(content->udf, content->more, content->more.bytes & 0x3fffffff);
        content->more.bytes = 0;
        if (ov_udf_tag(block) != OV_UDF_TAG_MORE_EXTENTS) {
            return OV_DAMAGED;
        }
        struct ov_cursor in = ov_cursor_init(block);
        ov_cursor_seek(&in, 20);
        uint32_t size = ov_cursor_u32le(&in);
        TRY(add_extents(content, ov_span_part(block, 24, size)));
    }
    return content->left == 0 ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_udf_read_file(struct ov_udf *udf, struct ov_span entry, uint16_t map,
                                struct ov_buf *whole, struct ov_span *ret_bytes) {
    uint16_t tag = ov_udf_tag(entry);
    if (tag != OV_UDF_TAG_FILE && tag != OV_UDF_TAG_LARGE_FILE) {
        return OV_DAMAGED;
    }
    struct ov_cursor in = ov_cursor_init(entry);
    ov_cursor_seek(&in, FLAGS_AT);
    struct content content = {.udf = udf, .map = map, .kind = ov_cursor_u16le(&in) & 7u};
    ov_cursor_seek(&in, SIZE_AT);
    content.left = ov_cursor_u64le(&in);
    content.pieces = ov_pieces_init(udf->disc.walk, whole);
    ov_cursor_seek(&in, tag == OV_UDF_TAG_FILE ? FILE_FIELDS_AT : LARGE_FILE_FIELDS_AT);
    uint32_t attribute_bytes = ov_cursor_u32le(&in), list_bytes = ov_cursor_u32le(&in);
    ov_cursor_skip(&in, attribute_bytes);
    struct ov_span list = ov_span_part(ov_span_from(entry, in.at), 0, list_bytes);
    if (content.kind == IS_INSIDE) {
        *ret_bytes = ov_span_part(list, 0, content.left);
        return OV_OK;
    }
    enum ov_status status = add_all_extents(&content, list);
    if (status == OV_MEMORY) {
        return status;
    }
    udf->is_damaged = udf->is_damaged || status == OV_DAMAGED;
    *ret_bytes = ov_pieces_span(&content.pieces);
    return ov_walk_has_time(udf->disc.walk);
}

// ---- directories -------------------------------------------------------------------------------

struct tree {
    struct ov_udf *udf;
    struct ov_folders folders;
    struct ov_buf listing, whole, name;
};

static enum ov_status add_directory(struct tree *tree, struct ov_udf_place place,
                                    struct ov_span path) {
    struct ov_folder folder = {.path = path, .at = place.block, .size = place.map};
    return ov_folders_add(&tree->folders, tree->udf->disc.walk, folder);
}

static struct ov_udf_place get_place(const struct ov_folder *folder) {
    return (struct ov_udf_place){.block = (uint32_t)folder->at, .map = (uint16_t)folder->size};
}

// A name says in its first byte how wide its characters are (UDF 2.60, 2.1.1).
static void add_name(struct ov_buf *path, struct ov_span name) {
    struct ov_span text = ov_span_from(name, 1);
    if (name.size > 0 && name.data[0] == 16) {
        ov_utf16_add_big(path, text);
        return;
    }
    for (size_t i = 0; i < text.size; i++) {
        ov_utf8_add(path, text.data[i]);
    }
}

// What a directory names: a directory, for later, or a file, which is told.
static enum ov_status take_name(struct tree *tree, const struct ov_folder *directory,
                                struct ov_udf_place place, struct ov_span name) {
    struct ov_udf *udf = tree->udf;
    struct ov_span entry = ov_udf_bytes(udf, place, udf->block_bytes);
    uint64_t at = (uint64_t)place.map << 48 | place.block;
    if (!ov_disc_is_new(&udf->disc, at, place.map)) {
        return OV_OK;
    }
    ov_buf_reset(&tree->name);
    ov_buf_add(&tree->name, directory->path.data, directory->path.size);
    add_name(&tree->name, name);
    struct ov_cursor in = ov_cursor_init(entry);
    ov_cursor_seek(&in, KIND_AT);
    if (ov_cursor_u8(&in) == KIND_DIRECTORY) {
        ov_buf_add_u8(&tree->name, '/');
        TRY(ov_buf_status(&tree->name));
        return add_directory(tree, place, ov_buf_span(&tree->name));
    }
    TRY(ov_buf_status(&tree->name));
    struct ov_span bytes = ov_span_make(NULL, 0);
    enum ov_status status = ov_udf_read_file(udf, entry, place.map, &tree->whole, &bytes);
    if (status == OV_DAMAGED) {
        udf->is_damaged = true;
        return OV_OK;
    }
    TRY(status);
    return ov_walk_stored(udf->disc.walk, bytes, ov_buf_span(&tree->name));
}

static enum ov_status walk_directory(struct tree *tree, const struct ov_folder *directory) {
    struct ov_udf *udf = tree->udf;
    struct ov_udf_place place = get_place(directory);
    struct ov_span entry = ov_udf_bytes(udf, place, udf->block_bytes);
    struct ov_span bytes = ov_span_make(NULL, 0);
    enum ov_status status = ov_udf_read_file(udf, entry, place.map, &tree->listing, &bytes);
    udf->is_damaged = udf->is_damaged || status == OV_DAMAGED;
    if (status != OV_OK) {
        return status == OV_DAMAGED ? OV_OK : status;
    }
    struct ov_cursor in = ov_cursor_init(bytes);
    while (ov_cursor_left(&in) >= NAME_HEADER_BYTES) {
        TRY(ov_walk_has_time(udf->disc.walk));
        size_t start = in.at;
        if (ov_udf_tag(ov_span_from(bytes, start)) != OV_UDF_TAG_NAME) {
            udf->is_damaged = true;
            break;
        }
        ov_cursor_skip(&in, 18);
        uint8_t flags = ov_cursor_u8(&in), name_bytes = ov_cursor_u8(&in);
        place = ov_udf_read_place(&in);
        ov_cursor_skip(&in, ov_cursor_u16le(&in));
        struct ov_span name = ov_cursor_bytes(&in, name_bytes);
        if ((flags & (IS_DELETED | IS_PARENT)) == 0) {
            TRY(take_name(tree, directory, place, name));
        }
        ov_cursor_skip(&in, (4 - (in.at - start) % 4) % 4);
    }
    return OV_OK;
}

static enum ov_status walk_directories(struct tree *tree, struct ov_udf_place root) {
    TRY(add_directory(tree, root, ov_span_make("", 0)));
    for (const struct ov_folder *at = tree->folders.first; at != NULL; at = at->next) {
        TRY(walk_directory(tree, at));
    }
    return OV_OK;
}

enum ov_status ov_udf_walk_tree(struct ov_udf *udf, struct ov_udf_place root) {
    struct tree tree = {.udf = udf};
    enum ov_status status = walk_directories(&tree, root);
    ov_buf_release(&tree.listing);
    ov_buf_release(&tree.whole);
    ov_buf_release(&tree.name);
    return status;
}
