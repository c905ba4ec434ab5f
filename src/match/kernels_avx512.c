// SPDX-License-Identifier: Apache-2.0
// The inner loops with AVX-512 (F, BW, VL, DQ, VBMI) and BMI2.
#include "base/span.h"
#include "match/kernels.h"

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

// One bit of eight for each byte, by its low six bits: ov_gram_bit().
static inline __m512i choose_bits(__m512i sixes) {
    static const uint8_t bits[64] = {
        1,  2,  4, 8, 16, 32,  64,  128, 2,  1,  8,  4,  32,  16,  128, 64, 4, 8, 1,  2,  64,  128,
        16, 32, 8, 4, 2,  1,   128, 64,  32, 16, 16, 32, 64,  128, 1,   2,  4, 8, 32, 16, 128, 64,
        2,  1,  8, 4, 64, 128, 16,  32,  4,  8,  1,  2,  128, 64,  32,  16, 8, 4, 2,  1};
    return _mm512_permutexvar_epi8(sixes, _mm512_loadu_si512(bits));
}

// The bits of each of 16 hashes that its word lacks.
static inline __m512i missing_bits(__m512i word, __m512i hash) {
    // Bytes from bits 0, 3, 6 and 9 on, of the lower hash of each pair and of the upper.
    const __m512i from = _mm512_set1_epi64(0x2926232009060300);
    return _mm512_andnot_si512(word, choose_bits(_mm512_multishift_epi64_epi8(from, hash)));
}

// Hashes and the words that they choose, in three passes over a block that stays in the first
// cache: hashes, words, bits. The words are loaded one by one: a gather takes half as long again.
enum { BLOCK_HASHES = 256 };

// The first pass over an object asks for its bytes so far ahead: they come from main memory in
// bursts, and half of its time would go to waiting for them. (What lies beyond the object is not
// loaded by that.)
enum { AHEAD_BYTES = 8192 };

struct block {
    _Alignas(64) uint32_t hash[BLOCK_HASHES];
    _Alignas(64) uint32_t word[BLOCK_HASHES]; // first the word's number, then the word
};

static inline void put_hashes(struct block *block, uint32_t at, __m512i hash, __m128i shift) {
    _mm512_store_si512(block->hash + at, hash);
    _mm512_store_si512(block->word + at, _mm512_srl_epi32(hash, shift));
}

static inline void load_words(struct block *block, uint32_t count, const uint32_t *words) {
    for (uint32_t i = 0; i < count; i += 8) {
        uint64_t at[4]; // two numbers each: half as many loads
        memcpy(at, block->word + i, sizeof at);
        __m128i low = _mm_cvtsi32_si128((int)words[(uint32_t)at[0]]);
        __m128i high = _mm_cvtsi32_si128((int)words[(uint32_t)at[2]]);
        low = _mm_insert_epi32(low, (int)words[at[0] >> 32], 1);
        high = _mm_insert_epi32(high, (int)words[at[2] >> 32], 1);
        low = _mm_insert_epi32(low, (int)words[(uint32_t)at[1]], 2);
        high = _mm_insert_epi32(high, (int)words[(uint32_t)at[3]], 2);
        low = _mm_insert_epi32(low, (int)words[at[1] >> 32], 3);
        high = _mm_insert_epi32(high, (int)words[at[3] >> 32], 3);
        _mm_store_si128((__m128i *)(block->word + i), low);
        _mm_store_si128((__m128i *)(block->word + i + 4), high);
    }
}

static inline uint32_t test_block(const struct block *block, uint32_t at) {
    __m512i missing =
        missing_bits(_mm512_load_si512(block->word + at), _mm512_load_si512(block->hash + at));
    return _mm512_testn_epi32_mask(missing, missing);
}

static inline __m128i shift_of(unsigned log2) {
    return _mm_cvtsi32_si128(32 - (int)log2);
}

// Appends those of 16 positions that pass.
static inline uint32_t keep(__mmask16 pass, __m512i at, uint32_t *ret_at) {
    _mm512_storeu_si512(ret_at, _mm512_maskz_compress_epi32(pass, at));
    return (uint32_t)__builtin_popcount(pass);
}

// ov_fold() of 64 bytes.
static inline __m512i fold(__m512i bytes) {
    __m512i letter = _mm512_sub_epi8(bytes, _mm512_set1_epi8('A'));
    __mmask64 is_capital = _mm512_cmplt_epu8_mask(letter, _mm512_set1_epi8(26));
    return _mm512_mask_add_epi8(bytes, is_capital, bytes, _mm512_set1_epi8('a' - 'A'));
}

static inline __m512i mix(__m512i hash) {
    const __m512i salt = _mm512_set1_epi32((int)OV_GRAM_SALT);
    hash = _mm512_ternarylogic_epi32(hash, _mm512_srli_epi32(hash, 15), salt, 0x96);
    return _mm512_mullo_epi32(hash, _mm512_set1_epi32(0x2c1b3c6d));
}

// Every fourth place: grams of six, or `with_fours` those of four as well, by whose hashes the
// words are chosen then. A constant at each call.
__attribute__((always_inline)) static inline uint32_t find_by_4(const uint32_t *words,
                                                                unsigned log2, struct ov_span text,
                                                                bool with_fours, uint32_t *ret_at) {
    const uint8_t *data = text.data;
    const uint32_t size = (uint32_t)text.size;
    const __m512i factor_a = _mm512_set1_epi32((int)0x9e3779b1u);
    const __m512i factor_b = _mm512_set1_epi32(OV_GRAM_LAST_FACTOR);
    const __m512i step = _mm512_set1_epi32(64);
    __m512i at =
        _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                           _mm512_set1_epi32(4));
    const __m128i shift = shift_of(log2);
    struct block block;
    _Alignas(64) uint32_t sixes[BLOCK_HASHES];
    uint32_t found = 0;
    __m512i next = fold(_mm512_loadu_si512(data));
    for (uint32_t first = 0; first < size; first += 4 * BLOCK_HASHES) {
        uint32_t count = 0;
        for (uint32_t i = first; i < size && count < BLOCK_HASHES; i += 64, count += 16) {
            _mm_prefetch((const char *)data + i + AHEAD_BYTES, _MM_HINT_T0);
            __m512i here = next;
            next = fold(_mm512_loadu_si512(data + i + 64));
            __m512i low = _mm512_mullo_epi32(here, factor_a);
            // Of the four bytes behind, the first two.
            __m512i high = _mm512_madd_epi16(_mm512_alignr_epi32(next, here, 1), factor_b);
            __m512i six = mix(_mm512_add_epi32(low, high));
            put_hashes(&block, count, with_fours ? mix(low) : six, shift);
            if (with_fours) {
                _mm512_store_si512(sixes + count, six);
            }
        }
        load_words(&block, count, words);
        for (uint32_t i = 0; i < count; i += 16) {
            __m512i word = _mm512_load_si512(block.word + i);
            __m512i missing = missing_bits(word, _mm512_load_si512(block.hash + i));
            if (with_fours) {
                __m512i bits = choose_bits(_mm512_load_si512(sixes + i));
                missing = _mm512_min_epu32(missing, _mm512_andnot_si512(word, bits));
            }
            __mmask16 pass = _mm512_testn_epi32_mask(missing, missing);
            found += keep(pass, at, ret_at + found);
            at = _mm512_add_epi32(at, step);
        }
    }
    return found;
}

static uint32_t find_grams6(const uint32_t *words, unsigned log2, const uint8_t *data,
                            uint32_t size, uint32_t *ret_at) {
    return find_by_4(words, log2, ov_span_make(data, size), false, ret_at);
}

static uint32_t find_grams_by_4(const uint32_t *words, unsigned log2, const uint8_t *data,
                                uint32_t size, uint32_t *ret_at) {
    return find_by_4(words, log2, ov_span_make(data, size), true, ret_at);
}

static uint32_t find_grams3_by_2(const uint32_t *words, unsigned log2, const uint8_t *data,
                                 uint32_t size, uint32_t *ret_at) {
    const __m512i three = _mm512_set1_epi32((int)OV_GRAM3_MASK);
    const __m512i factor = _mm512_set1_epi32((int)0x9e3779b1u);
    const __m512i step = _mm512_set1_epi32(64), half = _mm512_set1_epi32(32);
    const __m128i shift = shift_of(log2);
    __m512i at = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    struct block block;
    uint32_t found = 0;
    for (uint32_t first = 0; first < size; first += 2 * BLOCK_HASHES) {
        uint32_t count = 0;
        for (uint32_t i = first; i < size && count < BLOCK_HASHES; i += 64, count += 32) {
            // The grams at 0, 4, 8, ... and those at 2, 6, 10, ...
            __m512i here = _mm512_and_si512(fold(_mm512_loadu_si512(data + i)), three);
            __m512i later = _mm512_and_si512(fold(_mm512_loadu_si512(data + i + 2)), three);
            put_hashes(&block, count, mix(_mm512_mullo_epi32(here, factor)), shift);
            put_hashes(&block, count + 16, mix(_mm512_mullo_epi32(later, factor)), shift);
        }
        load_words(&block, count, words);
        for (uint32_t i = 0; i < count; i += 32) {
            uint32_t pass = _pdep_u32(test_block(&block, i), 0x55555555) |
                            _pdep_u32(test_block(&block, i + 16), 0xaaaaaaaa);
            found += keep((__mmask16)pass, at, ret_at + found);
            found += keep((__mmask16)(pass >> 16), _mm512_add_epi32(at, half), ret_at + found);
            at = _mm512_add_epi32(at, step);
        }
    }
    return found;
}

static uint32_t find_grams4_by_1(const uint32_t *words, unsigned log2, const uint8_t *data,
                                 uint32_t size, uint32_t *ret_at) {
    const __m512i factor_a = _mm512_set1_epi32((int)0x9e3779b1u);
    const __m512i step = _mm512_set1_epi32(16);
    // Sixteen windows of four bytes, each one byte after the one before.
    static const uint8_t order[64] = {
        0,  1,  2,  3,  1,  2,  3,  4,  2,  3,  4,  5,  3,  4,  5,  6,  4,  5,  6,  7,  5,  6,
        7,  8,  6,  7,  8,  9,  7,  8,  9,  10, 8,  9,  10, 11, 9,  10, 11, 12, 10, 11, 12, 13,
        11, 12, 13, 14, 12, 13, 14, 15, 13, 14, 15, 16, 14, 15, 16, 17, 15, 16, 17, 18};
    const __m512i bytes_of = _mm512_loadu_si512(order);
    __m512i at = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m128i shift = shift_of(log2);
    struct block block;
    uint32_t found = 0;
    for (uint32_t first = 0; first < size; first += BLOCK_HASHES) {
        uint32_t count = 0;
        for (uint32_t i = first; i < size && count < BLOCK_HASHES; i += 16, count += 16) {
            __m512i bytes = _mm512_permutexvar_epi8(bytes_of, fold(_mm512_loadu_si512(data + i)));
            put_hashes(&block, count, mix(_mm512_mullo_epi32(bytes, factor_a)), shift);
        }
        load_words(&block, count, words);
        for (uint32_t i = 0; i < count; i += 16) {
            found += keep((__mmask16)test_block(&block, i), at, ret_at + found);
            at = _mm512_add_epi32(at, step);
        }
    }
    return found;
}

// Eight bytes from the one before each of `count` grams on; places past the last take those of the
// first.
static inline void load_bytes(const uint8_t *data, const uint32_t *at, uint32_t count,
                              uint64_t ret_bytes[BLOCK_HASHES / 2]) {
    for (uint32_t i = 0; i < count; i++) {
        memcpy(&ret_bytes[i], data + at[i] - 1, sizeof *ret_bytes);
    }
    for (uint32_t i = count; i % 16 != 0; i++) {
        ret_bytes[i] = ret_bytes[0];
    }
}

// The hashes of the windows before 16 grams, then those of the windows at them.
static inline void hash_windows(const uint64_t bytes[16], __m128i shift, struct block *block,
                                uint32_t at) {
    const __m512i factor = _mm512_set1_epi32((int)0x9e3779b1u);
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    __m512i low = fold(_mm512_load_si512(bytes)), high = fold(_mm512_load_si512(bytes + 8));
    __m512i before = _mm512_permutex2var_epi32(low, even, high);
    __m512i here =
        _mm512_permutex2var_epi32(_mm512_srli_epi64(low, 8), even, _mm512_srli_epi64(high, 8));
    put_hashes(block, at, mix(_mm512_mullo_epi32(before, factor)), shift);
    put_hashes(block, at + 16, mix(_mm512_mullo_epi32(here, factor)), shift);
}

// Appends the windows of 16 grams that pass, in ascending order: the one before the first gram, the
// one at it, ...
static inline uint32_t keep_windows(const struct block *block, uint32_t at, __m512i from,
                                    __mmask16 live, uint32_t *ret_windows) {
    const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i last = _mm512_add_epi32(first, _mm512_set1_epi32(8));
    uint32_t pass = _pdep_u32(test_block(block, at) & live, 0x55555555) |
                    _pdep_u32(test_block(block, at + 16) & live, 0xaaaaaaaa);
    __m512i next = _mm512_add_epi32(from, _mm512_set1_epi32(1));
    __m512i low = _mm512_permutex2var_epi32(from, first, next);
    __m512i high = _mm512_permutex2var_epi32(from, last, next);
    uint32_t kept = keep((__mmask16)pass, low, ret_windows);
    return kept + keep((__mmask16)(pass >> 16), high, ret_windows + kept);
}

static uint32_t find_windows(const uint32_t *words, unsigned log2, const uint8_t *data,
                             const uint32_t *at, uint32_t count, uint32_t *ret_windows) {
    const __m128i shift = shift_of(log2);
    _Alignas(64) uint64_t bytes[BLOCK_HASHES / 2];
    struct block block;
    uint32_t kept = 0;
    for (uint32_t first = 0; first < count; first += BLOCK_HASHES / 2) {
        uint32_t size = count - first < BLOCK_HASHES / 2 ? count - first : BLOCK_HASHES / 2;
        load_bytes(data, at + first, size, bytes);
        for (uint32_t i = 0; i < size; i += 16) {
            hash_windows(bytes + i, shift, &block, 2 * i);
        }
        load_words(&block, (size + 15) / 16 * 32, words);
        for (uint32_t i = 0; i < size; i += 16) {
            __mmask16 live = (__mmask16)(size - i < 16 ? (1u << (size - i)) - 1 : 0xffff);
            __m512i from = _mm512_maskz_loadu_epi32(live, at + first + i);
            kept += keep_windows(&block, 2 * i, from, live, ret_windows + kept);
        }
    }
    return kept;
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

static inline struct table load_table(const struct ov_image_tail *tail, unsigned position) {
    struct table table;
    for (unsigned i = 0; i < 4; i++) {
        table.part[i] = _mm512_loadu_si512(tail->sets[position] + (size_t)64 * i);
    }
    return table;
}

// Tells of the bytes of `all` that are not zero.
static uint32_t tell_buckets(__m512i all, uint32_t first, uint32_t size, uint32_t *ret_at,
                             uint8_t *ret_buckets) {
    uint32_t count = 0;
    uint8_t buckets[64];
    _mm512_storeu_si512(buckets, all);
    for (uint64_t hits = _mm512_test_epi8_mask(all, all); hits != 0; hits &= hits - 1) {
        uint32_t at = (uint32_t)__builtin_ctzll(hits);
        ret_at[count] = first + at;
        ret_buckets[count] = buckets[at];
        count += first + at < size;
    }
    return count;
}

// The same of the low seven bits of a byte: what either byte allows. One permutation instead of
// two.
struct half_table {
    __m512i part[2];
};

static inline struct half_table load_half(const struct ov_image_tail *tail, unsigned position) {
    struct table table = load_table(tail, position);
    return (struct half_table){{_mm512_or_si512(table.part[0], table.part[2]),
                                _mm512_or_si512(table.part[1], table.part[3])}};
}

static inline __m512i look_up_half(const struct half_table *table, const uint8_t *at) {
    return _mm512_permutex2var_epi8(table->part[0], _mm512_loadu_si512(at), table->part[1]);
}

// The same of the low six bits: what any of four bytes allows. One plain permutation, for a third
// of the work.
static inline __m512i load_quarter(const struct ov_image_tail *tail, unsigned position) {
    struct half_table half = load_half(tail, position);
    return _mm512_or_si512(half.part[0], half.part[1]);
}

static inline __m512i look_up_quarter(__m512i table, const uint8_t *at) {
    return _mm512_permutexvar_epi8(_mm512_loadu_si512(at), table);
}

// The buckets that each of 64 places has, exactly.
static inline __m512i test_tail(const struct ov_image_tail *tail, unsigned positions,
                                const uint8_t *at, __m512i all) {
    for (unsigned k = 0; k < positions && _mm512_test_epi8_mask(all, all) != 0; k++) {
        unsigned position = tail->order[k] % OV_TAIL_POSITIONS;
        const struct table table = load_table(tail, position);
        all = _mm512_and_si512(all, look_up(&table, _mm512_loadu_si512(at + position)));
    }
    return all;
}

static uint32_t find_tail(const struct ov_image_tail *tail, uint8_t live, const uint8_t *data,
                          uint32_t size, uint32_t *ret_at, uint8_t *ret_buckets) {
    unsigned order[OV_TAIL_POSITIONS];
    for (unsigned k = 0; k < OV_TAIL_POSITIONS; k++) {
        order[k] = tail->order[k] % OV_TAIL_POSITIONS;
    }
    // All positions stay in registers, the two that let least through by seven bits, the others by
    // six; after them most blocks are done. To ask sooner costs more in wrong guesses than it
    // saves. (Positions beyond the count are the first one again, which changes nothing.)
    const struct half_table a = load_half(tail, order[0]), b = load_half(tail, order[1]);
    const __m512i c = load_quarter(tail, order[2]), d = load_quarter(tail, order[3]),
                  e = load_quarter(tail, order[4]), f = load_quarter(tail, order[5]),
                  g = load_quarter(tail, order[6]), h = load_quarter(tail, order[7]);
    const __m512i alive = _mm512_set1_epi8((char)live);
    unsigned positions =
        tail->position_count < OV_TAIL_POSITIONS ? tail->position_count : OV_TAIL_POSITIONS;
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i += 64) {
        const uint8_t *at = data + i;
        __m512i all = _mm512_and_si512(alive, look_up_half(&a, at + order[0]));
        all = _mm512_ternarylogic_epi32(all, look_up_half(&b, at + order[1]),
                                        look_up_quarter(c, at + order[2]), 0x80);
        all = _mm512_ternarylogic_epi32(all, look_up_quarter(d, at + order[3]),
                                        look_up_quarter(e, at + order[4]), 0x80);
        all = _mm512_ternarylogic_epi32(all, look_up_quarter(f, at + order[5]),
                                        look_up_quarter(g, at + order[6]), 0x80);
        all = _mm512_and_si512(all, look_up_quarter(h, at + order[7]));
        if (_mm512_test_epi8_mask(all, all) != 0) {
            all = test_tail(tail, positions, at, all);
            count += tell_buckets(all, i, size, ret_at + count, ret_buckets + count);
        }
    }
    return count;
}

// The tables of three positions in registers. A permutation looks at the low six bits of each byte:
// three positions are enough to make up for the other two.
struct mark_tables {
    __m512i first, second, third;
};

static inline uint64_t test_marks(const struct mark_tables *tables, const uint8_t *at) {
    __m512i a = _mm512_permutexvar_epi8(_mm512_loadu_si512(at), tables->first);
    __m512i b = _mm512_permutexvar_epi8(_mm512_loadu_si512(at + 1), tables->second);
    __m512i c = _mm512_permutexvar_epi8(_mm512_loadu_si512(at + 2), tables->third);
    return _mm512_test_epi8_mask(_mm512_and_si512(a, b), c);
}

static uint32_t find_marks(const struct ov_mark_table *table, const uint8_t *data, uint32_t size,
                           uint32_t *ret_at) {
    const struct mark_tables tables = {.first = _mm512_loadu_si512(table->low_bits[0]),
                                       .second = _mm512_loadu_si512(table->low_bits[1]),
                                       .third = _mm512_loadu_si512(table->low_bits[2])};
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i += 64) {
        for (uint64_t hits = test_marks(&tables, data + i); hits != 0; hits &= hits - 1) {
            uint32_t found = i + (uint32_t)__builtin_ctzll(hits);
            ret_at[count] = found;
            count += found < size;
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
    .grams = {find_grams6, find_grams_by_4, find_grams3_by_2, find_grams4_by_1},
    .windows = find_windows,
    .tail = find_tail,
    .marks = find_marks,
    .pair = find_pair,
};
