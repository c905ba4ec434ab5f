// SPDX-License-Identifier: Apache-2.0
// Programs packed by Petite 2.1 and 2.2.
//
// A table in the section of the stub says what is moved where, and what is unpacked to where. The
// code that restores imports and jumps to the old entry point was added to one of the unpacked
// sections, and is taken off again; calls and imports stay as Petite left them.
#include "format/exe/packed.h"

enum {
    SECTIONS_MAX = 95,
    TIME_CHECK_STEPS = 1 << 16,
    LEVEL_0_AT = 0x80, // in the stub: code of programs that are not compressed at all
};

// What differs between the versions.
struct version {
    unsigned last;         // which section from the end holds the stub
    uint32_t table_at;     // in it
    uint32_t code_bytes;   // of the added code
    uint32_t relocs_bytes; // that may stand behind it
    bool has_imports;      // the old entry point is mixed with the imports
};

static const struct version versions[] = {
    {.last = 1, .table_at = 0x1b8, .code_bytes = 0x355, .relocs_bytes = 0x35, .has_imports = true},
    {.last = 2, .table_at = 0x178, .code_bytes = 0x323, .relocs_bytes = 0x34},
};

struct piece {
    uint32_t address, virtual_bytes, bytes;
};

struct petite {
    const struct ov_packed *packed;
    const struct version *version;
    struct ov_walk *walk;
    uint32_t section_count; // up to that of the stub
    struct ov_buf memory;   // from the lowest address on
    uint32_t bottom;        // where the last move ended
    bool is_first;          // nothing was unpacked since
    struct piece pieces[SECTIONS_MAX];
    uint32_t piece_count;
    uint32_t hidden_entry; // 0: not found
    uint32_t imports;      // address of a list of import tables
    bool is_mangled;       // imports go through jumps in the stub
};

// A number at an address.
static uint32_t read_u32(const struct petite *petite, uint32_t address) {
    uint32_t at = address - petite->packed->low;
    return ov_packed_u32(ov_buf_span(&petite->memory), at);
}

static bool holds(const struct petite *petite, uint32_t address, uint64_t bytes) {
    return ov_packed_holds(petite->packed->low, petite->memory.size, address, bytes);
}

// ---- compression -------------------------------------------------------------------------------

struct decoder {
    struct ov_cursor in;
    struct ov_place place;
    uint32_t left; // bytes still to come
    unsigned word, bits_left;
    unsigned low_bits;      // of a distance
    uint32_t far, farthest; // matches from behind these are a byte longer, each
    uint32_t distance;      // of the last match
};

static uint32_t take_bit(struct decoder *decoder) {
    if (decoder->bits_left == 0) {
        decoder->word = ov_cursor_u8(&decoder->in);
        decoder->bits_left = 8;
    }
    decoder->bits_left--;
    return decoder->word >> decoder->bits_left & 1;
}

// A number from 2 on: after each of its bits stands whether another one follows.
static uint32_t read_number(struct decoder *decoder) {
    enum { NUMBER_MAX = 1 << 22 };
    uint32_t number = 1;
    do {
        number = number * 2 + take_bit(decoder);
    } while (take_bit(decoder) != 0 && number < NUMBER_MAX && !decoder->in.has_failed);
    return number;
}

static bool copy_match(struct decoder *decoder) {
    uint32_t top = read_number(decoder);
    uint32_t length = 0;
    if (top >= 3) {
        uint32_t distance = top - 3;
        for (unsigned i = 0; i < decoder->low_bits; i++) {
            distance = distance * 2 + take_bit(decoder);
        }
        decoder->distance = distance + 1;
        length = 1u + (decoder->distance > decoder->far) + (decoder->distance > decoder->farthest);
    }
    uint32_t more = take_bit(decoder) * 2;
    more += take_bit(decoder);
    length += more != 0 ? more : read_number(decoder) + 2;
    bool is_good = !decoder->in.has_failed && length <= decoder->left;
    decoder->left -= is_good ? length : 0;
    return is_good && ov_place_copy(&decoder->place, decoder->distance, length);
}

// Bytes are written with how many were left as a key.
static bool put_literal(struct decoder *decoder, uint32_t key) {
    uint8_t byte = (uint8_t)(ov_cursor_u8(&decoder->in) ^ key);
    decoder->left--;
    return !decoder->in.has_failed && ov_place_put(&decoder->place, byte);
}

static enum ov_status decode(struct decoder *decoder, struct ov_walk *walk) {
    bool is_good = put_literal(decoder, 0);
    for (uint64_t step = 1; is_good && decoder->left > 0; step++) {
        if (step % TIME_CHECK_STEPS == 0) {
            TRY(ov_walk_has_time(walk));
        }
        is_good =
            take_bit(decoder) != 0 ? copy_match(decoder) : put_literal(decoder, decoder->left);
    }
    return is_good ? OV_OK : OV_DAMAGED;
}

static enum ov_status unpack(struct petite *petite, uint32_t source, uint32_t target,
                             uint32_t bytes) {
    enum { SMALL = 0x10000, MEDIUM = 0x40000 };
    if (!holds(petite, source, 1) || !holds(petite, target, 1)) {
        return OV_DAMAGED;
    }
    struct decoder decoder = {.in = ov_cursor_init(ov_buf_span(&petite->memory)),
                              .place = ov_place_init(&petite->memory, 0, SIZE_MAX),
                              .left = bytes,
                              .low_bits = bytes < SMALL    ? 5
                                          : bytes < MEDIUM ? 7
                                                           : 8,
                              .far = bytes < SMALL    ? 0x3a0
                                     : bytes < MEDIUM ? 0x680
                                                      : 0x500,
                              .farthest = bytes < SMALL    ? 0x3fa0
                                          : bytes < MEDIUM ? 0x7e80
                                                           : 0x7d00};
    ov_cursor_seek(&decoder.in, source - petite->packed->low);
    decoder.place.at = target - petite->packed->low;
    return decode(&decoder, petite->walk);
}

// ---- table -------------------------------------------------------------------------------------

// The added code ends at `end`. In it stand the hidden entry point, under a key that two words of
// code give away, and the list of imports.
static void take_off_code(struct petite *petite, struct piece *piece, uint32_t end) {
    enum { MARK_AT = 0x54, KEY_AT = 0x07, ENTRY_AT = 0x0f, IMPORTS_AT = 0x121, JUMPS_AT = 0x1c0 };
    static const uint32_t mark[2] = {0x645ec033, 0x1b8b188b}, key[2] = {0x9d6661aa, 0xe908c483};
    uint32_t bytes = petite->version->code_bytes;
    for (unsigned i = 0; i < 2; i++, bytes += petite->version->relocs_bytes) {
        uint32_t code = end - bytes;
        if (piece->bytes <= bytes || read_u32(petite, code + MARK_AT) != mark[0] ||
            read_u32(petite, code + MARK_AT + 4) != mark[1]) {
            continue;
        }
        uint32_t word = read_u32(petite, code + KEY_AT) ^ key[0];
        if (word == (read_u32(petite, code + KEY_AT + 4) ^ key[1])) {
            petite->imports = read_u32(petite, code + IMPORTS_AT);
            petite->hidden_entry = read_u32(petite, code + ENTRY_AT) ^ word;
            petite->is_mangled = read_u32(petite, code + JUMPS_AT) != 0x90909090;
        }
        piece->bytes -= bytes;
        return;
    }
}

// The first section that is unpacked after a move may begin with bytes that were never packed (an
// icon): it begins where that of the file does. False when no section of the file holds it.
static bool adjust_piece(struct petite *petite, struct piece *piece) {
    for (uint32_t i = 0; i < petite->section_count; i++) {
        const struct ov_packed_section *section = &petite->packed->sections[i];
        if (!ov_packed_holds(section->address, section->virtual_bytes, piece->address,
                             piece->virtual_bytes)) {
            continue;
        }
        if (petite->is_first) {
            piece->bytes += piece->address - section->address;
            piece->address = section->address;
        }
        return true;
    }
    return false;
}

// Unpacks an original section, which may have no bytes in the file.
static enum ov_status unpack_section(struct petite *petite, struct ov_cursor *in, uint32_t source) {
    if (petite->piece_count == SECTIONS_MAX) {
        return OV_DAMAGED;
    }
    uint32_t bytes = ov_cursor_u32le(in);
    uint32_t target = ov_cursor_u32le(in);
    ov_cursor_skip(in, 4);
    struct piece *piece = &petite->pieces[petite->piece_count];
    *piece = (struct piece){.address = target, .virtual_bytes = bytes, .bytes = bytes};
    if (target < petite->bottom) {
        piece->virtual_bytes = petite->bottom - target;
    }
    if (bytes == 0) {
        petite->piece_count++;
        return ov_cursor_status(in);
    }
    if (in->has_failed || !adjust_piece(petite, piece)) {
        return OV_DAMAGED;
    }
    petite->piece_count++;
    TRY(unpack(petite, source, target, bytes));
    take_off_code(petite, piece, target + bytes);
    petite->is_first = false;
    return OV_OK;
}

// Moves words; the places that are told are those of the last ones.
static bool move_words(struct petite *petite, struct ov_cursor *in, uint32_t count) {
    uint32_t source = ov_cursor_u32le(in) - (count - 1) * 4;
    uint32_t last = ov_cursor_u32le(in);
    uint32_t target = last - (count - 1) * 4;
    uint64_t bytes = (uint64_t)count * 4;
    petite->bottom = last + 4;
    petite->is_first = true;
    if (in->has_failed || !holds(petite, source, bytes) || !holds(petite, target, bytes)) {
        return false;
    }
    if (count > 0) {
        uint8_t *data = petite->memory.data;
        memmove(&data[target - petite->packed->low], &data[source - petite->packed->low], bytes);
    }
    return true;
}

static enum ov_status read_table(struct petite *petite) {
    enum { COUNT_MASK = 0x7fffffff };
    struct ov_cursor in = ov_cursor_init(ov_buf_span(&petite->memory));
    uint32_t stub = petite->packed->sections[petite->section_count - 1].address;
    ov_cursor_seek(&in, (uint64_t)stub + petite->version->table_at - petite->packed->low);
    for (;;) {
        TRY(ov_walk_has_time(petite->walk));
        uint32_t first = ov_cursor_u32le(&in);
        if (in.has_failed) {
            return OV_DAMAGED;
        }
        if (first == 0) {
            return OV_OK;
        }
        if (first >> 31 == 0) {
            TRY(unpack_section(petite, &in, first));
        } else if (!move_words(petite, &in, first & COUNT_MASK)) {
            return OV_DAMAGED;
        }
    }
}

// ---- program -----------------------------------------------------------------------------------

static void sort_pieces(struct petite *petite) {
    struct piece *pieces = petite->pieces;
    for (uint32_t i = 1; i < petite->piece_count; i++) {
        struct piece piece = pieces[i];
        uint32_t at = i;
        for (; at > 0 && pieces[at - 1].address > piece.address; at--) {
            pieces[at] = pieces[at - 1];
        }
        pieces[at] = piece;
    }
    for (uint32_t i = 0; i + 1 < petite->piece_count; i++) {
        pieces[i].virtual_bytes = pieces[i + 1].address - pieces[i].address;
    }
}

// One import has been bound: the entry point was mixed with whether its address lies behind the
// stub and before the jumps. Where Windows would put a library does not matter, if it is high.
static uint32_t mix_entry(const struct petite *petite, uint32_t entry, uint32_t import,
                          uint32_t *jump, int *left) {
    enum { LIBRARY = 0x3ff01337, JUMP_BYTES = 5 };
    const struct ov_packed *packed = petite->packed;
    uint32_t stub = packed->sections[petite->section_count - 1].address + packed->image_base;
    uint32_t bound = LIBRARY | (uint32_t)1 << 31;
    if (import >> 31 == 0 && petite->is_mangled && --*left < 0) {
        bound = *jump;
        *jump += JUMP_BYTES;
        *left = (int)(*jump & 7);
    }
    entry -= (stub < bound) + (bound < *jump);
    return entry << 29 | entry >> 3;
}

// The old entry point; where it cannot be found, the lowest address.
static uint32_t find_entry(const struct petite *petite) {
    enum { JUMP_BYTES = 5 };
    uint32_t entry = petite->hidden_entry, base = petite->packed->entry + JUMP_BYTES;
    if (entry == 0) {
        return 0;
    }
    uint32_t jump = base + petite->packed->image_base;
    int left = 0;
    uint32_t list = petite->imports;
    bool is_done = !petite->version->has_imports;
    while (!is_done) {
        uint32_t table = read_u32(petite, list);
        is_done = table == 0;
        if (!holds(petite, list, 4) || ov_walk_has_time(petite->walk) != OV_OK) {
            return petite->pieces[0].address;
        }
        list += 4;
        for (uint32_t import; table != 0 && (import = read_u32(petite, table)) != 0; table += 4) {
            entry = mix_entry(petite, entry, import, &jump, &left);
        }
    }
    return base + entry;
}

static enum ov_status tell(struct petite *petite) {
    struct ov_pe_piece list[SECTIONS_MAX];
    const struct ov_packed *packed = petite->packed;
    sort_pieces(petite);
    for (uint32_t i = 0; i < petite->piece_count; i++) {
        const struct piece *piece = &petite->pieces[i];
        struct ov_span bytes =
            ov_span_part(ov_buf_span(&petite->memory), piece->address - packed->low, piece->bytes);
        list[i] = (struct ov_pe_piece){
            .address = piece->address, .virtual_bytes = piece->virtual_bytes, .bytes = bytes};
    }
    const struct ov_pe_pieces pieces = {.pieces = list,
                                        .count = petite->piece_count,
                                        .image_base = packed->image_base,
                                        .entry = find_entry(petite),
                                        .resources_address = packed->resources_address,
                                        .resources_bytes = packed->resources_bytes};
    return ov_pe_tell(&pieces, petite->walk);
}

// The program begins with MOV EAX, the section of the stub.
static bool find_version(struct petite *petite) {
    const struct ov_packed *packed = petite->packed;
    uint32_t stub = ov_packed_u32(packed->stub, 1) - packed->image_base;
    bool is_level_0 = ov_packed_u32(packed->stub, LEVEL_0_AT) == 0x163c988d;
    for (unsigned i = 0; i < 2; i++) {
        petite->version = &versions[i];
        uint32_t count = packed->section_count;
        if (count >= versions[i].last &&
            stub == packed->sections[count - versions[i].last].address) {
            petite->section_count = count + 1 - versions[i].last;
            return ov_span_has_prefix(packed->stub, "\xb8") && !is_level_0;
        }
    }
    return false;
}

static void release(struct petite *petite) {
    ov_buf_release(&petite->memory);
}

enum ov_status ov_petite_unpack(const struct ov_packed *packed, struct ov_walk *walk) {
    OV_CLEANUP(release) struct petite petite = {.packed = packed, .walk = walk};
    if (!find_version(&petite)) {
        return OV_UNSUPPORTED;
    }
    TRY(ov_packed_room(walk, packed->high - packed->low, &petite.memory));
    if (!ov_packed_load(packed, packed->low, &petite.memory)) {
        return OV_UNSUPPORTED;
    }
    enum ov_status status = read_table(&petite);
    if (petite.piece_count == 0) {
        return OV_UNSUPPORTED;
    }
    if (status == OV_LIMIT) {
        return status;
    }
    TRY(tell(&petite));
    return status;
}
