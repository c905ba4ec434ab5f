// SPDX-License-Identifier: Apache-2.0
// Eight messages side by side in AVX2 registers.
#include "base/digest_md5.h"
#include "match/digest_lanes.h"

#include <immintrin.h>

enum { LANES = 8 };
typedef uint32_t lanes __attribute__((vector_size(32)));

static inline lanes choose(lanes x, lanes y, lanes z) {
    return z ^ (x & (y ^ z));
}

static inline lanes majority(lanes x, lanes y, lanes z) {
    return (x & y) | (z & (x | y));
}

static inline lanes parity(lanes x, lanes y, lanes z) {
    return x ^ y ^ z;
}

// RFC 1321's I.
static inline lanes md5_last(lanes x, lanes y, lanes z) {
    return y ^ (x | ~z);
}

static inline void swap_words(lanes w[16]) {
    const __m256i order =
        _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
    UNROLL(16)
    for (unsigned i = 0; i < 16; i++) {
        w[i] = (lanes)_mm256_shuffle_epi8((__m256i)w[i], order);
    }
}

// Turns eight rows of eight words into columns: pairs of words, pairs of those, register halves.
static inline void load_half(lanes w[8], const uint8_t *const *data, size_t at) {
    __m256i rows[8], pairs[8], fours[8];
    UNROLL(8)
    for (unsigned i = 0; i < 8; i++) {
        rows[i] = _mm256_loadu_si256((const __m256i *)(data[i] + at));
    }
    UNROLL(4)
    for (unsigned i = 0; i < 8; i += 2) {
        pairs[i] = _mm256_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    UNROLL(2)
    for (unsigned i = 0; i < 8; i += 4) {
        fours[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
        fours[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
        fours[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        fours[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
    UNROLL(4)
    for (unsigned i = 0; i < 4; i++) {
        w[i] = (lanes)_mm256_permute2x128_si256(fours[i], fours[i + 4], 0x20);
        w[i + 4] = (lanes)_mm256_permute2x128_si256(fours[i], fours[i + 4], 0x31);
    }
}

static inline void load_block(lanes w[16], const uint8_t *const *data, size_t at) {
    load_half(w, data, at);
    load_half(w + 8, data, at + OV_DIGEST_BLOCK / 2);
}

// Of each of the 64 steps of MD5 on a block, the word and the constant.
static inline void add_constants(const uint8_t *block, uint32_t ret_added[64]) {
    const __m256i count = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    __m256i low = _mm256_loadu_si256((const __m256i *)block);
    __m256i high = _mm256_loadu_si256((const __m256i *)(block + OV_DIGEST_BLOCK / 2));
    UNROLL(8)
    for (unsigned i = 0; i < 64; i += 8) {
        __m256i factor = _mm256_set1_epi32(ov_md5_factor[i / 16]);
        __m256i pick = _mm256_add_epi32(_mm256_mullo_epi32(count, factor),
                                        _mm256_set1_epi32((int)ov_md5_pick(i)));
        __m256i is_high = _mm256_slli_epi32(pick, 28); // its bit 3 becomes the sign
        __m256 from_low = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(low, pick));
        __m256 from_high = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(high, pick));
        __m256i ordered = _mm256_castps_si256(
            _mm256_blendv_ps(from_low, from_high, _mm256_castsi256_ps(is_high)));
        __m256i constants = _mm256_loadu_si256((const __m256i *)(ov_md5_table + i));
        _mm256_store_si256((__m256i *)(ret_added + i), _mm256_add_epi32(ordered, constants));
    }
}

#include "match/digest_rounds.h"

const struct ov_lanes_kernel ov_lanes_avx2 = {
    .name = "avx2",
    .lanes = LANES,
    .groups = {2, 2, 1},
    .blocks = {run_md5_alone, run_sha1, run_sha256},
    .mixed_md5 = run_md5_mixed,
    .worth_plain = {3, 3, 2},
    .worth_native = {3, 5, 9},
};
