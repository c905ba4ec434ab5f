// SPDX-License-Identifier: Apache-2.0
// Viruses that change their form. What is looked for is clamscan's knowledge; nothing is executed.
#include "format/exe/infected.h"

static const struct ov_packed_section *last_section(const struct ov_packed *packed) {
    return &packed->sections[packed->section_count - 1];
}

static uint8_t byte_at(struct ov_span bytes, size_t at) {
    return at < bytes.size ? bytes.data[at] : 0;
}

// ---- Parite.B ----------------------------------------------------------------------------------

// It begins where the last section does, and keeps its settings encrypted behind a name: three
// numbers whose differences from the next one are always the same.
static bool is_parite(const struct ov_packed *packed) {
    enum { STUB_BYTES = 4096, SEARCHED_BYTES = 4040 };
    static const char name[] = "GetProcAddress"; // with its zero
    struct ov_span stub = ov_span_part(packed->stub, 0, STUB_BYTES);
    if (packed->is_library || stub.size < STUB_BYTES ||
        packed->entry_offset != last_section(packed)->raw_offset) {
        return false;
    }
    struct ov_span searched = ov_span_part(stub, 0, SEARCHED_BYTES);
    size_t at = ov_span_search(searched, 0, ov_span_make(name, sizeof name)) + sizeof name;
    static const uint32_t differences[] = {0x505a4f, 0xffffb, 0xb8};
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        uint64_t pair_at = at + 8 * i;
        if ((ov_packed_u32(stub, pair_at) ^ ov_packed_u32(stub, pair_at + 4)) != differences[i]) {
            return false;
        }
    }
    return at <= SEARCHED_BYTES;
}

// ---- Kriz --------------------------------------------------------------------------------------

// Its decryptor: pushf, pusha, a call over data, a pop into a pointer, the size into a counter, a
// xor of one byte, both registers one down, and back. Between them stands trash that touches
// neither register.
enum {
    KRIZ_STUB_BYTES = 200,
    KRIZ_READ_BYTES = 194,
    KRIZ_BODY_BYTES = 0xfd2,
    REGISTER_STACK = 4,
    NO_REGISTER = 0xff,
    OP_XOR = 0x80,
    OP_CALL = 0xe8,
    OP_BACK = 0x75, // jnz
    OP_PREFIX = 0x3e,
    OP_POP = 0x58,
    OP_MOVE = 0xb8,
    OP_DOWN = 0x48,  // dec
    OP_LONG = 0x81,  // with a byte and four more
    XOR_BASE = 0xb0, // how a xor names the pointer
};

struct kriz {
    struct ov_span stub;
    size_t at; // next byte
    unsigned pointer, counter;
    size_t counted_at; // behind the instruction that sets the counter
    size_t xor_at;     // behind the first byte of the xor
};

static bool has_more(const struct kriz *kriz) {
    return kriz->at < KRIZ_READ_BYTES;
}

static bool is_free(const struct kriz *kriz, unsigned number) {
    return number != REGISTER_STACK && number != kriz->pointer && number != kriz->counter;
}

// Passes over instructions that do nothing. With `is_setting`, over one that sets the counter as
// well, and no further.
static void skip_trash(struct kriz *kriz, bool is_setting) {
    while (has_more(kriz)) {
        uint8_t op = byte_at(kriz->stub, kriz->at);
        unsigned number = op & 7u;
        bool is_move = (op & ~7u) == OP_MOVE && number != REGISTER_STACK;
        if (is_setting && is_move && ov_packed_u32(kriz->stub, kriz->at + 1) == KRIZ_BODY_BYTES) {
            kriz->at += 5;
            kriz->counter = number;
            kriz->counted_at = kriz->at;
            return;
        }
        if (op == OP_LONG) {
            kriz->at += 6;
        } else if (is_move && is_free(kriz, number)) {
            kriz->at += 5;
        } else if ((op & ~7u) == OP_DOWN && is_free(kriz, number)) {
            kriz->at++;
        } else {
            return;
        }
    }
}

// Takes one byte if it is that one.
static bool take(struct kriz *kriz, unsigned op) {
    bool is_it = has_more(kriz) && byte_at(kriz->stub, kriz->at) == op;
    kriz->at += is_it;
    return is_it;
}

// The call and the pop: how it finds out where it is.
static bool take_place(struct kriz *kriz) {
    if (!take(kriz, OP_CALL) || ov_packed_u32(kriz->stub, kriz->at) >= 0xff) {
        return false;
    }
    kriz->at += 4 + (size_t)byte_at(kriz->stub, kriz->at);
    kriz->pointer = byte_at(kriz->stub, kriz->at) - (unsigned)OP_POP;
    kriz->at++;
    return kriz->at <= KRIZ_READ_BYTES && kriz->pointer < 8 && kriz->pointer != REGISTER_STACK;
}

static bool take_xor(struct kriz *kriz) {
    (void)take(kriz, OP_PREFIX);
    if (!take(kriz, OP_XOR) || byte_at(kriz->stub, kriz->at) != kriz->pointer + XOR_BASE) {
        return false;
    }
    kriz->xor_at = kriz->at;
    kriz->at += 6;
    return true;
}

// Back to somewhere between the setting of the counter and the xor.
static bool take_loop(struct kriz *kriz) {
    if (!take(kriz, kriz->counter + OP_DOWN) || byte_at(kriz->stub, kriz->at) != OP_BACK) {
        return false;
    }
    uint8_t back = byte_at(kriz->stub, kriz->at + 1);
    size_t target = kriz->at + 2 + back - (back >= 0x80 ? 0x100u : 0u);
    return target >= kriz->counted_at && target <= kriz->xor_at + 2;
}

static bool is_kriz(const struct ov_packed *packed) {
    const struct ov_packed_section *last = last_section(packed);
    struct kriz kriz = {
        .stub = packed->stub, .at = 3, .pointer = NO_REGISTER, .counter = NO_REGISTER};
    if (packed->stub.size < KRIZ_STUB_BYTES || byte_at(packed->stub, 1) != 0x9c ||
        byte_at(packed->stub, 2) != 0x60 ||
        !ov_packed_holds(last->raw_offset, last->raw_bytes, packed->entry_offset,
                         KRIZ_BODY_BYTES)) {
        return false;
    }
    skip_trash(&kriz, false);
    if (!take_place(&kriz)) {
        return false;
    }
    skip_trash(&kriz, true);
    skip_trash(&kriz, false);
    if (!take_xor(&kriz)) {
        return false;
    }
    skip_trash(&kriz, false);
    if (!take(&kriz, kriz.pointer + OP_DOWN)) {
        return false;
    }
    skip_trash(&kriz, false);
    return take_loop(&kriz);
}

// ---- Magistr -----------------------------------------------------------------------------------

// It leaves the last section with a size that ends in a byte of its own, and a call over its body
// in what it put at the end.
struct magistr {
    uint32_t virtual_min, raw_min, mark; // mark: the last byte of the size in memory
    uint32_t from_end;                   // where the call is looked for
    const char *call;
    enum ov_heuristic whole, damaged;
};

static const struct magistr magistrs[] = {
    {0x612c, 0x612c, 0xec, 0x7000, "\xe8\x2c\x61\0", OV_HEURISTIC_MAGISTR_A,
     OV_HEURISTIC_MAGISTR_A_DAMAGED},
    {0x7000, 0x7000, 0xed, 0x8000, "\xe8\x04\x72\0", OV_HEURISTIC_MAGISTR_B,
     OV_HEURISTIC_MAGISTR_B_DAMAGED},
};

static void look_for_magistr(const struct ov_packed *packed, const struct magistr *magistr,
                             struct ov_walk *walk) {
    enum { TAIL_BYTES = 4096, SEARCHED_BYTES = 4091, CALL_BYTES = 5, IS_WRITABLE_BIT = 31 };
    const struct ov_packed_section *last = last_section(packed);
    bool is_damaged = last->raw_bytes < last->told_raw_bytes;
    uint32_t raw_bytes = is_damaged ? last->told_raw_bytes : last->raw_bytes;
    uint32_t virtual_bytes = last->told_virtual_bytes;
    if (packed->is_library || packed->section_count < 2 || last->flags >> IS_WRITABLE_BIT == 0 ||
        virtual_bytes < magistr->virtual_min || raw_bytes < magistr->raw_min ||
        (virtual_bytes & 0xff) != magistr->mark) {
        return;
    }
    uint32_t from_end = raw_bytes < magistr->from_end ? raw_bytes : magistr->from_end;
    uint64_t at = (uint64_t)last->raw_offset + raw_bytes - from_end;
    struct ov_span tail = ov_span_part(packed->file, at, TAIL_BYTES);
    struct ov_span searched = ov_span_part(tail, 0, SEARCHED_BYTES);
    struct ov_span call = ov_span_make(magistr->call, CALL_BYTES); // its last byte is the NUL
    if (tail.size == TAIL_BYTES && ov_span_search(searched, 0, call) < searched.size) {
        ov_walk_alert(walk, is_damaged ? magistr->damaged : magistr->whole);
    }
}

// ---- Polipos.A ---------------------------------------------------------------------------------

enum {
    COFF_BYTES = 24,
    SUBSYSTEM_AT = 68, // in the optional header
    STACK_AT = 72,
    HOOK_BYTES = 9,
};

// A section of its own, in the midst of a program with windows or a console, and a large stack.
static const struct ov_packed_section *find_polipos(const struct ov_packed *packed) {
    const struct ov_packed_section *found = NULL;
    struct ov_cursor in = ov_cursor_init(packed->file);
    ov_cursor_seek(&in, (uint64_t)packed->headers_at + 4);
    uint32_t machine = ov_cursor_u16le(&in);
    ov_cursor_seek(&in, (uint64_t)packed->headers_at + COFF_BYTES + SUBSYSTEM_AT);
    uint32_t subsystem = ov_cursor_u16le(&in);
    uint32_t stack_bytes =
        ov_packed_u32(packed->file, (uint64_t)packed->headers_at + COFF_BYTES + STACK_AT);
    for (uint32_t i = 0; i < packed->section_count; i++) {
        const struct ov_packed_section *section = &packed->sections[i];
        if (section->raw_bytes != 0 && section->virtual_bytes > 40000 &&
            section->virtual_bytes < 70000 && section->flags == 0xe0000060) {
            found = section;
        }
    }
    bool is_program = !packed->is_library && machine == 0x14c &&
                      (subsystem == 2 || subsystem == 3) && stack_bytes >= 0x80000;
    bool is_usual = packed->section_count > 2 && packed->section_count < 13 &&
                    packed->headers_at <= 0x800 && found != packed->sections;
    return is_program && is_usual ? found : NULL;
}

// The place in the file of an address; false when no section has it.
static bool find_offset(const struct ov_packed *packed, uint32_t address, uint64_t *ret_offset) {
    if (address < packed->header_bytes) {
        *ret_offset = address;
        return address < packed->file.size;
    }
    for (uint32_t i = packed->section_count; i > 0; i--) {
        const struct ov_packed_section *section = &packed->sections[i - 1];
        if (section->address <= address && address - section->address < section->raw_bytes) {
            *ret_offset = (uint64_t)section->raw_offset + (address - section->address);
            return true;
        }
    }
    return false;
}

// A new frame on the stack, and what it does next: save all registers, with room for variables or
// without, or make much room.
static bool is_hook(struct ov_span code) {
    uint32_t first = ov_packed_u32(code, 0);
    bool is_small = first == 0x83ec8b55 && byte_at(code, 6) == 0x60;
    bool is_large = first == 0x81ec8b55 && byte_at(code, 7) == 0 && byte_at(code, 8) == 0;
    return first == 0x60ec8b55 || (byte_at(code, 4) == 0xec && (is_small || is_large));
}

// Calls and jumps from the first section into the virus's own.
static enum ov_status look_for_polipos(const struct ov_packed *packed, struct ov_walk *walk) {
    enum { CLOCK_STEPS = 1 << 16, CALL_BYTES = 5 };
    const struct ov_packed_section *own = find_polipos(packed);
    struct ov_span code = ov_packed_raw(packed, &packed->sections[0]);
    for (size_t i = 0; own != NULL && i + CALL_BYTES < code.size; i++) {
        if (i % CLOCK_STEPS == 0) {
            TRY(ov_walk_has_time(walk));
        }
        uint64_t offset;
        if ((code.data[i] & 0xfe) != OP_CALL ||
            !find_offset(packed,
                         packed->sections[0].address + (uint32_t)i + CALL_BYTES +
                             ov_packed_u32(code, i + 1),
                         &offset)) {
            continue;
        }
        if (ov_packed_holds(own->raw_offset, own->raw_bytes, offset, HOOK_BYTES) &&
            is_hook(ov_span_part(packed->file, offset, HOOK_BYTES))) {
            ov_walk_alert(walk, OV_HEURISTIC_POLIPOS_A);
            return OV_OK;
        }
    }
    return OV_OK;
}

enum ov_status ov_infected_look(const struct ov_packed *packed, struct ov_walk *walk) {
    if (is_parite(packed)) {
        ov_walk_alert(walk, OV_HEURISTIC_PARITE_B);
    }
    if (is_kriz(packed)) {
        ov_walk_alert(walk, OV_HEURISTIC_KRIZ);
    }
    for (size_t i = 0; i < sizeof magistrs / sizeof magistrs[0]; i++) {
        look_for_magistr(packed, &magistrs[i], walk);
    }
    return look_for_polipos(packed, walk);
}
