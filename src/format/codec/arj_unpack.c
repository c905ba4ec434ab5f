// SPDX-License-Identifier: Apache-2.0
// LZ77 with a window of 26 KB, in the two codings of ARJ.
//
// Methods 1 to 3 write blocks as lh5 does (LZHUF of Haruhiko Okumura's ar002): the lengths of the
// codes for lengths, those of the codes for bytes and matches, those of the codes for distances.
#include "format/codec/arj_unpack.h"
#include "format/codec/lz.h"

enum {
    METHOD_STORED = 0,
    METHOD_FASTEST = 4,
    MATCH_MIN = 3,
    MATCH_START = 256, // of the symbols: no byte
    SYMBOLS = 510,     // bytes, and matches of 3 to 256
    SYMBOL_COUNT_BITS = 9,
    LENGTH_SYMBOLS = 19, // lengths 0 to 16, and two for many zeros; also the most distances
    LENGTH_COUNT_BITS = 5,
    LENGTH_GAP_AT = 3, // behind these, how many of the next are not used
    NO_GAP = -1,
};

// A code of which one symbol may be the only one: it takes no bits.
struct code {
    struct ov_huffman huffman;
    int only; // or -1
};

struct unpacker {
    struct ov_bits bits;
    struct ov_window window;
    struct code lengths, symbols, distances;
    unsigned block_left; // symbols
};

static int read_symbol(const struct code *code, struct ov_bits *bits) {
    return code->only >= 0 ? code->only : ov_huffman_read(&code->huffman, bits);
}

static enum ov_status build(const uint8_t *lengths, unsigned count, struct code *code) {
    code->only = -1;
    return ov_huffman_build(lengths, count, true, &code->huffman);
}

// Three bits; seven, and as many more as ones follow.
static uint8_t read_short_length(struct ov_bits *bits) {
    uint8_t length = (uint8_t)ov_bits_take(bits, 3);
    while (length >= 7 && length <= OV_HUFFMAN_BITS_MAX && ov_bits_take(bits, 1) != 0) {
        length++;
    }
    return length;
}

static enum ov_status read_short_code(struct unpacker *in, int gap_at, struct code *code) {
    uint8_t lengths[LENGTH_SYMBOLS] = {0};
    unsigned count = ov_bits_take(&in->bits, LENGTH_COUNT_BITS);
    if (count == 0) {
        code->only = (int)ov_bits_take(&in->bits, LENGTH_COUNT_BITS);
        return code->only < LENGTH_SYMBOLS ? OV_OK : OV_DAMAGED;
    }
    for (unsigned i = 0; i < count && i < LENGTH_SYMBOLS;) {
        lengths[i++] = read_short_length(&in->bits);
        i += (int)i == gap_at ? ov_bits_take(&in->bits, 2) : 0;
    }
    return build(lengths, LENGTH_SYMBOLS, code);
}

static enum ov_status read_symbol_code(struct unpacker *in) {
    uint8_t lengths[SYMBOLS] = {0};
    unsigned count = ov_bits_take(&in->bits, SYMBOL_COUNT_BITS);
    if (count == 0) {
        in->symbols.only = (int)ov_bits_take(&in->bits, SYMBOL_COUNT_BITS);
        return in->symbols.only < SYMBOLS ? OV_OK : OV_DAMAGED;
    }
    for (unsigned i = 0; i < count && i < SYMBOLS;) {
        int symbol = read_symbol(&in->lengths, &in->bits);
        if (symbol < 0 || in->bits.is_past) {
            return OV_DAMAGED;
        }
        if (symbol > 2) {
            lengths[i++] = (uint8_t)(symbol - 2);
            continue;
        }
        i += symbol == 0   ? 1
             : symbol == 1 ? ov_bits_take(&in->bits, 4) + 3
                           : ov_bits_take(&in->bits, SYMBOL_COUNT_BITS) + 20;
    }
    return build(lengths, SYMBOLS, &in->symbols);
}

static enum ov_status start_block(struct unpacker *in) {
    in->block_left = ov_bits_take(&in->bits, 16);
    TRY(read_short_code(in, LENGTH_GAP_AT, &in->lengths));
    TRY(read_symbol_code(in));
    TRY(read_short_code(in, NO_GAP, &in->distances));
    return in->bits.is_past || in->block_left == 0 ? OV_DAMAGED : OV_OK;
}

// One byte or match of methods 1 to 3.
static enum ov_status step_coded(struct unpacker *in) {
    if (in->block_left == 0) {
        TRY(start_block(in));
    }
    in->block_left--;
    int symbol = read_symbol(&in->symbols, &in->bits);
    if (symbol < 0 || in->bits.is_past) {
        return OV_DAMAGED;
    }
    if (symbol < MATCH_START) {
        return ov_window_put(&in->window, (uint8_t)symbol) ? OV_OK : in->window.status;
    }
    int width = read_symbol(&in->distances, &in->bits);
    if (width < 0 || width > OV_HUFFMAN_BITS_MAX) {
        return OV_DAMAGED;
    }
    unsigned extra = width > 1 ? (unsigned)width - 1 : 0;
    size_t distance = width == 0 ? 1 : ((size_t)1 << extra) + ov_bits_take(&in->bits, extra) + 1;
    if (in->bits.is_past) {
        return OV_DAMAGED;
    }
    size_t size = (size_t)symbol - MATCH_START + MATCH_MIN;
    return ov_window_copy(&in->window, distance, size) ? OV_OK : in->window.status;
}

// A number of `from` to `to` bits: as many ones come first as it has bits more than `from`, and
// each width begins where the one before ends.
static uint32_t read_number(struct ov_bits *bits, unsigned from, unsigned to) {
    uint32_t base = 0;
    unsigned width = from;
    while (width < to && ov_bits_take(bits, 1) != 0) {
        base += 1u << width++;
    }
    return base + ov_bits_take(bits, width);
}

// One byte or match of method 4.
static enum ov_status step_plain(struct unpacker *in) {
    uint32_t size = read_number(&in->bits, 0, 7);
    uint32_t value = size == 0 ? ov_bits_take(&in->bits, 8) : read_number(&in->bits, 9, 13);
    if (in->bits.is_past) {
        return OV_DAMAGED;
    }
    bool is_put = size == 0 ? ov_window_put(&in->window, (uint8_t)value)
                            : ov_window_copy(&in->window, value + 1, size - 1 + MATCH_MIN);
    return is_put ? OV_OK : in->window.status;
}

static enum ov_status take_stored(struct ov_span packed, struct ov_walk *walk,
                                  struct ov_buf *plain) {
    size_t room = ov_walk_room(walk);
    ov_buf_add(plain, packed.data, packed.size < room ? packed.size : room);
    if (packed.size > room) {
        ov_walk_note_cut(walk);
        return OV_LIMIT;
    }
    return ov_buf_status(plain);
}

enum ov_status ov_arj_unpack(struct ov_span packed, unsigned method, uint64_t plain_bytes,
                             struct ov_walk *walk, struct ov_buf *plain) {
    if (method == METHOD_STORED) {
        return take_stored(packed, walk, plain);
    }
    if (method > METHOD_FASTEST) {
        return OV_UNSUPPORTED;
    }
    struct unpacker in = {.bits = ov_bits_init(packed, true)};
    ov_window_init(&in.window, plain, walk);
    enum ov_status status = OV_OK;
    while (status == OV_OK && ov_window_written(&in.window) < plain_bytes) {
        status = method == METHOD_FASTEST ? step_plain(&in) : step_coded(&in);
    }
    ov_window_finish(&in.window);
    return status;
}
