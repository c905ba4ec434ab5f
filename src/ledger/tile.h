// SPDX-License-Identifier: Apache-2.0
//
// Tiles: where a log keeps the hashes of its tree, as files (C2SP tlog-tiles).
//
// The tile N of level L has the roots of the subtrees of 256^L entries from number 256 * N on, 256
// of them, or as many as there are: a partial tile, whose name says how many. What stands in a tile
// is not to be trusted: whoever uses hashes from tiles compares the root they lead to, or verifies
// the proof that was made of them, against a head that was signed.
//
// Nothing here owns memory or the folder's descriptor unless it says so. Any process that may open
// files below the folder.
#pragma once

#include "ledger/merkle.h"

enum {
    OV_TILE_WIDTH = 256,    // hashes in a full tile
    OV_TILE_LEVEL_BITS = 8, // levels of the tree in a level of tiles
    OV_TILE_LEVELS = 8,     // that a tree of OV_NUMBER_MAX entries has
    OV_TILE_PATH_ROOM = 64, // the longest path and its NUL
};

// The path of a file below the log's folder.
struct ov_tile_path {
    char text[OV_TILE_PATH_ROOM];
};

// The hashes of a tile, in their order: what its file has byte for byte.
struct ov_tile_hashes {
    struct ov_tree_hash hashes[OV_TILE_WIDTH];
};

// What is wrong with which file of a log; for people.
struct ov_tile_flaw {
    struct ov_tile_path path; // empty when it is no file, but the whole
    const char *why;          // a constant phrase, such as "is no hash of its entries"
};

// ---- names --------------------------------------------------------------------------------------

// tile/L/N or, with a width below OV_TILE_WIDTH, tile/L/N.p/W. OV_INVALID for a level of 64 or
// more, a width that is not 1 to 256, a number beyond those of a tree of OV_NUMBER_MAX entries.
enum ov_status ov_tile_path(unsigned level, uint64_t number, unsigned width,
                            struct ov_tile_path *ret_path);

// tile/entries/N[.p/W], the entries that the tile N of level 0 has the hashes of.
enum ov_status ov_entries_path(uint64_t number, unsigned width, struct ov_tile_path *ret_path);

// How many hashes the tile `number` of `level` has in a tree of `size` entries: 0 to 256.
unsigned ov_tile_width(uint64_t size, unsigned level, uint64_t number);

// ---- reading ------------------------------------------------------------------------------------

enum { OV_TILE_SLOTS = 12 }; // tiles that a reader remembers: a proof touches about four

struct ov_tile_slot {
    uint64_t number;
    unsigned level;
    unsigned width; // 0: an empty slot
    struct ov_tile_hashes tile;
};

// A log's folder as a source of hashes. About 100 KiB; owns nothing.
struct ov_tile_reader {
    int folder;               // borrowed
    uint64_t size;            // of the tree: says which tiles there are
    struct ov_tile_flaw flaw; // of the last call that failed
    unsigned next_slot;
    struct ov_tile_slot slots[OV_TILE_SLOTS];
};

// Reads the tiles of a tree of `size` entries below the open folder.
void ov_tile_reader_init(int folder, uint64_t size, struct ov_tile_reader *ret_reader);

// A source for ov_tree_root_at and the makers of proofs, for this size and smaller ones. A partial
// tile that is not there is taken from the full one. OV_SYSTEM (errno) when a file cannot be read,
// OV_DAMAGED when its size is wrong, OV_INVALID for hashes beyond the tree; reader->flaw names the
// file.
struct ov_tree_source ov_tile_reader_source(struct ov_tile_reader *reader);

// Reads the first `width` hashes of one tile, from the file of that width or, when that is not
// there, from the full one. What more `ret_hashes` has room for is of no meaning. OV_SYSTEM
// (errno), OV_DAMAGED when the file's size is wrong, OV_INVALID as ov_tile_path.
enum ov_status ov_tile_read(int folder, unsigned level, uint64_t number, unsigned width,
                            struct ov_tile_hashes *ret_hashes);

// ---- asking which tiles there must be -----------------------------------------------------------

// A source that reads nothing: it notes the path of each tile that would be read, once, and gives
// hashes of zeros. For whoever has to fetch the tiles first.
struct ov_tile_wishes {
    uint64_t size;
    struct ov_buf paths; // one a line, each ended by LF
};

// Release with ov_buf_release(&wishes.paths).
void ov_tile_wishes_init(uint64_t size, struct ov_tile_wishes *ret_wishes);

// OV_INVALID for hashes beyond the tree, OV_MEMORY.
struct ov_tree_source ov_tile_wishes_source(struct ov_tile_wishes *wishes);
