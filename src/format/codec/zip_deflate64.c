// SPDX-License-Identifier: Apache-2.0
// Deflate64: RFC 1951 with a window of 64 KB, two more distances and a longest length of 65538.
// And the deflate of NSIS, which zlib does not read.
#include "format/codec/lz.h"
#include "format/exe/nsis.h"
#include "format/archive/zip_methods.h"

enum {
    END_OF_BLOCK = 256,
    LENGTH_CODES = 29,
    DISTANCE_CODES = 32,
    LITERALS_MAX = 286,
    CODE_LENGTH_CODES = 19,
    DEFLATE_LENGTH_MAX = 258,
};

static const uint16_t length_bases[LENGTH_CODES] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                                    15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                                    67, 83, 99, 115, 131, 163, 195, 227, 3};
static const uint8_t length_extras[LENGTH_CODES] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                    2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 16};

struct inflater {
    struct ov_bits bits;
    struct ov_window window;
    struct ov_huffman literals, distances;
    bool is_nsis; // RFC 1951, but stored blocks may lack the complement of their length
};

static enum ov_status copy_stored(struct inflater *in) {
    ov_bits_align(&in->bits);
    uint32_t size = ov_bits_take(&in->bits, 16);
    bool has_complement = (size ^ ov_bits_peek(&in->bits, 16)) == 0xffff;
    if (!has_complement && !in->is_nsis) {
        return OV_DAMAGED;
    }
    ov_bits_drop(&in->bits, has_complement ? 16 : 0);
    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)ov_bits_take(&in->bits, 8);
        if (in->bits.is_past) {
            return OV_DAMAGED;
        }
        if (!ov_window_put(&in->window, byte)) {
            return in->window.status;
        }
    }
    return OV_OK;
}

// The base of a distance: codes come in pairs, each pair with one bit more (RFC 1951, 3.2.5).
static uint32_t read_distance(struct inflater *in, unsigned code) {
    if (code < 4) {
        return code + 1;
    }
    unsigned extra = code / 2 - 1;
    return ((2 + code % 2) << extra) + 1 + ov_bits_take(&in->bits, extra);
}

static enum ov_status copy_match(struct inflater *in, unsigned code) {
    if (code >= LENGTH_CODES) {
        return OV_DAMAGED;
    }
    bool is_longest = in->is_nsis && code == LENGTH_CODES - 1;
    uint32_t size = is_longest ? DEFLATE_LENGTH_MAX
                               : length_bases[code] + ov_bits_take(&in->bits, length_extras[code]);
    int distance_code = ov_huffman_read(&in->distances, &in->bits);
    if (distance_code < 0) {
        return OV_DAMAGED;
    }
    uint32_t distance = read_distance(in, (unsigned)distance_code);
    if (in->bits.is_past || distance > ov_window_written(&in->window)) {
        return OV_DAMAGED;
    }
    return ov_window_copy(&in->window, distance, size) ? OV_OK : in->window.status;
}

static enum ov_status inflate_block(struct inflater *in) {
    while (true) {
        int symbol = ov_huffman_read(&in->literals, &in->bits);
        if (symbol < 0 || in->bits.is_past) {
            return OV_DAMAGED;
        }
        if (symbol == END_OF_BLOCK) {
            return OV_OK;
        }
        if (symbol > END_OF_BLOCK) {
            TRY(copy_match(in, (unsigned)symbol - END_OF_BLOCK - 1));
        } else if (!ov_window_put(&in->window, (uint8_t)symbol)) {
            return in->window.status;
        }
    }
}

static enum ov_status build_fixed(struct inflater *in) {
    uint8_t lengths[288];
    for (unsigned i = 0; i < 288; i++) {
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    }
    TRY(ov_huffman_build(lengths, 288, false, &in->literals));
    memset(lengths, 5, DISTANCE_CODES);
    return ov_huffman_build(lengths, DISTANCE_CODES, false, &in->distances);
}

// Reads `count` code lengths, some of them told as repetitions (RFC 1951, 3.2.7).
static enum ov_status read_lengths(struct inflater *in, const struct ov_huffman *code,
                                   uint8_t *lengths, unsigned count) {
    unsigned at = 0;
    while (at < count) {
        int symbol = ov_huffman_read(code, &in->bits);
        if (symbol < 0 || in->bits.is_past || (symbol == 16 && at == 0)) {
            return OV_DAMAGED;
        }
        if (symbol < 16) {
            lengths[at++] = (uint8_t)symbol;
            continue;
        }
        uint8_t value = symbol == 16 ? lengths[at - 1] : 0;
        unsigned repeats = symbol == 16   ? 3 + ov_bits_take(&in->bits, 2)
                           : symbol == 17 ? 3 + ov_bits_take(&in->bits, 3)
                                          : 11 + ov_bits_take(&in->bits, 7);
        if (repeats > count - at) {
            return OV_DAMAGED;
        }
        memset(&lengths[at], value, repeats);
        at += repeats;
    }
    return OV_OK;
}

static enum ov_status build_dynamic(struct inflater *in) {
    static const uint8_t order[CODE_LENGTH_CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                     11, 4,  12, 3, 13, 2, 14, 1, 15};
    unsigned literal_count = 257 + ov_bits_take(&in->bits, 5);
    unsigned distance_count = 1 + ov_bits_take(&in->bits, 5);
    unsigned code_count = 4 + ov_bits_take(&in->bits, 4);
    uint8_t lengths[LITERALS_MAX + 2 + DISTANCE_CODES] = {0};
    for (unsigned i = 0; i < code_count; i++) {
        lengths[order[i]] = (uint8_t)ov_bits_take(&in->bits, 3);
    }
    struct ov_huffman code = {0};
    TRY(ov_huffman_build(lengths, CODE_LENGTH_CODES, false, &code));
    memset(lengths, 0, sizeof lengths);
    TRY(read_lengths(in, &code, lengths, literal_count + distance_count));
    TRY(ov_huffman_build(lengths, literal_count, false, &in->literals));
    return ov_huffman_build(&lengths[literal_count], distance_count, false, &in->distances);
}

static enum ov_status inflate_all(struct inflater *in) {
    bool is_last = false;
    while (!is_last) {
        is_last = ov_bits_take(&in->bits, 1) != 0;
        unsigned kind = ov_bits_take(&in->bits, 2);
        if (in->bits.is_past || kind == 3) {
            return OV_DAMAGED;
        }
        if (kind == 0) {
            TRY(copy_stored(in));
            continue;
        }
        TRY(kind == 1 ? build_fixed(in) : build_dynamic(in));
        TRY(inflate_block(in));
    }
    return OV_OK;
}

enum ov_status ov_zip_inflate64(struct ov_span packed, struct ov_walk *walk, struct ov_buf *plain,
                                size_t *ret_used) {
    struct inflater in = {.bits = ov_bits_init(packed, false)};
    ov_window_init(&in.window, plain, walk);
    enum ov_status status = inflate_all(&in);
    ov_window_finish(&in.window);
    *ret_used = ov_bits_used(&in.bits);
    return status;
}

enum ov_status ov_nsis_inflate(struct ov_span packed, struct ov_walk *walk, struct ov_buf *plain) {
    struct inflater in = {.bits = ov_bits_init(packed, false), .is_nsis = true};
    ov_window_init(&in.window, plain, walk);
    enum ov_status status = inflate_all(&in);
    ov_window_finish(&in.window);
    return status;
}
