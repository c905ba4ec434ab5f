// SPDX-License-Identifier: Apache-2.0
// Roots of complete subtrees, from the tiles in a log's folder, and which tiles those are.
#include "ledger/tile.h"

#include "ledger/tile_file.h"

#include <errno.h>

// Where the root of a complete subtree is found: it is that of `count` hashes in a row.
struct place {
    uint64_t number; // of the tile
    unsigned level;  // of the tile
    unsigned width;  // of the tile in this tree
    unsigned first;  // hash in the tile
    unsigned count;  // a power of two, at most 128
};

static enum ov_status find_place(uint64_t size, unsigned level, uint64_t index,
                                 struct place *ret_place) {
    if (level >= OV_TREE_LEVELS - 1 || index >= size >> level) {
        return OV_INVALID; // a subtree that is not complete, or not there
    }
    unsigned shift = level % OV_TILE_LEVEL_BITS;
    uint64_t first = index << shift; // among the hashes of the tiles' level
    struct place place = {
        .number = first / OV_TILE_WIDTH,
        .level = level / OV_TILE_LEVEL_BITS,
        .first = (unsigned)(first % OV_TILE_WIDTH),
        .count = 1U << shift,
    };
    place.width = ov_tile_width(size, place.level, place.number);
    *ret_place = place;
    return OV_OK;
}

// ---- reading ------------------------------------------------------------------------------------

void ov_tile_reader_init(int folder, uint64_t size, struct ov_tile_reader *ret_reader) {
    memset(ret_reader, 0, sizeof *ret_reader);
    ret_reader->folder = folder;
    ret_reader->size = size;
}

static const struct ov_tile_slot *find_slot(const struct ov_tile_reader *reader,
                                            const struct place *place) {
    for (unsigned i = 0; i < OV_TILE_SLOTS; i++) {
        const struct ov_tile_slot *slot = &reader->slots[i];
        if (slot->width == place->width && slot->level == place->level &&
            slot->number == place->number) {
            return slot;
        }
    }
    return NULL;
}

// The tile of a place, read anew into the slot that was filled first when none has it.
static enum ov_status read_slot(struct ov_tile_reader *reader, const struct place *place,
                                const struct ov_tile_slot **ret_slot) {
    const struct ov_tile_slot *known = find_slot(reader, place);
    if (known != NULL) {
        *ret_slot = known;
        return OV_OK;
    }
    struct ov_tile_slot *slot = &reader->slots[reader->next_slot];
    slot->width = 0;
    enum ov_status status =
        ov_tile_read(reader->folder, place->level, place->number, place->width, &slot->tile);
    if (status != OV_OK) {
        reader->flaw.why = ov_tile_flaw_text(status, "has another size than its name says");
        int error = errno;
        (void)ov_tile_path(place->level, place->number, place->width, &reader->flaw.path);
        errno = error;
        return status;
    }
    slot->number = place->number;
    slot->level = place->level;
    slot->width = place->width;
    reader->next_slot = (reader->next_slot + 1) % OV_TILE_SLOTS;
    *ret_slot = slot;
    return OV_OK;
}

static enum ov_status read_from_tiles(void *arg, unsigned level, uint64_t index,
                                      struct ov_tree_hash *ret_hash) {
    struct ov_tile_reader *reader = (struct ov_tile_reader *)arg;
    const struct ov_tile_slot *slot = NULL;
    struct place place;
    struct ov_tree tree;
    TRY(find_place(reader->size, level, index, &place));
    TRY(read_slot(reader, &place, &slot));
    ov_tree_init(&tree);
    for (unsigned i = 0; i < place.count; i++) {
        ov_tree_append(&tree, &slot->tile.hashes[place.first + i]);
    }
    ov_tree_root(&tree, ret_hash);
    return OV_OK;
}

struct ov_tree_source ov_tile_reader_source(struct ov_tile_reader *reader) {
    return (struct ov_tree_source){.arg = reader, .read = read_from_tiles};
}

// ---- wishes -------------------------------------------------------------------------------------

void ov_tile_wishes_init(uint64_t size, struct ov_tile_wishes *ret_wishes) {
    *ret_wishes = (struct ov_tile_wishes){.size = size};
    ov_buf_init(&ret_wishes->paths);
}

static bool has_line(struct ov_span lines, struct ov_span line) {
    struct ov_cursor cursor = ov_cursor_init(lines);
    while (ov_cursor_left(&cursor) > 0) {
        if (ov_span_is_equal(ov_cursor_until(&cursor, '\n'), line)) {
            return true;
        }
    }
    return false;
}

static enum ov_status note_tile(void *arg, unsigned level, uint64_t index,
                                struct ov_tree_hash *ret_hash) {
    struct ov_tile_wishes *wishes = (struct ov_tile_wishes *)arg;
    struct place place;
    struct ov_tile_path path;
    TRY(find_place(wishes->size, level, index, &place));
    TRY(ov_tile_path(place.level, place.number, place.width, &path));
    if (!has_line(ov_buf_span(&wishes->paths), ov_span_text(path.text))) {
        ov_buf_printf(&wishes->paths, "%s\n", path.text);
    }
    *ret_hash = (struct ov_tree_hash){0};
    return ov_buf_status(&wishes->paths);
}

struct ov_tree_source ov_tile_wishes_source(struct ov_tile_wishes *wishes) {
    return (struct ov_tree_source){.arg = wishes, .read = note_tile};
}
