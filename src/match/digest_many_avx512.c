// SPDX-License-Identifier: Apache-2.0
// Sixteen messages side by side in AVX-512 registers.
#include "base/digest_md5.h"
#include "match/digest_lanes.h"

#include <immintrin.h>

enum { LANES = 16 };
typedef uint32_t lanes __attribute__((vector_size(64)));

// One instruction each: the constant is the truth table of the function.
static inline lanes choose(lanes x, lanes y, lanes z) {
    return (lanes)_mm512_ternarylogic_epi32((__m512i)x, (__m512i)y, (__m512i)z, 0xca);
}

static inline lanes majority(lanes x, lanes y, lanes z) {
    return (lanes)_mm512_ternarylogic_epi32((__m512i)x, (__m512i)y, (__m512i)z, 0xe8);
}

static inline lanes parity(lanes x, lanes y, lanes z) {
    return (lanes)_mm512_ternarylogic_epi32((__m512i)x, (__m512i)y, (__m512i)z, 0x96);
}

// RFC 1321's I: y ^ (x | ~z).
static inline lanes md5_last(lanes x, lanes y, lanes z) {
    return (lanes)_mm512_ternarylogic_epi32((__m512i)x, (__m512i)y, (__m512i)z, 0x39);
}

static inline void swap_words(lanes w[16]) {
    const __m512i order =
        _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
    UNROLL(16)
    for (unsigned i = 0; i < 16; i++) {
        w[i] = (lanes)_mm512_shuffle_epi8((__m512i)w[i], order);
    }
}

// Turns sixteen rows of sixteen words into columns: first pairs of words, then pairs of those,
// then the four quarters of the register.
static inline void load_block(lanes w[16], const uint8_t *const *data, size_t at) {
    __m512i rows[16], pairs[16], fours[16];
    UNROLL(16)
    for (unsigned i = 0; i < 16; i++) {
        rows[i] = _mm512_loadu_si512(data[i] + at);
    }
    UNROLL(8)
    for (unsigned i = 0; i < 16; i += 2) {
        pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    UNROLL(4)
    for (unsigned i = 0; i < 16; i += 4) {
        fours[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
        fours[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
        fours[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        fours[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
    UNROLL(4)
    for (unsigned i = 0; i < 4; i++) {
        __m512i low_even = _mm512_shuffle_i32x4(fours[i], fours[i + 4], 0x88);
        __m512i low_odd = _mm512_shuffle_i32x4(fours[i], fours[i + 4], 0xdd);
        __m512i high_even = _mm512_shuffle_i32x4(fours[i + 8], fours[i + 12], 0x88);
        __m512i high_odd = _mm512_shuffle_i32x4(fours[i + 8], fours[i + 12], 0xdd);
        w[i] = (lanes)_mm512_shuffle_i32x4(low_even, high_even, 0x88);
        w[i + 4] = (lanes)_mm512_shuffle_i32x4(low_odd, high_odd, 0x88);
        w[i + 8] = (lanes)_mm512_shuffle_i32x4(low_even, high_even, 0xdd);
        w[i + 12] = (lanes)_mm512_shuffle_i32x4(low_odd, high_odd, 0xdd);
    }
}

// Of each of the 64 steps of MD5 on a block, the word and the constant.
static inline void add_constants(const uint8_t *block, uint32_t ret_added[64]) {
    const __m512i count = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i words = _mm512_loadu_si512(block);
    UNROLL(4)
    for (unsigned i = 0; i < 64; i += 16) {
        __m512i factor = _mm512_set1_epi32(ov_md5_factor[i / 16]);
        __m512i pick = _mm512_add_epi32(_mm512_mullo_epi32(count, factor),
                                        _mm512_set1_epi32(ov_md5_first[i / 16]));
        __m512i ordered = _mm512_permutexvar_epi32(pick, words); // looks at four bits of each
        __m512i constants = _mm512_loadu_si512(ov_md5_table + i);
        _mm512_store_si512(ret_added + i, _mm512_add_epi32(ordered, constants));
    }
}

#include "match/digest_rounds.h"

const struct ov_lanes_kernel ov_lanes_avx512 = {
    .name = "avx512",
    .lanes = LANES,
    .groups = {2, 1, 2},
    .blocks = {run_md5_alone, run_sha1, run_sha256},
    .mixed_md5 = run_md5_mixed,
    .worth_plain = {3, 2, 2},
    .worth_native = {3, 4, 7},
};
