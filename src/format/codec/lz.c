// SPDX-License-Identifier: Apache-2.0
// Bits, Huffman codes and the window behind decoders of our own.
#include "format/codec/lz.h"

enum {
    FIRST_ROOM_BYTES = 4 << 10,
    ROOM_BYTES_MAX = 1 << 20,
};

// ---- bits --------------------------------------------------------------------------------------

struct ov_bits ov_bits_init(struct ov_span in, bool is_msb) {
    return (struct ov_bits){.in = in, .is_msb = is_msb};
}

static void load(struct ov_bits *bits) {
    while (bits->count <= 56) {
        bool is_end = bits->at >= bits->in.size;
        uint64_t byte = is_end ? 0 : bits->in.data[bits->at++];
        bits->beyond += is_end ? 8 : 0;
        bits->word |= bits->is_msb ? byte << (56 - bits->count) : byte << bits->count;
        bits->count += 8;
    }
}

uint32_t ov_bits_peek(struct ov_bits *bits, unsigned count) {
    if (bits->count < count) {
        load(bits);
    }
    if (bits->is_msb) {
        return count == 0 ? 0 : (uint32_t)(bits->word >> (64 - count));
    }
    return (uint32_t)(bits->word & (((uint64_t)1 << count) - 1));
}

void ov_bits_drop(struct ov_bits *bits, unsigned count) {
    if (bits->count < count) {
        load(bits);
    }
    bits->word = bits->is_msb ? bits->word << count : bits->word >> count;
    bits->count -= count;
    if (bits->beyond > bits->count) {
        bits->beyond = bits->count;
        bits->is_past = true;
    }
}

uint32_t ov_bits_take(struct ov_bits *bits, unsigned count) {
    uint32_t value = ov_bits_peek(bits, count);
    ov_bits_drop(bits, count);
    return value;
}

void ov_bits_align(struct ov_bits *bits) {
    ov_bits_drop(bits, bits->count % 8);
}

uint64_t ov_bits_left(const struct ov_bits *bits) {
    return (uint64_t)(bits->in.size - bits->at) * 8 + bits->count - bits->beyond;
}

size_t ov_bits_used(const struct ov_bits *bits) {
    return bits->in.size - (size_t)(ov_bits_left(bits) / 8);
}

// ---- Huffman codes -----------------------------------------------------------------------------

static uint32_t reverse(uint32_t code, unsigned bits) {
    uint32_t reversed = 0;
    for (unsigned i = 0; i < bits; i++) {
        reversed |= (code >> i & 1) << (bits - 1 - i);
    }
    return reversed;
}

// Enters a short code at every index that begins with it, in the order in which bits come.
static void enter_fast(struct ov_huffman *code, uint32_t value, unsigned bits, uint16_t symbol,
                       bool is_msb) {
    unsigned rest = OV_HUFFMAN_FAST_BITS - bits;
    uint32_t reversed = reverse(value, bits);
    for (uint32_t i = 0; i < 1u << rest; i++) {
        uint32_t index = is_msb ? value << rest | i : reversed | i << bits;
        code->fast[index] = (uint16_t)(bits << 12 | symbol);
    }
}

enum ov_status ov_huffman_build(const uint8_t *lengths, unsigned count, bool is_msb,
                                struct ov_huffman *ret_code) {
    *ret_code = (struct ov_huffman){.is_inverted = ret_code->is_inverted};
    uint16_t next[OV_HUFFMAN_BITS_MAX + 2] = {0}; // where symbols of a length go
    for (unsigned i = 0; i < count; i++) {
        if (lengths[i] > OV_HUFFMAN_BITS_MAX) {
            return OV_DAMAGED;
        }
        ret_code->counts[lengths[i]]++;
    }
    ret_code->counts[0] = 0;
    uint32_t code = 0;
    uint32_t first[OV_HUFFMAN_BITS_MAX + 1] = {0};
    for (unsigned bits = 1; bits <= OV_HUFFMAN_BITS_MAX; bits++) {
        code = (code + ret_code->counts[bits - 1]) << 1;
        first[bits] = code;
        if (code + ret_code->counts[bits] > 1u << bits) {
            return OV_DAMAGED;
        }
        next[bits + 1] = (uint16_t)(next[bits] + ret_code->counts[bits]);
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned bits = lengths[i];
        if (bits == 0) {
            continue;
        }
        ret_code->symbols[next[bits]++] = (uint16_t)i;
        if (bits <= OV_HUFFMAN_FAST_BITS) {
            enter_fast(ret_code, first[bits], bits, (uint16_t)i, is_msb);
        }
        first[bits]++;
    }
    return OV_OK;
}

int ov_huffman_read(const struct ov_huffman *code, struct ov_bits *bits) {
    uint32_t flip = code->is_inverted ? ~(uint32_t)0 : 0;
    uint32_t mask = (1u << OV_HUFFMAN_FAST_BITS) - 1;
    uint16_t fast = code->fast[(ov_bits_peek(bits, OV_HUFFMAN_FAST_BITS) ^ flip) & mask];
    if (fast != 0) {
        ov_bits_drop(bits, fast >> 12);
        return fast & 0xfff;
    }
    // Bit by bit, in order of length: a code of `length` bits lies `value` behind the first one.
    uint32_t ahead = ov_bits_peek(bits, OV_HUFFMAN_BITS_MAX) ^ flip;
    uint32_t value = 0, first = 0, index = 0;
    for (unsigned length = 1; length <= OV_HUFFMAN_BITS_MAX; length++) {
        unsigned shift = bits->is_msb ? OV_HUFFMAN_BITS_MAX - length : length - 1;
        value |= ahead >> shift & 1;
        uint32_t count = code->counts[length];
        if (value - first < count) {
            ov_bits_drop(bits, length);
            return code->symbols[index + (value - first)];
        }
        index += count;
        first = (first + count) << 1;
        value <<= 1;
    }
    return -1;
}

// ---- window ------------------------------------------------------------------------------------

void ov_window_init(struct ov_window *ret_window, struct ov_buf *plain, struct ov_walk *walk) {
    *ret_window = (struct ov_window){.plain = plain,
                                     .walk = walk,
                                     .data = plain->data,
                                     .at = plain->size,
                                     .room = plain->size,
                                     .start = plain->size,
                                     .end = plain->size + ov_walk_room(walk)};
}

// More room, as long as budget, time and memory allow.
static bool grow(struct ov_window *window) {
    size_t written = ov_window_written(window);
    size_t left = window->end - window->at;
    if (window->status == OV_OK) {
        window->status = ov_walk_has_time(window->walk);
    }
    if (window->status == OV_OK && left == 0) {
        ov_walk_note_cut(window->walk);
        window->status = OV_LIMIT;
    }
    if (window->status != OV_OK) {
        return false;
    }
    size_t more = written < FIRST_ROOM_BYTES ? FIRST_ROOM_BYTES : written;
    more = more < ROOM_BYTES_MAX ? more : ROOM_BYTES_MAX;
    more = more < left ? more : left;
    ov_buf_commit(window->plain, window->at - window->plain->size);
    if (ov_buf_reserve(window->plain, more) == NULL) {
        window->status = OV_MEMORY;
        return false;
    }
    window->data = window->plain->data;
    window->room = window->at + more;
    return true;
}

bool ov_window_put(struct ov_window *window, uint8_t byte) {
    if (window->at == window->room && !grow(window)) {
        return false;
    }
    window->data[window->at++] = byte;
    return true;
}

bool ov_window_copy(struct ov_window *window, size_t distance, size_t size) {
    for (size_t i = 0; i < size; i++) {
        size_t written = window->at - window->start;
        uint8_t byte = distance <= written ? window->data[window->at - distance] : 0;
        if (!ov_window_put(window, byte)) {
            return false;
        }
    }
    return true;
}

size_t ov_window_written(const struct ov_window *window) {
    return window->at - window->start;
}

void ov_window_finish(struct ov_window *window) {
    ov_buf_commit(window->plain, window->at - window->plain->size);
}
