// SPDX-License-Identifier: Apache-2.0
//
// What all unpackers of PE programs share: the headers as they ask for them, the program as it lies
// in memory, a place to unpack into, and a program put together again from what was unpacked.
//
// Nothing is ever executed: an unpacker reads its numbers out of the stub's instructions. Each is
// one function in a file of its own, and one row of the table in packers.c. Worker process only.
#pragma once

#include "format/exe.h"
#include "format/walk.h"

enum { OV_PACKED_SECTIONS_MAX = 96 };

// A section: the numbers rounded as clamscan rounds them, and as they stand.
struct ov_packed_section {
    uint32_t address, virtual_bytes, raw_offset, raw_bytes;
    uint32_t told_address, told_virtual_bytes, told_raw_offset, told_raw_bytes;
    uint32_t flags;
};

// A program that may be packed. Sections that lie past the end of the file are left out.
struct ov_packed {
    struct ov_span file;
    bool is_library;
    uint32_t headers_at;     // of the PE signature
    uint32_t optional_bytes; // of the optional header
    uint32_t header_bytes;   // addresses below this are offsets
    uint32_t image_base;
    uint32_t entry;        // address, less the image base as all of them
    uint64_t entry_offset; // in the file
    struct ov_span stub;   // the file from there on
    uint32_t resources_address, resources_bytes;
    uint32_t section_count; // at least 1
    const struct ov_packed_section *sections;
    uint32_t low, high; // of all sections: the lowest address, the highest end of raw bytes
};

// Looks into a program that it may have packed, and tells the sink of the plain one.
// OV_UNSUPPORTED: it did not pack this one, nothing was told. OV_DAMAGED: it did, and what came
// before the damage was told. OV_LIMIT, OV_MEMORY, what the sink said.
typedef enum ov_status ov_packer(const struct ov_packed *packed, struct ov_walk *walk);

// Reads the headers of a PE of 32 bits; sections live in the arena. OV_UNSUPPORTED: it is none that
// clamscan would read, or of 64 bits. OV_MEMORY.
enum ov_status ov_packed_read(struct ov_span file, struct ov_arena *arena,
                              struct ov_packed *ret_packed);

// The raw bytes of a section (rounded size), as far as the file has them.
struct ov_span ov_packed_raw(const struct ov_packed *packed,
                             const struct ov_packed_section *section);

// A number of the bytes: 0 past their end.
uint32_t ov_packed_u32(struct ov_span bytes, uint64_t at);

// Puts a number there; nothing happens where the buffer does not reach.
void ov_packed_put_u32(struct ov_buf *bytes, uint64_t at, uint32_t value);

// Whether [at, at + size) lies in [begin, begin + bytes).
static inline bool ov_packed_holds(uint64_t begin, uint64_t bytes, uint64_t at, uint64_t size) {
    return at >= begin && size <= bytes && at - begin <= bytes - size;
}

// Makes the buffer `bytes` zeros long. OV_LIMIT (noted) when a part may not be so long; OV_MEMORY.
enum ov_status ov_packed_room(struct ov_walk *walk, uint64_t bytes, struct ov_buf *ret_memory);

// Puts the raw bytes of the sections (those that the header tells) at their addresses in `memory`,
// which begins at address `base`. False when one does not fit, or the file does not hold it.
bool ov_packed_load(const struct ov_packed *packed, uint32_t base, struct ov_buf *memory);

// ---- places ------------------------------------------------------------------------------------

// A piece of memory that a decoder fills. It borrows the bytes of a buffer, which must not grow.
struct ov_place {
    uint8_t *data;
    size_t size;
    size_t at; // next byte to write
};

// The bytes [begin, begin + size) of the buffer, cut to what it has.
struct ov_place ov_place_init(struct ov_buf *memory, size_t begin, size_t size);

// One byte more, or `size` bytes from `distance` back. False when they leave the place; what fits
// is written.
static inline bool ov_place_put(struct ov_place *place, uint8_t byte) {
    if (place->at >= place->size) {
        return false;
    }
    place->data[place->at++] = byte;
    return true;
}
bool ov_place_copy(struct ov_place *place, size_t distance, size_t size);

// Unpacks an aPLib stream (Ibsen's aPLib, "aP_depack") and leaves `in` behind it: FSG, MEW, PESpin.
// OV_OK: up to its end mark. OV_DAMAGED: it breaks off or leaves the place. OV_LIMIT: no time left.
enum ov_status ov_aplib_unpack(struct ov_cursor *in, struct ov_walk *walk, struct ov_place *place);

// ---- the program put together ------------------------------------------------------------------

// A section of the plain program. Its raw bytes are as many as `bytes` has.
struct ov_pe_piece {
    uint32_t address, virtual_bytes;
    struct ov_span bytes;
};

struct ov_pe_pieces {
    const struct ov_pe_piece *pieces;
    uint32_t count;
    uint32_t image_base, entry;
    uint32_t resources_address, resources_bytes;
    uint32_t align; // of addresses and sizes; 0: as they are
};

// Makes a file of the pieces, with headers like those of the files that clamscan makes, so that
// rules find sections and entry point where they expect them; the text of the DOS program is
// another. The file is cut at ov_walk_room(), which is noted. OV_UNSUPPORTED: no pieces, or more
// than a PE has; OV_MEMORY.
enum ov_status ov_pe_rebuild(const struct ov_pe_pieces *pieces, struct ov_walk *walk,
                             struct ov_buf *ret_file);

// The same, and tells the sink of the file.
enum ov_status ov_pe_tell(const struct ov_pe_pieces *pieces, struct ov_walk *walk);

// The unpackers, one file each.
ov_packer ov_aspack_unpack, ov_fsg_unpack, ov_mew_unpack, ov_nspack_unpack, ov_pespin_unpack;
ov_packer ov_petite_unpack, ov_upack_unpack, ov_wwpack_unpack, ov_yc_unpack;
