// SPDX-License-Identifier: Apache-2.0
// The inner loops with AVX-512 (F, BW, VL, DQ, VBMI).
#include "match/kernels.h"

#include <immintrin.h>

// Tests both bits of 16 hashes in their words, and appends the positions that pass.
static inline uint32_t keep_passing(const uint32_t *words, unsigned log2, __m512i hash, __m512i at,
                                    uint32_t *ret_at) {
    const __m512i one = _mm512_set1_epi32(1);
    __m512i index = _mm512_srl_epi32(hash, _mm_cvtsi32_si128(32 - (int)log2));
    __m512i word = _mm512_i32gather_epi32(index, (const void *)words, 4);
    // A rotation by the hash takes its low five bits only.
    __m512i first = _mm512_rolv_epi32(one, hash);
    __m512i second = _mm512_rolv_epi32(one, _mm512_srli_epi32(hash, 5));
    __mmask16 pass = _mm512_test_epi32_mask(word, first);
    pass = _mm512_mask_test_epi32_mask(pass, word, second);
    _mm512_storeu_si512(ret_at, _mm512_maskz_compress_epi32(pass, at));
    return (uint32_t)__builtin_popcount(pass);
}

static inline __m512i mix(__m512i hash) {
    return _mm512_xor_si512(hash, _mm512_srli_epi32(hash, 15));
}

static uint32_t find_grams6(const uint32_t *words, unsigned log2, const uint8_t *data,
                            uint32_t size, uint32_t *ret_at) {
    const __m512i fold = _mm512_set1_epi32((int)OV_FOLD_BITS);
    const __m512i factor_a = _mm512_set1_epi32((int)0x9e3779b1u);
    const __m512i factor_b = _mm512_set1_epi32((int)0x85ebca77u);
    const __m512i step = _mm512_set1_epi32(64);
    __m512i at =
        _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                           _mm512_set1_epi32(4));
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i += 64) {
        __m512i low = _mm512_or_si512(_mm512_loadu_si512(data + i), fold);
        __m512i high = _mm512_or_si512(_mm512_loadu_si512(data + i + 2), fold);
        __m512i hash = mix(_mm512_add_epi32(_mm512_mullo_epi32(low, factor_a),
                                            _mm512_mullo_epi32(high, factor_b)));
        count += keep_passing(words, log2, hash, at, ret_at + count);
        at = _mm512_add_epi32(at, step);
    }
    return count;
}

static uint32_t find_grams3_by_2(const uint32_t *words, unsigned log2, const uint8_t *data,
                                 uint32_t size, uint32_t *ret_at) {
    const __m512i three = _mm512_set1_epi32((int)OV_GRAM3_MASK);
    const __m512i fold = _mm512_set1_epi32((int)OV_FOLD_BITS);
    const __m512i factor_a = _mm512_set1_epi32((int)0x9e3779b1u);
    const __m512i step = _mm512_set1_epi32(32);
    // Sixteen windows of four bytes, each two bytes after the one before.
    static const uint16_t order[32] = {0, 1, 1, 2,  2,  3,  3,  4,  4,  5,  5,  6,  6,  7,  7,  8,
                                       8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 16};
    const __m512i words_of = _mm512_loadu_si512(order);
    __m512i at = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i += 32) {
        __m512i bytes = _mm512_permutexvar_epi16(words_of, _mm512_loadu_si512(data + i));
        bytes = _mm512_and_si512(bytes, three);
        __m512i hash = mix(_mm512_mullo_epi32(_mm512_or_si512(bytes, fold), factor_a));
        count += keep_passing(words, log2, hash, at, ret_at + count);
        at = _mm512_add_epi32(at, step);
    }
    return count;
}

static uint32_t find_grams4_by_1(const uint32_t *words, unsigned log2, const uint8_t *data,
                                 uint32_t size, uint32_t *ret_at) {
    const __m512i fold = _mm512_set1_epi32((int)OV_FOLD_BITS);
    const __m512i factor_a = _mm512_set1_epi32((int)0x9e3779b1u);
    const __m512i step = _mm512_set1_epi32(16);
    // Sixteen windows of four bytes, each one byte after the one before.
    static const uint8_t order[64] = {
        0,  1,  2,  3,  1,  2,  3,  4,  2,  3,  4,  5,  3,  4,  5,  6,  4,  5,  6,  7,  5,  6,
        7,  8,  6,  7,  8,  9,  7,  8,  9,  10, 8,  9,  10, 11, 9,  10, 11, 12, 10, 11, 12, 13,
        11, 12, 13, 14, 12, 13, 14, 15, 13, 14, 15, 16, 14, 15, 16, 17, 15, 16, 17, 18};
    const __m512i bytes_of = _mm512_loadu_si512(order);
    __m512i at = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i += 16) {
        __m512i bytes = _mm512_permutexvar_epi8(bytes_of, _mm512_loadu_si512(data + i));
        __m512i hash = mix(_mm512_mullo_epi32(_mm512_or_si512(bytes, fold), factor_a));
        count += keep_passing(words, log2, hash, at, ret_at + count);
        at = _mm512_add_epi32(at, step);
    }
    return count;
}

// The exact table of one position: 256 bytes of buckets in four registers.
struct table {
    __m512i part[4];
};

static inline __m512i look_up(const struct table *table, __m512i bytes) {
    __m512i low = _mm512_permutex2var_epi8(table->part[0], bytes, table->part[1]);
    __m512i high = _mm512_permutex2var_epi8(table->part[2], bytes, table->part[3]);
    return _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), low, high);
}

// The tail's positions in the order in which they are looked at.
struct plan {
    struct table tables[OV_TAIL_POSITIONS];
    size_t at[OV_TAIL_POSITIONS];
    unsigned count;
};

static void make_plan(const struct ov_image_tail *tail, struct plan *ret_plan) {
    ret_plan->count =
        tail->position_count < OV_TAIL_POSITIONS ? tail->position_count : OV_TAIL_POSITIONS;
    for (unsigned k = 0; k < ret_plan->count; k++) {
        unsigned position = tail->order[k] % OV_TAIL_POSITIONS;
        ret_plan->at[k] = position;
        for (unsigned i = 0; i < 4; i++) {
            ret_plan->tables[k].part[i] = _mm512_loadu_si512(tail->sets[position] + (size_t)64 * i);
        }
    }
}

static inline __m512i narrow(const struct plan *plan, unsigned k, const uint8_t *data,
                             __m512i all) {
    return _mm512_and_si512(all, look_up(&plan->tables[k], _mm512_loadu_si512(data + plan->at[k])));
}

static uint32_t find_tail(const struct ov_image_tail *tail, uint8_t live, const uint8_t *data,
                          uint32_t size, uint32_t *ret_at, uint8_t *ret_buckets) {
    struct plan plan;
    make_plan(tail, &plan);
    const __m512i alive = _mm512_set1_epi8((char)live);
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i += 64) {
        __m512i all = alive;
        // After each pair of positions most blocks have nothing left.
        for (unsigned k = 0; k < plan.count && _mm512_test_epi8_mask(all, all) != 0; k += 2) {
            all = narrow(&plan, k, data + i, all);
            all = k + 1 < plan.count ? narrow(&plan, k + 1, data + i, all) : all;
        }
        uint64_t hits = _mm512_test_epi8_mask(all, all);
        if (hits == 0) {
            continue;
        }
        uint8_t buckets[64];
        _mm512_storeu_si512(buckets, all);
        for (; hits != 0; hits &= hits - 1) {
            uint32_t at = (uint32_t)__builtin_ctzll(hits);
            ret_at[count] = i + at;
            ret_buckets[count] = buckets[at];
            count += i + at < size;
        }
    }
    return count;
}

static size_t find_pair(const struct ov_pair *pair, const uint8_t *data, size_t from, size_t last) {
    const __m512i value_a = _mm512_set1_epi8((char)pair->value_a);
    const __m512i value_b = _mm512_set1_epi8((char)pair->value_b);
    const __m512i mask_a = _mm512_set1_epi8((char)pair->mask_a);
    const __m512i mask_b = _mm512_set1_epi8((char)pair->mask_b);
    size_t i = from;
    for (; i + 63 <= last; i += 64) {
        __m512i a = _mm512_and_si512(_mm512_loadu_si512(data + i + pair->at_a), mask_a);
        __m512i b = _mm512_and_si512(_mm512_loadu_si512(data + i + pair->at_b), mask_b);
        __mmask64 hits = _mm512_cmpeq_epi8_mask(a, value_a);
        hits = _mm512_mask_cmpeq_epi8_mask(hits, b, value_b);
        if (hits != 0) {
            return i + (size_t)__builtin_ctzll(hits);
        }
    }
    return i <= last ? ov_kernels_plain.pair(pair, data, i, last) : SIZE_MAX;
}

const struct ov_kernels ov_kernels_avx512 = {
    .name = "avx512",
    .grams = {find_grams6, find_grams3_by_2, find_grams4_by_1},
    .tail = find_tail,
    .pair = find_pair,
};
