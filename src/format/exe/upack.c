// SPDX-License-Identifier: Apache-2.0
// Programs packed by Upack: LZMA over the whole program, and calls with absolute targets.
//
// Upack lays its headers and its stub over one another, and mangles what the loader of Windows does
// not look at. Its numbers stand in a table, to which the stub's instructions lead; each version
// has other instructions. Those read here are of 0.39 with three sections and with two, of 1.1 and
// 1.2, and of two others without a known number.
#include "format/exe/packed.h"
#include "format/codec/raw_lzma.h"

enum {
    WIDE_OPTIONAL_BYTES = 0x148, // of the versions that make three sections
    MOV_ESI = 0xbe,
    MOV_EDI = 0xbf,
    MOV_CH = 0xb5,
    JUMP_SHORT = 0xeb,
    JUMP = 0xe9,
    JUMP_IF_ZERO = 0xe3,
};

// What the stub says. Places are offsets in the memory.
struct plan {
    uint32_t entry; // of the plain program, as clamscan counts it
    unsigned literal_shift;
    uint32_t packed_at, plain_at, plain_end;
    uint32_t calls; // how many were changed
    uint8_t mark;   // what the changed ones begin with
};

struct upack {
    const struct ov_packed *packed;
    struct ov_buf memory;
    uint32_t base;       // address in memory of its first byte, image base and all
    uint32_t plain_base; // of the plain program in the memory
    bool has_failed;     // something was looked for outside of the memory, or was not there
};

static uint8_t byte_at(struct upack *upack, uint32_t at) {
    upack->has_failed = upack->has_failed || at >= upack->memory.size;
    return upack->has_failed ? 0 : upack->memory.data[at];
}

static uint32_t word_at(struct upack *upack, uint32_t at) {
    upack->has_failed =
        upack->has_failed || !ov_packed_holds(0, upack->memory.size, at, sizeof(uint32_t));
    return upack->has_failed ? 0 : ov_packed_u32(ov_buf_span(&upack->memory), at);
}

// An address that stands at `at`, as an offset in the memory.
static uint32_t place_at(struct upack *upack, uint32_t at) {
    return word_at(upack, at) - upack->base;
}

static void expect(struct upack *upack, uint32_t at, uint8_t byte) {
    upack->has_failed = byte_at(upack, at) != byte || upack->has_failed;
}

// Where the short jump leads whose operand stands at `at`.
static uint32_t short_jump_at(struct upack *upack, uint32_t at) {
    enum { SIGN = 0x80 };
    return at + 1 + (byte_at(upack, at) ^ SIGN) - SIGN;
}

static uint32_t jump_at(struct upack *upack, uint32_t at) {
    return at + 4 + word_at(upack, at);
}

// ---- three sections ----------------------------------------------------------------------------

// From the decoder's begin to what it does last: the mark of changed calls.
static void read_decoder(struct upack *upack, uint32_t decoder_at, bool is_old, struct plan *plan) {
    bool is_near = byte_at(upack, decoder_at + 42) == JUMP_IF_ZERO;
    uint32_t at = decoder_at + (is_near ? 42 : 45);
    expect(upack, at, JUMP_IF_ZERO);
    at += 2u + byte_at(upack, at + 1) + (is_near ? 8 : 7);
    expect(upack, at, JUMP);
    uint32_t mark_at = jump_at(upack, at + 1) + 27 + (is_old ? 2 : 0);
    plan->mark = byte_at(upack, mark_at);
    uint32_t shift_at = decoder_at + (is_near ? 24 : 26); // SHR EBP, operand
    expect(upack, shift_at, 0xc1);
    expect(upack, shift_at + 1, 0xed);
    plan->literal_shift = byte_at(upack, shift_at + 2);
}

static void read_wide(struct upack *upack, struct plan *plan) {
    uint32_t entry_at = (uint32_t)upack->packed->entry_offset; // the file's begin lies there, too
    uint32_t table_at = place_at(upack, entry_at + 1);
    plan->entry = place_at(upack, table_at);
    expect(upack, entry_at + 0xa, JUMP_SHORT);
    uint32_t setup_at = short_jump_at(upack, entry_at + 0xb);
    expect(upack, setup_at + 0x1a, JUMP_SHORT);
    uint32_t count_at = setup_at + 0x1c + byte_at(upack, setup_at + 0x1b) + 0xa;
    expect(upack, count_at, MOV_CH);
    expect(upack, count_at + 9, JUMP);
    uint32_t decoder_at =
        short_jump_at(upack, setup_at + 0x1b) + 0x18 + word_at(upack, count_at + 10);
    read_decoder(upack, decoder_at, false, plan);
    expect(upack, setup_at + 7, MOV_ESI);
    uint32_t numbers_at = place_at(upack, setup_at + 8) + 0x27 * 4;
    plan->packed_at = place_at(upack, numbers_at - 4);
    plan->calls = word_at(upack, numbers_at + 4);
    plan->plain_at = place_at(upack, numbers_at + 0xc);
    plan->plain_end = place_at(upack, numbers_at + 0x34);
}

// An older way to the same: PUSH [ESI], a long jump.
static void read_wide_old(struct upack *upack, struct plan *plan) {
    uint32_t entry_at = (uint32_t)upack->packed->entry_offset;
    plan->entry = place_at(upack, place_at(upack, entry_at + 1));
    expect(upack, entry_at + 7, JUMP);
    uint32_t setup_at = jump_at(upack, entry_at + 8);
    uint32_t count_at = setup_at + 0x25;
    expect(upack, count_at, MOV_CH);
    expect(upack, count_at + 11, JUMP);
    read_decoder(upack, setup_at + 0x35 + word_at(upack, count_at + 12), true, plan);
    expect(upack, setup_at + 6, MOV_ESI);
    expect(upack, setup_at + 11, MOV_EDI);
    uint32_t numbers_at = word_at(upack, setup_at + 7) - upack->packed->image_base + 0x16 * 4;
    plan->packed_at = place_at(upack, numbers_at - 4);
    plan->calls = word_at(upack, numbers_at + 0x40);
    plan->plain_at = upack->base - upack->packed->image_base;
    plan->plain_end = place_at(upack, numbers_at + 0x64);
}

// ---- two sections ------------------------------------------------------------------------------

// Where the stub begins in the memory.
static uint32_t find_stub(const struct upack *upack) {
    const struct ov_packed_section *section = &upack->packed->sections[1];
    return section->address - section->told_raw_offset + (uint32_t)upack->packed->entry_offset;
}

// The stub copies its table to where it works; what it reads there is read in the original. All
// addresses in the table are `drift` away from those that count.
static void read_narrow(struct upack *upack, struct plan *plan) {
    uint32_t stub_at = find_stub(upack);
    plan->entry = jump_at(upack, stub_at + 0x217);
    plan->literal_shift = 8u - byte_at(upack, stub_at + 0x5f);
    plan->mark = byte_at(upack, stub_at + 0x1c1);
    uint32_t head_at = stub_at + 6 - word_at(upack, stub_at + 6);
    uint32_t drift = head_at - place_at(upack, head_at);
    uint32_t table_at = head_at + 12;
    uint32_t numbers_at = table_at + 4;
    uint32_t state_at = numbers_at + word_at(upack, table_at) * (4 + drift) + 4;
    plan->packed_at = place_at(upack, state_at + 0x10) + drift;
    plan->plain_at = place_at(upack, numbers_at);
    plan->plain_end = place_at(upack, numbers_at + 0x28);
    plan->calls = word_at(upack, numbers_at + 0x44);
}

// Versions 1.1 and 1.2 have their numbers among the headers.
static void read_narrow_late(struct upack *upack, struct plan *plan) {
    uint32_t stub_at = find_stub(upack);
    plan->entry = jump_at(upack, stub_at + 0x1a4);
    plan->literal_shift = 8u - byte_at(upack, stub_at + 0x41);
    plan->mark = byte_at(upack, stub_at + 0x184);
    plan->calls = word_at(upack, stub_at + 0x174);
    plan->packed_at = place_at(upack, 0x14c);
    plan->plain_at = place_at(upack, 0x150);
    plan->plain_end = place_at(upack, 0x130);
}

// ---- memory ------------------------------------------------------------------------------------

// Copies bytes of the file to their place in the memory; false when they do not fit.
static bool put_bytes(struct upack *upack, uint32_t at, struct ov_span bytes) {
    if (!ov_packed_holds(0, upack->memory.size, at, bytes.size)) {
        return false;
    }
    if (bytes.size > 0) {
        memcpy(&upack->memory.data[at], bytes.data, bytes.size);
    }
    return true;
}

// The headers are the first section, and the third as well.
static enum ov_status load_wide(struct upack *upack, struct ov_walk *walk) {
    const struct ov_packed *packed = upack->packed;
    const struct ov_packed_section *sections = packed->sections;
    uint64_t size =
        (uint64_t)sections[0].virtual_bytes + sections[1].virtual_bytes + sections[2].virtual_bytes;
    TRY(ov_packed_room(walk, size, &upack->memory));
    uint32_t first = sections[0].address;
    upack->base = packed->image_base + first;
    struct ov_span head = ov_span_part(
        packed->file, 0, (size_t)sections[0].told_raw_bytes + sections[0].told_raw_offset);
    struct ov_span data =
        ov_span_part(packed->file, sections[1].told_raw_offset, sections[1].told_raw_bytes);
    bool is_loaded = put_bytes(upack, 0, head) &&
                     put_bytes(upack, sections[2].address - first, head) &&
                     put_bytes(upack, sections[1].address - first, data);
    return is_loaded ? OV_OK : OV_UNSUPPORTED;
}

static enum ov_status load_narrow(struct upack *upack, struct ov_walk *walk) {
    const struct ov_packed *packed = upack->packed;
    const struct ov_packed_section *sections = packed->sections;
    uint64_t size =
        (uint64_t)sections[0].virtual_bytes + sections[1].virtual_bytes + sections[1].address;
    TRY(ov_packed_room(walk, size, &upack->memory));
    upack->base = packed->image_base;
    upack->plain_base = sections[0].address;
    struct ov_span head = ov_span_part(packed->file, 0, sections[1].told_raw_offset);
    struct ov_span data =
        ov_span_part(packed->file, sections[1].told_raw_offset, sections[1].told_raw_bytes);
    bool is_loaded = put_bytes(upack, 0, head) && put_bytes(upack, sections[1].address, data);
    return is_loaded ? OV_OK : OV_UNSUPPORTED;
}

// ---- the program -------------------------------------------------------------------------------

// The target of a call or jump stands as an absolute number, the highest byte first, behind a mark.
static void restore_calls(const struct plan *plan, struct ov_place place) {
    enum { CALL = 0xe8, OPERAND_BYTES = 4 };
    uint32_t left = plan->calls;
    for (size_t at = 1; left > 0 && at + OPERAND_BYTES <= place.size; at++) {
        uint8_t *operand = &place.data[at];
        if ((place.data[at - 1] != CALL && place.data[at - 1] != JUMP) ||
            operand[0] != plan->mark) {
            continue;
        }
        uint32_t target = (uint32_t)operand[1] << 16 | (uint32_t)operand[2] << 8 | operand[3];
        uint32_t distance = target - (uint32_t)at - OPERAND_BYTES;
        for (unsigned i = 0; i < OPERAND_BYTES; i++) {
            operand[i] = (uint8_t)(distance >> (8 * i));
        }
        at += OPERAND_BYTES;
        left--;
    }
}

static enum ov_status unpack(struct upack *upack, const struct plan *plan, struct ov_walk *walk) {
    enum { SHIFT_MIN = 2, SHIFT_MAX = 8 };
    size_t size = upack->memory.size;
    if (upack->has_failed || plan->literal_shift < SHIFT_MIN || plan->literal_shift > SHIFT_MAX ||
        plan->packed_at >= size || plan->plain_end > size || plan->plain_at >= plan->plain_end ||
        upack->plain_base >= plan->plain_end) {
        return OV_UNSUPPORTED; // another packer, or another version
    }
    struct ov_raw_lzma lzma = {.literal_bits = 8 - plan->literal_shift};
    struct ov_cursor in =
        ov_cursor_init(ov_span_from(ov_buf_span(&upack->memory), plan->packed_at));
    struct ov_place place = ov_place_init(&upack->memory, 0, plan->plain_end);
    place.at = plan->plain_at;
    enum ov_status status = ov_raw_lzma_unpack(&lzma, &in, walk, &place);
    if (status != OV_OK && status != OV_DAMAGED) {
        return status;
    }
    size_t plain_bytes = plan->plain_end - plan->plain_at;
    restore_calls(plan, ov_place_init(&upack->memory, plan->plain_at, plain_bytes));
    struct ov_pe_piece piece = {
        .address = upack->packed->sections[0].address,
        .bytes = ov_span_part(ov_buf_span(&upack->memory), upack->plain_base,
                              plan->plain_end - upack->plain_base),
    };
    piece.virtual_bytes = (uint32_t)piece.bytes.size;
    struct ov_pe_pieces pieces = {.pieces = &piece,
                                  .count = 1,
                                  .image_base = upack->packed->image_base,
                                  .entry = plan->entry};
    TRY(ov_pe_tell(&pieces, walk));
    return status;
}

static void release(struct upack *upack) {
    ov_buf_release(&upack->memory);
}

enum ov_status ov_upack_unpack(const struct ov_packed *packed, struct ov_walk *walk) {
    static const uint8_t call[] = {0x60, 0xe8, 9, 0, 0, 0}; // PUSHA, CALL
    OV_CLEANUP(release) struct upack upack = {.packed = packed};
    struct plan plan = {0};
    uint32_t table = ov_packed_u32(packed->stub, 1) - packed->image_base;
    bool has_table = packed->stub.size > 0 && packed->stub.data[0] == MOV_ESI;
    struct ov_span next = ov_span_part(packed->stub, 5, 3);
    if (packed->optional_bytes == WIDE_OPTIONAL_BYTES && packed->section_count == 3) {
        bool is_old = ov_span_has_prefix(next, "\xff\x36");
        if (!has_table || table <= packed->low ||
            (!is_old && !ov_span_has_prefix(next, "\xad\x50"))) {
            return OV_UNSUPPORTED;
        }
        TRY(load_wide(&upack, walk));
        (is_old ? read_wide_old : read_wide)(&upack, &plan);
        return unpack(&upack, &plan, walk);
    }
    bool is_late = has_table && table < packed->low && ov_span_has_prefix(next, "\xad\x8b\xf8");
    struct ov_span first = ov_span_part(packed->stub, 0, sizeof call);
    bool is_narrow = ov_span_is_equal(first, ov_span_make(call, sizeof call));
    if (packed->section_count != 2 || packed->sections[0].raw_bytes != 0 ||
        (!is_late && !is_narrow)) {
        return OV_UNSUPPORTED;
    }
    TRY(load_narrow(&upack, walk));
    (is_late ? read_narrow_late : read_narrow)(&upack, &plan);
    return unpack(&upack, &plan, walk);
}
