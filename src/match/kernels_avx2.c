// SPDX-License-Identifier: Apache-2.0
// The inner loops with AVX2. Grams are looked up by scalar code here: AVX2 gathers are slower.
#include "match/kernels.h"

#include <immintrin.h>
#include <string.h>

static uint64_t load64(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

// 1 when both bits of the hash are set in its word. The bits are tested by two shifts, which costs
// less than building a mask.
static inline uint32_t may_hold(const uint32_t *words, unsigned shift, uint32_t hash) {
    uint32_t word = words[hash >> shift];
    return (word >> (hash >> 5 & 31)) & (word >> (hash >> 10 & 31)) & 1;
}

// ov_fold() of a block and of what a gram may reach behind it.
enum { FOLD_BLOCK = 1024, FOLD_REACH = 32 };

static void fold_block(const uint8_t *data, uint32_t size, uint8_t *ret_folded) {
    const __m256i before_a = _mm256_set1_epi8('A' - 1), behind_z = _mm256_set1_epi8('Z' + 1);
    for (uint32_t i = 0; i < size + FOLD_REACH; i += 32) {
        __m256i bytes = _mm256_loadu_si256((const void *)(data + i));
        __m256i is_capital = _mm256_and_si256(_mm256_cmpgt_epi8(bytes, before_a),
                                              _mm256_cmpgt_epi8(behind_z, bytes));
        __m256i bit = _mm256_and_si256(is_capital, _mm256_set1_epi8('a' - 'A'));
        _mm256_storeu_si256((void *)(ret_folded + i), _mm256_or_si256(bytes, bit));
    }
}

static uint32_t find_grams6(const uint32_t *words, unsigned log2, const uint8_t *data,
                            uint32_t size, uint32_t *ret_at) {
    uint8_t folded[FOLD_BLOCK + FOLD_REACH];
    uint32_t count = 0;
    unsigned shift = 32 - log2;
    for (uint32_t block = 0; block < size; block += FOLD_BLOCK) {
        uint32_t bytes = size - block < FOLD_BLOCK ? size - block : FOLD_BLOCK;
        fold_block(data + block, bytes, folded);
        for (uint32_t i = 0; i < bytes; i += 4) {
            uint64_t word = load64(folded + i);
            ret_at[count] = block + i;
            count += may_hold(words, shift, ov_gram_hash6((uint32_t)word, (uint32_t)(word >> 16)));
        }
    }
    return count;
}

static uint32_t find_grams3_by_2(const uint32_t *words, unsigned log2, const uint8_t *data,
                                 uint32_t size, uint32_t *ret_at) {
    uint8_t folded[FOLD_BLOCK + FOLD_REACH];
    uint32_t count = 0;
    unsigned shift = 32 - log2;
    for (uint32_t block = 0; block < size; block += FOLD_BLOCK) {
        uint32_t bytes = size - block < FOLD_BLOCK ? size - block : FOLD_BLOCK;
        fold_block(data + block, bytes, folded);
        for (uint32_t i = 0; i < bytes; i += 2) {
            ret_at[count] = block + i;
            count += may_hold(words, shift, ov_gram_hash3((uint32_t)load64(folded + i)));
        }
    }
    return count;
}

static uint32_t find_grams4_by_1(const uint32_t *words, unsigned log2, const uint8_t *data,
                                 uint32_t size, uint32_t *ret_at) {
    uint8_t folded[FOLD_BLOCK + FOLD_REACH];
    uint32_t count = 0;
    unsigned shift = 32 - log2;
    for (uint32_t block = 0; block < size; block += FOLD_BLOCK) {
        uint32_t bytes = size - block < FOLD_BLOCK ? size - block : FOLD_BLOCK;
        fold_block(data + block, bytes, folded);
        for (uint32_t i = 0; i < bytes; i++) {
            ret_at[count] = block + i;
            count += may_hold(words, shift, ov_gram_hash4((uint32_t)load64(folded + i)));
        }
    }
    return count;
}

static uint32_t find_windows(const uint32_t *words, unsigned log2, const uint8_t *data,
                             const uint32_t *at, uint32_t count, uint32_t *ret_windows) {
    uint32_t kept = 0;
    unsigned shift = 32 - log2;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bytes = 0;
        memcpy(&bytes, data + (ptrdiff_t)at[i] - 1, 5);
        bytes = ov_fold(bytes);
        ret_windows[kept] = at[i];
        kept += may_hold(words, shift, ov_gram_hash4((uint32_t)bytes));
        ret_windows[kept] = at[i] + 1;
        kept += may_hold(words, shift, ov_gram_hash4((uint32_t)(bytes >> 8)));
    }
    return kept;
}

// For each position two tables by nibble: the buckets that some allowed byte with that nibble has.
// Their product allows too much at times; the exact table then has the last word.
struct nibbles {
    __m256i low[OV_TAIL_POSITIONS], high[OV_TAIL_POSITIONS];
    size_t at[OV_TAIL_POSITIONS]; // positions, in the order in which they are looked at
    unsigned count;
};

static void load_nibbles(const struct ov_image_tail *tail, struct nibbles *ret) {
    ret->count =
        tail->position_count < OV_TAIL_POSITIONS ? tail->position_count : OV_TAIL_POSITIONS;
    for (unsigned k = 0; k < ret->count; k++) {
        ret->at[k] = tail->order[k] % OV_TAIL_POSITIONS;
        const uint8_t *low = tail->nibbles[0][ret->at[k]];
        const uint8_t *high = tail->nibbles[1][ret->at[k]];
        ret->low[k] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)low));
        ret->high[k] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)high));
    }
}

static uint8_t allow_exactly(const struct ov_image_tail *tail, uint8_t live, const uint8_t *at) {
    uint8_t buckets = live;
    for (unsigned k = 0; k < OV_TAIL_POSITIONS; k++) {
        buckets &= (uint8_t)(tail->allow[at[k]] >> (8 * k));
    }
    return buckets;
}

static uint32_t find_tail(const struct ov_image_tail *tail, uint8_t live, const uint8_t *data,
                          uint32_t size, uint32_t *ret_at, uint8_t *ret_buckets) {
    struct nibbles tables;
    load_nibbles(tail, &tables);
    const __m256i nibble = _mm256_set1_epi8(15);
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i += 32) {
        __m256i all = _mm256_set1_epi8((char)live);
        for (unsigned k = 0; k < tables.count && !_mm256_testz_si256(all, all); k++) {
            __m256i bytes = _mm256_loadu_si256((const void *)(data + i + tables.at[k]));
            __m256i low = _mm256_shuffle_epi8(tables.low[k], _mm256_and_si256(bytes, nibble));
            __m256i top = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
            all = _mm256_and_si256(all,
                                   _mm256_and_si256(low, _mm256_shuffle_epi8(tables.high[k], top)));
        }
        __m256i none = _mm256_cmpeq_epi8(all, _mm256_setzero_si256());
        uint32_t hits = ~(uint32_t)_mm256_movemask_epi8(none);
        for (; hits != 0; hits &= hits - 1) {
            uint32_t at = i + (uint32_t)__builtin_ctz(hits);
            uint8_t buckets = at < size ? allow_exactly(tail, live, data + at) : 0;
            ret_at[count] = at;
            ret_buckets[count] = buckets;
            count += buckets != 0;
        }
    }
    return count;
}

// Which buckets allow each of 32 bytes.
static inline __m256i allow_bytes(__m256i low, __m256i high, __m256i bytes) {
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i top = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
    // A set top bit of the index gives 0, so the low half has to be cut out too.
    return _mm256_and_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(bytes, nibble)),
                            _mm256_shuffle_epi8(high, top));
}

static uint32_t find_marks(const struct ov_mark_table *table, const uint8_t *data, uint32_t size,
                           uint32_t *ret_at) {
    __m256i low[OV_MARK_POSITIONS], high[OV_MARK_POSITIONS];
    for (unsigned k = 0; k < OV_MARK_POSITIONS; k++) {
        low[k] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)table->nibbles[0][k]));
        high[k] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)table->nibbles[1][k]));
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i += 32) {
        const uint8_t *at = data + i;
        __m256i a = allow_bytes(low[0], high[0], _mm256_loadu_si256((const void *)at));
        __m256i b = allow_bytes(low[1], high[1], _mm256_loadu_si256((const void *)(at + 1)));
        __m256i c = allow_bytes(low[2], high[2], _mm256_loadu_si256((const void *)(at + 2)));
        __m256i all = _mm256_and_si256(_mm256_and_si256(a, b), c);
        __m256i none = _mm256_cmpeq_epi8(all, _mm256_setzero_si256());
        uint32_t hits = ~(uint32_t)_mm256_movemask_epi8(none);
        for (; hits != 0; hits &= hits - 1) {
            uint32_t found = i + (uint32_t)__builtin_ctz(hits);
            ret_at[count] = found;
            count += found < size;
        }
    }
    return count;
}

static size_t find_pair(const struct ov_pair *pair, const uint8_t *data, size_t from, size_t last) {
    const __m256i value_a = _mm256_set1_epi8((char)pair->value_a);
    const __m256i value_b = _mm256_set1_epi8((char)pair->value_b);
    const __m256i mask_a = _mm256_set1_epi8((char)pair->mask_a);
    const __m256i mask_b = _mm256_set1_epi8((char)pair->mask_b);
    size_t i = from;
    for (; i + 31 <= last; i += 32) {
        __m256i a = _mm256_loadu_si256((const void *)(data + i + pair->at_a));
        __m256i b = _mm256_loadu_si256((const void *)(data + i + pair->at_b));
        a = _mm256_cmpeq_epi8(_mm256_and_si256(a, mask_a), value_a);
        b = _mm256_cmpeq_epi8(_mm256_and_si256(b, mask_b), value_b);
        uint32_t hits = (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(a, b));
        if (hits != 0) {
            return i + (size_t)__builtin_ctz(hits);
        }
    }
    return i <= last ? ov_kernels_plain.pair(pair, data, i, last) : SIZE_MAX;
}

const struct ov_kernels ov_kernels_avx2 = {
    .name = "avx2",
    .grams = {find_grams6, find_grams3_by_2, find_grams4_by_1},
    .windows = find_windows,
    .tail = find_tail,
    .marks = find_marks,
    .pair = find_pair,
};
