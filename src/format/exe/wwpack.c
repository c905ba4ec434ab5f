// SPDX-License-Identifier: Apache-2.0
// Programs packed by WWPack32: runs of the program as it lies in memory, unpacked in place.
//
// The stub, a section of its own, holds a list of runs. Each is a stream of bits, the highest
// first, in words of 32 that are loaded as soon as the last bit of one is used; between the words
// stand whole bytes.
#include "format/exe/packed.h"

enum {
    RUNS_AT = 0x2a1, // in the stub
    RUN_BYTES = 17,
    OWN_ENTRY_AT = 0x295, // counted from behind itself
    TIME_CHECK_STEPS = 1 << 16,
};

struct unpacker {
    struct ov_cursor in;
    struct ov_place place; // the whole program in memory
    uint32_t word;
    unsigned bits_left;
};

static void load_word(struct unpacker *unpacker) {
    unpacker->word = ov_cursor_u32le(&unpacker->in);
    unpacker->bits_left = 32;
}

static uint32_t take_bits(struct unpacker *unpacker, unsigned count) {
    uint32_t value = 0;
    for (; count > 0; count--) {
        unpacker->bits_left--;
        value = value << 1 | (unpacker->word >> unpacker->bits_left & 1);
        if (unpacker->bits_left == 0) {
            load_word(unpacker);
        }
    }
    return value;
}

// The distance of a match that is longer than two bytes.
static uint32_t read_distance(struct unpacker *unpacker) {
    enum { SHORTEST = 31 }; // distances below 2^5 - 31 do not occur
    uint32_t class = take_bits(unpacker, 3);
    unsigned bits = class + 5;
    switch (class) {
    case 3:
    case 4:
        bits = (class == 3 ? 8 : 10) + take_bits(unpacker, 1);
        break;
    case 5:
        bits = 12;
        break;
    case 6:
        return take_bits(unpacker, 14) + (1 << 13) - SHORTEST;
    case 7:
        return take_bits(unpacker, 15) + (1 << 13) + (1 << 14) - SHORTEST;
    default:
        break;
    }
    return take_bits(unpacker, bits) + (1u << bits) - SHORTEST;
}

// The length of a match of five bytes or more.
static uint32_t read_length(struct unpacker *unpacker) {
    if (take_bits(unpacker, 1) == 0) {
        return 5 + take_bits(unpacker, 1);
    }
    uint32_t value = take_bits(unpacker, 3);
    if (value != 0) {
        return 6 + value;
    }
    value = take_bits(unpacker, 4);
    if (value != 0) {
        return 13 + value;
    }
    for (unsigned bits = 5; bits <= 7; bits++) {
        if (take_bits(unpacker, 1) != 0) {
            return take_bits(unpacker, bits) + (1u << bits) - 3;
        }
    }
    return take_bits(unpacker, 14);
}

// A match of two bytes. OV_END: the run's end mark, the longest distance there is.
static enum ov_status copy_pair(struct unpacker *unpacker) {
    static const struct {
        uint8_t bits;
        uint16_t first;
    } kinds[] = {{5, 1}, {6, 33}, {8, 97}, {9, 353}};
    enum { END = 0x1ff };
    uint32_t kind = take_bits(unpacker, 2);
    uint32_t value = take_bits(unpacker, kinds[kind].bits);
    if (unpacker->in.has_failed || value == END) {
        return unpacker->in.has_failed ? OV_DAMAGED : OV_END;
    }
    return ov_place_copy(&unpacker->place, value + kinds[kind].first, 2) ? OV_OK : OV_DAMAGED;
}

static enum ov_status unpack_step(struct unpacker *unpacker) {
    if (take_bits(unpacker, 1) == 0) {
        uint8_t byte = ov_cursor_u8(&unpacker->in);
        return ov_place_put(&unpacker->place, byte) ? OV_OK : OV_DAMAGED;
    }
    uint32_t kind = take_bits(unpacker, 2);
    if (kind == 3) {
        return copy_pair(unpacker);
    }
    uint32_t distance = read_distance(unpacker);
    uint32_t length = kind == 0 ? read_length(unpacker) : kind + 2;
    return ov_place_copy(&unpacker->place, distance, length) ? OV_OK : OV_DAMAGED;
}

static enum ov_status unpack_stream(struct unpacker *unpacker, struct ov_walk *walk) {
    enum ov_status status = OV_OK;
    load_word(unpacker);
    for (uint64_t step = 1; status == OV_OK; step++) {
        if (step % TIME_CHECK_STEPS == 0) {
            TRY(ov_walk_has_time(walk));
        }
        status = unpack_step(unpacker);
        if (unpacker->in.has_failed) {
            return OV_DAMAGED;
        }
    }
    return status == OV_END ? OV_OK : status;
}

// A run: where it ends in memory is told; it is unpacked over itself, so its bytes move away first.
// What it should have written over and does not is 0xff, as clamscan has it.
static enum ov_status unpack_run(struct ov_cursor *list, const struct ov_packed_section *stub,
                                 struct ov_buf *memory, struct ov_walk *walk) {
    uint32_t begin = stub->address - ov_cursor_u32le(list);
    ov_cursor_skip(list, 4);
    uint32_t size = ov_cursor_u32le(list) * 4;
    uint32_t at = begin + ov_cursor_u32le(list) + 4 - size;
    if (list->has_failed || size == 0 || !ov_packed_holds(0, memory->size, at, size)) {
        return OV_DAMAGED;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf packed = {0};
    ov_buf_add(&packed, &memory->data[at], size);
    TRY(ov_buf_status(&packed));
    memset(&memory->data[at], 0xff, size);
    struct unpacker unpacker = {.in = ov_cursor_init(ov_buf_span(&packed)),
                                .place = ov_place_init(memory, 0, memory->size)};
    unpacker.place.at = at;
    return unpack_stream(&unpacker, walk);
}

static enum ov_status unpack_runs(struct ov_span raw, const struct ov_packed_section *stub,
                                  struct ov_buf *memory, struct ov_walk *walk) {
    struct ov_cursor list = ov_cursor_init(raw);
    ov_cursor_seek(&list, RUNS_AT);
    bool has_more = true;
    while (has_more) {
        if (ov_cursor_left(&list) < RUN_BYTES) {
            return OV_DAMAGED;
        }
        TRY(ov_walk_has_time(walk));
        TRY(unpack_run(&list, stub, memory, walk));
        has_more = ov_cursor_u8(&list) != 0;
    }
    return OV_OK;
}

// Sections lie in the file as in memory now; the stub's is gone.
static void mend_headers(const struct ov_packed *packed, uint32_t own_entry,
                         struct ov_buf *memory) {
    enum { COUNT_AT = 6, COFF_BYTES = 24, ENTRY_AT = 0x28, IMAGE_BYTES_AT = 0x50 };
    enum { SECTION_BYTES = 40, PLACES_AT = 8 };
    uint64_t at = packed->headers_at;
    uint32_t stub = packed->section_count - 1;
    uint32_t count = ov_packed_u32(ov_buf_span(memory), at + COUNT_AT);
    ov_packed_put_u32(memory, at + COUNT_AT, (count & 0xffff0000) | stub);
    ov_packed_put_u32(memory, at + ENTRY_AT, own_entry);
    uint32_t image_bytes = ov_packed_u32(ov_buf_span(memory), at + IMAGE_BYTES_AT);
    ov_packed_put_u32(memory, at + IMAGE_BYTES_AT,
                      image_bytes - packed->sections[stub].virtual_bytes);
    uint64_t table_at = at + COFF_BYTES + packed->optional_bytes;
    for (uint32_t i = 0; i < stub; i++) {
        const struct ov_packed_section *section = &packed->sections[i];
        const uint32_t places[] = {section->virtual_bytes, section->address, section->virtual_bytes,
                                   section->address};
        for (unsigned k = 0; k < sizeof places / sizeof *places; k++) {
            ov_packed_put_u32(memory, table_at + PLACES_AT + k * sizeof *places, places[k]);
        }
        table_at += SECTION_BYTES;
    }
    for (unsigned k = 0; k < SECTION_BYTES; k += 4) {
        ov_packed_put_u32(memory, table_at + k, 0);
    }
}

// The program in memory without the stub: headers, and each section at its address.
static enum ov_status load(const struct ov_packed *packed, struct ov_walk *walk,
                           struct ov_buf *memory) {
    uint32_t stub = packed->section_count - 1;
    uint32_t head = packed->sections[stub].raw_offset;
    uint64_t size = 0;
    for (uint32_t i = 0; i < stub; i++) {
        const struct ov_packed_section *section = &packed->sections[i];
        uint64_t end = (uint64_t)section->address + section->virtual_bytes;
        size = end > size ? end : size;
        head = section->raw_offset < head ? section->raw_offset : head;
    }
    if (head == 0 || head > size || head > packed->file.size) {
        return OV_UNSUPPORTED;
    }
    TRY(ov_packed_room(walk, size, memory));
    memcpy(memory->data, packed->file.data, head);
    for (uint32_t i = 0; i < stub; i++) {
        struct ov_span raw = ov_packed_raw(packed, &packed->sections[i]);
        if (!ov_packed_holds(0, size, packed->sections[i].address, raw.size)) {
            return OV_DAMAGED;
        }
        if (raw.size > 0) {
            memcpy(&memory->data[packed->sections[i].address], raw.data, raw.size);
        }
    }
    return OV_OK;
}

enum ov_status ov_wwpack_unpack(const struct ov_packed *packed, struct ov_walk *walk) {
    static const uint8_t begin[] = {0x53, 0x55, 0x8b, 0xe8, 0x33, 0xdb, 0xeb};
    static const uint8_t later[] = {0xe8, 0,    0,    0,    0,    0x58, 0x2d, 0x6d, 0,   0,
                                    0,    0x50, 0x60, 0x33, 0xc9, 0x50, 0x58, 0x50, 0x50};
    enum { LATER_AT = 0x68 };
    const struct ov_packed_section *stub = &packed->sections[packed->section_count - 1];
    if (packed->section_count < 2 || packed->entry != stub->address ||
        !ov_span_is_equal(ov_span_part(packed->stub, 0, sizeof begin),
                          ov_span_make(begin, sizeof begin)) ||
        !ov_span_is_equal(ov_span_part(packed->stub, LATER_AT, sizeof later),
                          ov_span_make(later, sizeof later))) {
        return OV_UNSUPPORTED;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf memory = {0};
    TRY(load(packed, walk, &memory));
    struct ov_span raw = ov_packed_raw(packed, stub);
    enum ov_status status = unpack_runs(raw, stub, &memory, walk);
    if (status != OV_OK && status != OV_DAMAGED) {
        return status;
    }
    uint32_t own_entry = ov_packed_u32(raw, OWN_ENTRY_AT) + stub->address + OWN_ENTRY_AT + 4;
    mend_headers(packed, own_entry, &memory);
    TRY(ov_walk_member(walk, ov_buf_span(&memory), ov_span_make(NULL, 0), OV_FILETYPE_MSEXE));
    return status;
}
