// SPDX-License-Identifier: Apache-2.0
// Programs packed by ASPack 2.12 to 2.42: blocks of a compression much like LZX, each unpacked to
// where it lies.
//
// The lengths of four Huffman codes come first and may be replaced at any time: for bytes and
// matches, for long lengths, for the last three bits of far distances, and for these lengths
// themselves. The tables of bases and extra bits are taken from the stub.
#include "format/codec/lz.h"
#include "format/exe/packed.h"

enum {
    SLOTS = 58, // of distances
    LENGTHS = 28,
    MAIN_CODES = 721,
    MATCHES_BEGIN = 256,
    NEW_CODES = 720, // the symbol for: other codes follow
    LOW_CODES = 8,
    ALL_CODES = MAIN_CODES + LENGTHS + LOW_CODES,
    LENGTH_CODES = 19, // of the code for lengths
    EXTRA_BITS_MAX = 24,
    REPEATED = 3,        // distances that a number below this repeats
    SLACK_BYTES = 0x10e, // zeros that may be read behind a block
    TIME_CHECK_STEPS = 1 << 16,
};

// Where things stand, counted from one byte before the entry point.
struct version {
    uint32_t mark_at; // bytes of code that tell the versions apart
    uint32_t blocks_at, block_bytes;
    uint32_t tables_at;
    uint32_t call_mark_at;
    uint32_t entry_at;
};

static const struct version versions[] = {
    {0x3ba, 0x57c, 8, 0x6d6, 0x148, 0x39b},  // 2.12
    {0x420, 0x5d8, 12, 0x732, 0x13a, 0x401}, // between them
    {0x42c, 0x5e4, 12, 0x73e, 0x148, 0x40d}, // 2.42
};

struct aspack {
    const struct ov_packed *packed;
    const struct version *version;
    struct ov_walk *walk;
    struct ov_buf memory; // the program, from address 0 on
    uint32_t stub;        // address that the places of the version count from
    uint8_t length_base[LENGTHS], length_bits[LENGTHS], slot_bits[SLOTS];
    uint32_t slot_base[SLOTS];
};

// ---- compression -------------------------------------------------------------------------------

struct decoder {
    const struct aspack *aspack;
    struct ov_bits bits;
    struct ov_huffman main, length, low;
    uint8_t lengths[ALL_CODES];
    bool has_low; // the code for low bits says more than the bits themselves
    uint32_t history[REPEATED];
    struct ov_place place;
};

static enum ov_status read_length_code(struct decoder *decoder, struct ov_huffman *ret_code) {
    uint8_t lengths[LENGTH_CODES];
    for (unsigned i = 0; i < LENGTH_CODES; i++) {
        lengths[i] = (uint8_t)ov_bits_take(&decoder->bits, 4);
    }
    return ov_huffman_build(lengths, LENGTH_CODES, true, ret_code);
}

// Reads the lengths of all codes, as differences to those before, and builds the codes.
static enum ov_status read_codes(struct decoder *decoder) {
    enum { AGAIN = 16, ZEROS = 17 };
    struct ov_bits *bits = &decoder->bits;
    uint8_t lengths[ALL_CODES] = {0};
    struct ov_huffman code = {0};
    bool has_old = ov_bits_take(bits, 1) != 0;
    TRY(read_length_code(decoder, &code));
    for (unsigned i = 0; i < ALL_CODES;) {
        int symbol = ov_huffman_read(&code, bits);
        if (symbol < 0 || bits->is_past) {
            return OV_DAMAGED;
        }
        if (symbol < AGAIN) {
            unsigned old = has_old ? decoder->lengths[i] : 0;
            lengths[i++] = (uint8_t)((old + (unsigned)symbol) & 15);
            continue;
        }
        uint8_t value = symbol == AGAIN && i > 0 ? lengths[i - 1] : 0;
        unsigned count = symbol == AGAIN   ? 3 + ov_bits_take(bits, 2)
                         : symbol == ZEROS ? 3 + ov_bits_take(bits, 3)
                                           : 11 + ov_bits_take(bits, 7);
        for (; count > 0 && i < ALL_CODES; count--) {
            lengths[i++] = value;
        }
    }
    memcpy(decoder->lengths, lengths, sizeof lengths);
    TRY(ov_huffman_build(lengths, MAIN_CODES, true, &decoder->main));
    TRY(ov_huffman_build(&lengths[MAIN_CODES], LENGTHS, true, &decoder->length));
    decoder->has_low = false;
    for (unsigned i = MAIN_CODES + LENGTHS; i < ALL_CODES; i++) {
        decoder->has_low = decoder->has_low || lengths[i] != 3;
    }
    return ov_huffman_build(&lengths[MAIN_CODES + LENGTHS], LOW_CODES, true, &decoder->low);
}

// A distance, less one; the last three are kept, the latest first.
static bool read_distance(struct decoder *decoder, unsigned slot, uint32_t *ret_distance) {
    uint32_t number = decoder->aspack->slot_base[slot];
    unsigned extra = decoder->aspack->slot_bits[slot];
    if (!decoder->has_low || extra < 3) {
        number += ov_bits_take(&decoder->bits, extra);
    } else {
        number += ov_bits_take(&decoder->bits, extra - 3) << 3;
        int low = ov_huffman_read(&decoder->low, &decoder->bits);
        if (low < 0) {
            return false;
        }
        number += (uint32_t)low;
    }
    uint32_t *history = decoder->history;
    if (number < REPEATED) {
        *ret_distance = history[number];
        history[number] = history[0];
    } else {
        *ret_distance = number - REPEATED;
        history[2] = history[1];
        history[1] = history[0];
    }
    history[0] = *ret_distance;
    return true;
}

static bool copy_match(struct decoder *decoder, unsigned symbol) {
    enum { LONG = 7, LENGTH_MIN = 2 };
    unsigned slot = (symbol - MATCHES_BEGIN) >> 3;
    uint32_t length = (symbol - MATCHES_BEGIN) & 7;
    if (length == LONG) {
        int number = ov_huffman_read(&decoder->length, &decoder->bits);
        if (number < 0) {
            return false;
        }
        length += decoder->aspack->length_base[number];
        length += ov_bits_take(&decoder->bits, decoder->aspack->length_bits[number]);
    }
    uint32_t distance;
    return read_distance(decoder, slot, &distance) && !decoder->bits.is_past &&
           ov_place_copy(&decoder->place, (size_t)distance + 1, length + LENGTH_MIN);
}

static enum ov_status decode(struct decoder *decoder) {
    TRY(read_codes(decoder));
    for (uint64_t step = 1; decoder->place.at < decoder->place.size; step++) {
        if (step % TIME_CHECK_STEPS == 0) {
            TRY(ov_walk_has_time(decoder->aspack->walk));
        }
        int symbol = ov_huffman_read(&decoder->main, &decoder->bits);
        if (symbol < 0 || decoder->bits.is_past) {
            return OV_DAMAGED;
        }
        if (symbol < MATCHES_BEGIN) {
            (void)ov_place_put(&decoder->place, (uint8_t)symbol);
        } else if (symbol == NEW_CODES) {
            TRY(read_codes(decoder));
        } else if (!copy_match(decoder, (unsigned)symbol)) {
            return OV_DAMAGED;
        }
    }
    return OV_OK;
}

// ---- blocks ------------------------------------------------------------------------------------

static enum ov_status unpack_block(struct aspack *aspack, uint32_t address, uint32_t bytes) {
    OV_CLEANUP(ov_buf_release) struct ov_buf input = {0};
    struct ov_span packed = ov_span_part(ov_buf_span(&aspack->memory), address, bytes);
    ov_buf_add(&input, packed.data, packed.size);
    (void)ov_buf_extend(&input, SLACK_BYTES);
    TRY(ov_buf_status(&input));
    struct decoder decoder = {.aspack = aspack,
                              .bits = ov_bits_init(ov_buf_span(&input), true),
                              .place = ov_place_init(&aspack->memory, address, bytes)};
    return decode(&decoder);
}

// The targets of calls and jumps stand as distances from the start of the first block, behind a
// byte that marks them.
static void restore_calls(struct aspack *aspack, uint32_t address, uint32_t bytes) {
    enum { OPERAND_BYTES = 4, LAST_BYTES = 6 };
    struct ov_place code = ov_place_init(&aspack->memory, address, bytes);
    uint64_t mark_at = (uint64_t)aspack->stub + aspack->version->call_mark_at;
    uint8_t mark = (uint8_t)ov_packed_u32(ov_buf_span(&aspack->memory), mark_at);
    for (uint32_t i = 0; i + LAST_BYTES < code.size; i++) {
        if ((code.data[i] != 0xe8 && code.data[i] != 0xe9) || code.data[i + 1] != mark) {
            continue;
        }
        uint32_t target =
            (uint32_t)code.data[i + 4] << 16 | (uint32_t)code.data[i + 3] << 8 | code.data[i + 2];
        for (unsigned k = 0; k < OPERAND_BYTES; k++) {
            code.data[i + 1 + k] = (uint8_t)((target - i) >> (8 * k));
        }
        i += OPERAND_BYTES;
    }
}

// The list of blocks ends with an address of 0.
static enum ov_status unpack_blocks(struct aspack *aspack) {
    enum { CALLS_MIN = 7 };
    bool has_calls = false;
    uint64_t at = (uint64_t)aspack->stub + aspack->version->blocks_at;
    for (;; at += aspack->version->block_bytes) {
        struct ov_span memory = ov_buf_span(&aspack->memory);
        uint32_t address = ov_packed_u32(memory, at);
        uint32_t bytes = ov_packed_u32(memory, at + 4);
        if (address == 0) {
            return OV_OK;
        }
        if (bytes == (uint32_t)-SLACK_BYTES) {
            continue; // nothing to unpack
        }
        if (bytes == 0 || !ov_packed_holds(0, memory.size, address, bytes)) {
            return OV_DAMAGED;
        }
        TRY(ov_walk_has_time(aspack->walk));
        TRY(unpack_block(aspack, address, bytes));
        if (!has_calls && bytes > CALLS_MIN) {
            restore_calls(aspack, address, bytes);
            has_calls = true;
        }
    }
}

// ---- program -----------------------------------------------------------------------------------

static bool find_version(struct aspack *aspack) {
    static const uint8_t push_ret[] = {0x68, 0, 0, 0, 0, 0xc3};
    const struct ov_packed *packed = aspack->packed;
    struct ov_span start = ov_span_make("\x60\xe8\x03\0\0\0\xe9\xeb", 8);
    if (packed->entry == 0 || !ov_span_is_equal(ov_span_part(packed->stub, 0, 8), start)) {
        return false;
    }
    aspack->stub = packed->entry - 1;
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        aspack->version = &versions[i];
        struct ov_span code = ov_span_part(packed->stub, versions[i].mark_at - 1, sizeof push_ret);
        if (ov_span_is_equal(code, ov_span_make(push_ret, sizeof push_ret))) {
            return true;
        }
    }
    return false;
}

static bool read_tables(struct aspack *aspack) {
    struct ov_cursor in = ov_cursor_init(ov_buf_span(&aspack->memory));
    ov_cursor_seek(&in, (uint64_t)aspack->stub + aspack->version->tables_at);
    struct ov_span base = ov_cursor_bytes(&in, LENGTHS);
    struct ov_span length = ov_cursor_bytes(&in, LENGTHS);
    struct ov_span slot = ov_cursor_bytes(&in, SLOTS);
    if (in.has_failed) {
        return false;
    }
    memcpy(aspack->length_base, base.data, LENGTHS);
    memcpy(aspack->length_bits, length.data, LENGTHS);
    memcpy(aspack->slot_bits, slot.data, SLOTS);
    bool is_good = true;
    for (unsigned i = 0; i < LENGTHS; i++) {
        is_good = is_good && aspack->length_bits[i] <= EXTRA_BITS_MAX;
    }
    for (unsigned i = 0; i < SLOTS && is_good; i++) {
        is_good = aspack->slot_bits[i] <= EXTRA_BITS_MAX;
        if (i + 1 < SLOTS) {
            aspack->slot_base[i + 1] =
                aspack->slot_base[i] + ((uint32_t)1 << (aspack->slot_bits[i] & 31));
        }
    }
    return is_good;
}

// All sections but the two of ASPack, each as long as in memory.
static enum ov_status tell(const struct aspack *aspack) {
    const struct ov_packed *packed = aspack->packed;
    struct ov_pe_piece list[OV_PACKED_SECTIONS_MAX];
    uint32_t count = packed->section_count;
    if (count > 2 && aspack->stub == packed->sections[count - 2].address &&
        packed->sections[count - 1].raw_bytes == 0) {
        count -= 2;
    }
    struct ov_span memory = ov_buf_span(&aspack->memory);
    for (uint32_t i = 0; i < count; i++) {
        const struct ov_packed_section *section = &packed->sections[i];
        list[i] = (struct ov_pe_piece){
            .address = section->address,
            .virtual_bytes = section->virtual_bytes,
            .bytes = ov_span_part(memory, section->address, section->virtual_bytes)};
    }
    uint64_t entry_at = (uint64_t)aspack->stub + aspack->version->entry_at;
    const struct ov_pe_pieces pieces = {.pieces = list,
                                        .count = count,
                                        .image_base = packed->image_base,
                                        .entry = ov_packed_u32(memory, entry_at)};
    return ov_pe_tell(&pieces, aspack->walk);
}

static void release(struct aspack *aspack) {
    ov_buf_release(&aspack->memory);
}

enum ov_status ov_aspack_unpack(const struct ov_packed *packed, struct ov_walk *walk) {
    OV_CLEANUP(release) struct aspack aspack = {.packed = packed, .walk = walk};
    if (!find_version(&aspack)) {
        return OV_UNSUPPORTED;
    }
    uint64_t size = 0;
    for (uint32_t i = 0; i < packed->section_count; i++) {
        uint64_t end = (uint64_t)packed->sections[i].address + packed->sections[i].virtual_bytes;
        size = end > size ? end : size;
    }
    TRY(ov_packed_room(walk, size, &aspack.memory));
    if (!ov_packed_load(packed, 0, &aspack.memory) || !read_tables(&aspack)) {
        return OV_UNSUPPORTED;
    }
    enum ov_status status = unpack_blocks(&aspack);
    if (status == OV_LIMIT || status == OV_MEMORY) {
        return status;
    }
    TRY(tell(&aspack));
    return status;
}
