// SPDX-License-Identifier: Apache-2.0
// Programs behind PESpin 1.1: its layers of ciphers taken off, compressed sections unpacked.
//
// The stub decrypts itself in steps, each with its key at a fixed distance from the entry point.
// Sections of the program are under two ciphers, a shift register and one made up anew for each
// program (poly.h); which ones, is told by a bit for each. Not put back: imports, and pieces of
// code that were moved into the stub.
#include "format/exe/packed.h"
#include "format/exe/poly.h"

// Distances from the entry point.
enum {
    KEY_AT = 0xdb, // MOV EBX, key; MOV ECX, size
    FILE_TAIL_AT = 0x429,
    SECOND_AT = 0x2d5,
    SECOND_BYTES = 0x5a0,
    THIRD_SIZE_AT = 0x644,
    THIRD_KEY_AT = 0x650,
    THIRD_BYTES = 0x180,
    POLY_PLAIN_AT = 0x6d4, // decrypted by the first made up cipher,
    POLY_BITMAP_AT = 0x6f1,
    SECTION_POLY_AT = 0x755, // and the second one among it
    FIRST_AT = 0x1fe5,
    FIRST_BYTES = 0x11fe,
    SECOND_KEY_AT = 0x26eb,
    SECOND_SIZE_AT = 0x26f0,
    THIRD_AT = 0x28d3,
    POLY_SIZE_AT = 0x28dd,
    POLY_BYTES = 0x1a1,
    POLY_AT = 0x28ec,
    RESOURCES_AT = 0x2fee,
    PACKED_BITMAP_AT = 0x3061,
    SECTION_BITMAP_AT = 0x3207,
    SECTION_KEY_AT = 0x3217,
    STUB_BYTES = SECTION_KEY_AT + 4,
    POLY_CODE_BYTES = 0x24,
};

enum { TIME_CHECK_BYTES = 1 << 16 };

// Of shift registers.
static const uint32_t second_feedback = 0x8c328834, third_feedback = 0xed43af32,
                      section_feedback = 0xed43af31;

struct pespin {
    const struct ov_packed *packed;
    struct ov_buf file;
    size_t entry_at;        // in the file
    uint32_t section_count; // less the stub's
};

static uint32_t number(const struct pespin *pespin, size_t at) {
    return ov_packed_u32(ov_buf_span(&pespin->file), pespin->entry_at + at);
}

static struct ov_place stub_place(struct pespin *pespin, size_t at, size_t size) {
    return ov_place_init(&pespin->file, pespin->entry_at + at, size);
}

static struct ov_place section_place(struct pespin *pespin, uint32_t i) {
    const struct ov_packed_section *section = &pespin->packed->sections[i];
    return ov_place_init(&pespin->file, section->raw_offset, section->raw_bytes);
}

static bool is_marked(uint32_t bitmap, uint32_t i) {
    return i < 32 && (bitmap >> i & 1) != 0;
}

// A shift register, whose lowest byte is the next one of the key stream. It feeds back when the
// bit that falls out is `feeding_bit`.
static enum ov_status decrypt(struct ov_place place, uint32_t key, uint32_t feedback,
                              uint32_t feeding_bit, struct ov_walk *walk) {
    for (size_t i = 0; i < place.size; i++) {
        if (i % TIME_CHECK_BYTES == 0) {
            TRY(ov_walk_has_time(walk));
        }
        key = (key & 1) == feeding_bit ? key >> 1 ^ feedback : key >> 1;
        place.data[i] ^= (uint8_t)key;
    }
    return OV_OK;
}

// The sum over the file from which the key of the sections is made.
static enum ov_status sum_up(struct ov_span bytes, struct ov_walk *walk, uint32_t *ret_sum) {
    uint32_t first = UINT32_MAX, second = UINT32_MAX;
    for (size_t i = 0; i < bytes.size; i++) {
        if (i % TIME_CHECK_BYTES == 0) {
            TRY(ov_walk_has_time(walk));
        }
        first = (first ^ (uint32_t)bytes.data[i] << 8) >> 3;
        for (unsigned round = 0; round < 4; round++) {
            uint32_t mixed = ((first ^ (second >> 8 & 0xff)) + 0x7801a108) ^ second;
            unsigned count = second & 31;
            first = second;
            second = mixed >> count | mixed << (-count & 31);
        }
    }
    *ret_sum = second;
    return OV_OK;
}

// The layers of the stub that do not depend on the sections. OV_UNSUPPORTED: another version.
static enum ov_status open_stub(struct pespin *pespin, struct ov_walk *walk) {
    struct ov_place first = stub_place(pespin, FIRST_AT, FIRST_BYTES);
    uint8_t key = (uint8_t)number(pespin, KEY_AT + 1);
    for (size_t i = first.size; i > 0; i--) {
        first.data[i - 1] ^= key--;
    }
    if (number(pespin, SECOND_SIZE_AT) != SECOND_BYTES) {
        return OV_UNSUPPORTED;
    }
    return decrypt(stub_place(pespin, SECOND_AT, SECOND_BYTES), number(pespin, SECOND_KEY_AT),
                   second_feedback, 1, walk);
}

static enum ov_status decrypt_sections(struct pespin *pespin, struct ov_walk *walk) {
    size_t file_bytes = pespin->packed->file.size;
    uint32_t tail = number(pespin, FILE_TAIL_AT);
    if (tail == 0 || tail > file_bytes) {
        return OV_DAMAGED;
    }
    uint32_t sum;
    TRY(sum_up(ov_span_part(pespin->packed->file, 0, file_bytes - tail), walk, &sum));
    uint32_t key = number(pespin, SECTION_KEY_AT) - sum;
    uint32_t bitmap = number(pespin, SECTION_BITMAP_AT);
    for (uint32_t i = 0; i < pespin->section_count; i++) {
        if (is_marked(bitmap, i)) {
            TRY(decrypt(section_place(pespin, i), key, section_feedback, 0, walk));
        }
    }
    return OV_OK;
}

static enum ov_status run_poly(struct pespin *pespin, size_t code_at, struct ov_place place,
                               struct ov_walk *walk) {
    struct ov_place code = stub_place(pespin, code_at, POLY_CODE_BYTES + 1);
    struct ov_poly poly;
    if (code.size != POLY_CODE_BYTES + 1 || code.data[POLY_CODE_BYTES] != 0xaa || // STOSB
        !ov_poly_read(ov_span_make(code.data, POLY_CODE_BYTES), &poly)) {
        return OV_DAMAGED;
    }
    return ov_poly_run(&poly, walk, place.data, place.size, (uint32_t)place.size);
}

// The second cipher of the sections, which is itself behind two.
static enum ov_status decrypt_again(struct pespin *pespin, struct ov_walk *walk) {
    if (number(pespin, THIRD_SIZE_AT) != THIRD_BYTES) {
        return OV_DAMAGED;
    }
    TRY(decrypt(stub_place(pespin, THIRD_AT, THIRD_BYTES), number(pespin, THIRD_KEY_AT),
                third_feedback, 1, walk));
    if (number(pespin, POLY_SIZE_AT) != POLY_BYTES) {
        return OV_DAMAGED;
    }
    TRY(run_poly(pespin, POLY_AT, stub_place(pespin, POLY_PLAIN_AT, POLY_BYTES), walk));
    uint32_t bitmap = number(pespin, POLY_BITMAP_AT);
    for (uint32_t i = 0; i < pespin->section_count; i++) {
        if (is_marked(bitmap, i)) {
            TRY(run_poly(pespin, SECTION_POLY_AT, section_place(pespin, i), walk));
        }
    }
    return OV_OK;
}

// ---- compressed sections -----------------------------------------------------------------------

// Appends a section to `all`: its first `kept` bytes as they are, the rest unpacked, as long as it
// is in memory.
static enum ov_status grow_section(struct pespin *pespin, uint32_t i, uint32_t kept,
                                   struct ov_walk *walk, struct ov_buf *all) {
    const struct ov_packed_section *section = &pespin->packed->sections[i];
    struct ov_place raw = section_place(pespin, i);
    size_t begin = all->size;
    if (kept >= raw.size || kept >= section->virtual_bytes) {
        return OV_DAMAGED;
    }
    if (section->virtual_bytes > ov_walk_room(walk) ||
        all->size > ov_walk_room(walk) - section->virtual_bytes) {
        ov_walk_note_cut(walk);
        return OV_LIMIT;
    }
    if (ov_buf_extend(all, section->virtual_bytes) == NULL) {
        return OV_MEMORY;
    }
    struct ov_span packed = ov_span_make(raw.data, raw.size);
    struct ov_cursor in = ov_cursor_init(ov_span_from(packed, kept));
    struct ov_place place = ov_place_init(all, begin, section->virtual_bytes);
    memcpy(place.data, raw.data, kept);
    place = ov_place_init(all, begin + kept, section->virtual_bytes - kept);
    return ov_aplib_unpack(&in, walk, &place);
}

// Resources may be compressed from some place on, where the loader of Windows needs the first ones.
static bool has_packed_resources(const struct pespin *pespin, uint32_t i, uint32_t *ret_kept) {
    const struct ov_packed_section *section = &pespin->packed->sections[i];
    uint32_t address = number(pespin, RESOURCES_AT);
    *ret_kept = address - section->address;
    return address != 0 && address >= section->address &&
           *ret_kept<section->virtual_bytes && * ret_kept> 0 && *ret_kept <= section->raw_bytes;
}

// Appends a section as it was. A section of resources that does not unpack stays as it is.
static enum ov_status add_section(struct pespin *pespin, uint32_t i, struct ov_walk *walk,
                                  struct ov_buf *all) {
    uint32_t kept;
    size_t begin = all->size;
    if (is_marked(number(pespin, PACKED_BITMAP_AT), i)) {
        return grow_section(pespin, i, 0, walk, all);
    }
    if (has_packed_resources(pespin, i, &kept)) {
        enum ov_status status = grow_section(pespin, i, kept, walk, all);
        if (status != OV_DAMAGED) {
            return status;
        }
        all->size = begin;
    }
    struct ov_place raw = section_place(pespin, i);
    ov_buf_add(all, raw.data, raw.size);
    return ov_buf_status(all);
}

// Tells of the program. Its base and its entry are not known, and written as clamscan writes them.
static enum ov_status tell(struct pespin *pespin, struct ov_walk *walk) {
    enum { BASE = 0x400000, ENTRY = 0x1000 };
    OV_CLEANUP(ov_buf_release) struct ov_buf all = {0};
    size_t begins[OV_PACKED_SECTIONS_MAX + 1] = {0};
    struct ov_pe_piece pieces[OV_PACKED_SECTIONS_MAX] = {0};
    enum ov_status worst = OV_OK;
    for (uint32_t i = 0; i < pespin->section_count; i++) {
        enum ov_status status = add_section(pespin, i, walk, &all);
        worst = status == OV_DAMAGED ? status : worst;
        if (status != OV_OK && status != OV_DAMAGED) {
            return status;
        }
        begins[i + 1] = all.size;
    }
    for (uint32_t i = 0; i < pespin->section_count; i++) {
        const struct ov_packed_section *section = &pespin->packed->sections[i];
        pieces[i] = (struct ov_pe_piece){
            .address = section->address,
            .virtual_bytes = section->virtual_bytes,
            .bytes = ov_span_part(ov_buf_span(&all), begins[i], begins[i + 1] - begins[i])};
    }
    struct ov_pe_pieces program = {
        .pieces = pieces, .count = pespin->section_count, .image_base = BASE, .entry = ENTRY};
    TRY(ov_pe_tell(&program, walk));
    return worst;
}

static bool is_pespin(const struct ov_packed *packed) {
    static const uint8_t begin[] = {0xe8, 0, 0, 0, 0, 0x8b, 0x1c, 0x24, 0x83, 0xc3};
    enum { BEGIN_AT = 4, MOV_EBX = 0xbb, MOV_ECX = 0xb9, SIZE_AT = 6 };
    const struct ov_packed_section *last = &packed->sections[packed->section_count - 1];
    struct ov_span stub = ov_span_part(packed->stub, 0, STUB_BYTES);
    return packed->section_count > 1 && stub.size == STUB_BYTES &&
           ov_packed_holds(last->address, last->raw_bytes, packed->entry, STUB_BYTES) &&
           ov_span_is_equal(ov_span_part(stub, BEGIN_AT, sizeof begin),
                            ov_span_make(begin, sizeof begin)) &&
           stub.data[KEY_AT] == MOV_EBX && stub.data[KEY_AT + 5] == MOV_ECX &&
           ov_packed_u32(stub, KEY_AT + SIZE_AT) == FIRST_BYTES;
}

static void release(struct pespin *pespin) {
    ov_buf_release(&pespin->file);
}

enum ov_status ov_pespin_unpack(const struct ov_packed *packed, struct ov_walk *walk) {
    if (!is_pespin(packed)) {
        return OV_UNSUPPORTED;
    }
    OV_CLEANUP(release)
    struct pespin pespin = {.packed = packed,
                            .entry_at = (size_t)packed->entry_offset,
                            .section_count = packed->section_count - 1};
    TRY(ov_packed_room(walk, packed->file.size, &pespin.file));
    memcpy(pespin.file.data, packed->file.data, packed->file.size);
    TRY(open_stub(&pespin, walk));
    TRY(decrypt_sections(&pespin, walk));
    TRY(decrypt_again(&pespin, walk));
    return tell(&pespin, walk);
}
