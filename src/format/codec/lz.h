// SPDX-License-Identifier: Apache-2.0
//
// What decoders of our own are made of: bits in, Huffman codes, a window of what was written.
//
// Used for the methods that no library in Debian reads (deflate64, implode, shrink, arj). Nothing
// here leaves its bounds, whatever the bits say. Worker process only.
#pragma once

#include "format/walk.h"

// ---- bits --------------------------------------------------------------------------------------

// Reads bits from a span; past its end come zeros, and `is_past` is set. `is_msb`: the first bit
// of a byte is its highest one.
struct ov_bits {
    struct ov_span in;
    size_t at;       // next byte to load
    uint64_t word;   // bits that are loaded and not yet taken
    unsigned count;  // how many
    unsigned beyond; // of them, the zeros from behind the end
    bool is_msb;
    bool is_past;
};

struct ov_bits ov_bits_init(struct ov_span in, bool is_msb);

// The next `count` bits (at most 24) as a number, not taken yet.
uint32_t ov_bits_peek(struct ov_bits *bits, unsigned count);

// Takes `count` bits (at most 24).
void ov_bits_drop(struct ov_bits *bits, unsigned count);
uint32_t ov_bits_take(struct ov_bits *bits, unsigned count);

// Goes on at the next whole byte.
void ov_bits_align(struct ov_bits *bits);

// Bits of the input that are not taken yet, and bytes that are, the last one maybe in part.
uint64_t ov_bits_left(const struct ov_bits *bits);
size_t ov_bits_used(const struct ov_bits *bits);

// ---- Huffman codes -----------------------------------------------------------------------------

enum {
    OV_HUFFMAN_SYMBOLS_MAX = 768,
    OV_HUFFMAN_BITS_MAX = 16,
    OV_HUFFMAN_FAST_BITS = 9,
};

// A canonical code: symbols by length and then by number. Codes may be left unused.
struct ov_huffman {
    uint16_t counts[OV_HUFFMAN_BITS_MAX + 1]; // codes of each length
    uint16_t symbols[OV_HUFFMAN_SYMBOLS_MAX]; // in order of their codes
    uint16_t fast[1 << OV_HUFFMAN_FAST_BITS]; // length << 12 | symbol of short codes; 0: longer
    bool is_inverted;                         // each bit of a code is stored as its opposite
};

// Builds the code of `count` symbols with these lengths (0: not used). `is_msb` as in the bits that
// it will be read from. OV_DAMAGED when there are more codes than the lengths allow.
enum ov_status ov_huffman_build(const uint8_t *lengths, unsigned count, bool is_msb,
                                struct ov_huffman *ret_code);

// The next symbol, or -1 when the bits are no code.
int ov_huffman_read(const struct ov_huffman *code, struct ov_bits *bits);

// ---- window ------------------------------------------------------------------------------------

// Appends to a buffer within what the budget allows, and copies from what it wrote.
struct ov_window {
    struct ov_buf *plain;
    struct ov_walk *walk;
    uint8_t *data;         // the buffer's, as long as it does not grow
    size_t at, room;       // bytes written, and how many may be before it grows
    size_t start, end;     // where this stream began, and where the budget ends it
    enum ov_status status; // OV_OK, or why nothing more can be written
};

void ov_window_init(struct ov_window *ret_window, struct ov_buf *plain, struct ov_walk *walk);

// One byte more. False when nothing more can be written: `status` says why.
bool ov_window_put(struct ov_window *window, uint8_t byte);

// `size` bytes from `distance` (at least 1) back; from before the stream's start come zeros.
bool ov_window_copy(struct ov_window *window, size_t distance, size_t size);

// Bytes written so far.
size_t ov_window_written(const struct ov_window *window);

// Hands what was written over to the buffer. The window cannot be used after it.
void ov_window_finish(struct ov_window *window);
