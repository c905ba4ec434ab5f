// SPDX-License-Identifier: Apache-2.0
//
// The inner loops of the matcher: one plain C set, and one for each instruction set worth having.
//
// All sets give the same answers; tests hold each against the plain one. The choice is made once,
// at run time, from the processor's features.
#pragma once

#include "match/layout.h"

#include <stddef.h>

enum { OV_CHUNK_BYTES = 16384 }; // what one pass of the filter covers; a multiple of 64

// Two masked bytes to look for at once.
struct ov_pair {
    uint32_t at_a, at_b; // offsets from the start
    uint8_t value_a, mask_a, value_b, mask_b;
};

enum { OV_MARK_POSITIONS = 3 };

// Some short strings to look for at once, in 8 buckets: for each of their first bytes, which
// buckets allow it.
struct ov_mark_table {
    uint8_t sets[OV_MARK_POSITIONS][256];
    uint8_t low_bits[OV_MARK_POSITIONS][64];   // by the low six bits of the byte
    uint8_t nibbles[2][OV_MARK_POSITIONS][16]; // by its low and its high four bits
};

// Positions in [0, size) whose gram may be in the class; `size` is at most OV_CHUNK_BYTES, a
// multiple of 64 after rounding up, and data is readable for OV_FILTER_SLACK bytes past that.
// `words` holds 1 << log2 of them. Positions are multiples of the stride, ascending; returns how
// many. `ret_at` has room for OV_CHUNK_BYTES / stride + 64.
typedef uint32_t ov_gram_kernel(const uint32_t *words, unsigned log2, const uint8_t *data,
                                uint32_t size, uint32_t *ret_at);

enum ov_gram_kernel_kind {
    OV_GRAMS_6_BY_4, // six bytes at every fourth
    OV_GRAMS_BY_4,   // six or four bytes at every fourth
    OV_GRAMS_3_BY_2, // three bytes at every second
    OV_GRAMS_4_BY_1, // four bytes at every one
    OV_GRAM_KERNELS,
};

struct ov_kernels {
    const char *name;
    ov_gram_kernel *grams[OV_GRAM_KERNELS];

    // Of grams of three found at `at`, the windows of four bytes around them that may be in the
    // class: the one that begins a byte before the gram, and the one that begins with it. Told as
    // 1 + position, ascending; returns how many. data[at[0] - 1] must be readable, `at` 64 places
    // past `count`, and ret_windows has room for 2 * count + 64.
    uint32_t (*windows)(const uint32_t *words, unsigned log2, const uint8_t *data,
                        const uint32_t *at, uint32_t count, uint32_t *ret_windows);

    // Positions in [0, size) where all 8 bytes are allowed in some bucket of `live`; the buckets go
    // to ret_buckets beside them. Both have room for OV_CHUNK_BYTES + 64.
    uint32_t (*tail)(const struct ov_image_tail *tail, uint8_t live, const uint8_t *data,
                     uint32_t size, uint32_t *ret_at, uint8_t *ret_buckets);

    // Positions in [0, size), ascending, where some bucket allows all three bytes; as the tables of
    // part of a byte are not exact, others may be told too. Size, data and `ret_at` as for grams.
    uint32_t (*marks)(const struct ov_mark_table *table, const uint8_t *data, uint32_t size,
                      uint32_t *ret_at);

    // The first start in [from, last] where both masked bytes stand, or SIZE_MAX. The caller sees
    // to it that last + the larger offset lies within the data.
    size_t (*pair)(const struct ov_pair *pair, const uint8_t *data, size_t from, size_t last);
};

extern const struct ov_kernels ov_kernels_plain;
extern const struct ov_kernels ov_kernels_avx2;   // x86-64 only
extern const struct ov_kernels ov_kernels_avx512; // x86-64 only; needs F, BW, VL, DQ, VBMI

// The fastest set that this processor can run.
const struct ov_kernels *ov_kernels_best(void);

// The set of that name, or NULL when there is none or the processor cannot run it.
const struct ov_kernels *ov_kernels_by_name(const char *name);
