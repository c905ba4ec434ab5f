// SPDX-License-Identifier: Apache-2.0
// The inner loops with AVX2.
#include "base/span.h"
#include "match/kernels.h"

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

// Hashes and the words that they choose, in three passes over a block that stays in the first
// cache: hashes, words, bits. Only the middle one goes word by word: AVX2's gathers are slower.
enum { BLOCK_HASHES = 256 };

struct block {
    _Alignas(32) uint32_t hash[BLOCK_HASHES];
    _Alignas(32) uint32_t word[BLOCK_HASHES]; // first the word's number, then the word
};

static inline void put_hashes(struct block *block, uint32_t at, __m256i hash, __m128i shift) {
    _mm256_store_si256((__m256i *)(block->hash + at), hash);
    _mm256_store_si256((__m256i *)(block->word + at), _mm256_srl_epi32(hash, shift));
}

static inline void load_words(struct block *block, uint32_t count, const uint32_t *words) {
    for (uint32_t i = 0; i < count; i += 4) {
        uint32_t *at = block->word + i;
        at[0] = words[at[0]];
        at[1] = words[at[1]];
        at[2] = words[at[2]];
        at[3] = words[at[3]];
    }
}

// One bit of eight for each byte, by its low six bits: ov_gram_bit().
static inline __m256i choose_bits(__m256i sixes) {
    const __m256i bits =
        _mm256_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128, // lower half
                         1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
    // Bits of the byte above come in at the top only, which is cut off.
    __m256i three = _mm256_xor_si256(sixes, _mm256_srli_epi32(sixes, 3));
    return _mm256_shuffle_epi8(bits, _mm256_and_si256(three, _mm256_set1_epi8(7)));
}

// All ones in each of 8 lanes whose word has all those bits.
static inline __m256i has_bits(__m256i word, __m256i bits) {
    return _mm256_cmpeq_epi32(_mm256_and_si256(word, bits), bits);
}

// The six bits of a hash from 3k on go to byte k.
static inline __m256i spread(__m256i hash) {
    const __m256i six = _mm256_set1_epi32(63);
    __m256i low =
        _mm256_or_si256(_mm256_and_si256(hash, six),
                        _mm256_and_si256(_mm256_slli_epi32(hash, 5), _mm256_slli_epi32(six, 8)));
    __m256i high =
        _mm256_or_si256(_mm256_and_si256(_mm256_slli_epi32(hash, 10), _mm256_slli_epi32(six, 16)),
                        _mm256_and_si256(_mm256_slli_epi32(hash, 15), _mm256_slli_epi32(six, 24)));
    return _mm256_or_si256(low, high);
}

// All ones in each of 8 lanes whose word has all bits of its hash.
static inline __m256i test_block(const struct block *block, uint32_t at) {
    __m256i hash = _mm256_load_si256((const __m256i *)(block->hash + at));
    __m256i word = _mm256_load_si256((const __m256i *)(block->word + at));
    return has_bits(word, choose_bits(spread(hash)));
}

static inline __m128i shift_of(unsigned log2) {
    return _mm_cvtsi32_si128(32 - (int)log2);
}

// Appends first + i of every bit i that is set.
static inline uint32_t keep(uint32_t hits, uint32_t first, uint32_t *ret_at) {
    uint32_t count = 0;
    for (; hits != 0; hits &= hits - 1) {
        ret_at[count++] = first + (uint32_t)__builtin_ctz(hits);
    }
    return count;
}

// ov_fold() of 32 bytes.
static inline __m256i fold(__m256i bytes) {
    __m256i is_capital = _mm256_and_si256(_mm256_cmpgt_epi8(bytes, _mm256_set1_epi8('A' - 1)),
                                          _mm256_cmpgt_epi8(_mm256_set1_epi8('Z' + 1), bytes));
    return _mm256_or_si256(bytes, _mm256_and_si256(is_capital, _mm256_set1_epi8('a' - 'A')));
}

static inline __m256i load_folded(const uint8_t *at) {
    return fold(_mm256_loadu_si256((const __m256i *)at));
}

static inline __m256i mix(__m256i hash) {
    hash = _mm256_xor_si256(hash, _mm256_srli_epi32(hash, 15));
    hash = _mm256_xor_si256(hash, _mm256_set1_epi32((int)OV_GRAM_SALT));
    return _mm256_mullo_epi32(hash, _mm256_set1_epi32(0x2c1b3c6d));
}

// Whether the bits of grams of six are set in the words, by their own hashes.
static inline __m256i test_sixes(const struct block *block, const uint32_t *sixes, uint32_t at) {
    __m256i hash = _mm256_load_si256((const __m256i *)(sixes + at));
    __m256i word = _mm256_load_si256((const __m256i *)(block->word + at));
    return has_bits(word, choose_bits(hash));
}

// Every fourth place: grams of six, or `with_fours` those of four as well, by whose hashes the
// words are chosen then. A constant at each call.
__attribute__((always_inline)) static inline uint32_t find_by_4(const uint32_t *words,
                                                                unsigned log2, struct ov_span text,
                                                                bool with_fours, uint32_t *ret_at) {
    const uint8_t *data = text.data;
    const uint32_t size = (uint32_t)text.size;
    const __m256i factor_a = _mm256_set1_epi32((int)0x9e3779b1u);
    const __m256i factor_b = _mm256_set1_epi32(OV_GRAM_LAST_FACTOR);
    const __m128i shift = shift_of(log2);
    struct block block;
    _Alignas(32) uint32_t sixes[BLOCK_HASHES];
    uint32_t found = 0;
    for (uint32_t first = 0; first < size; first += 4 * BLOCK_HASHES) {
        uint32_t count = 0;
        for (uint32_t i = first; i < size && count < BLOCK_HASHES; i += 32, count += 8) {
            __m256i low = _mm256_mullo_epi32(load_folded(data + i), factor_a);
            __m256i high = _mm256_madd_epi16(load_folded(data + i + 4), factor_b);
            __m256i six = mix(_mm256_add_epi32(low, high));
            put_hashes(&block, count, with_fours ? mix(low) : six, shift);
            if (with_fours) {
                _mm256_store_si256((__m256i *)(sixes + count), six);
            }
        }
        load_words(&block, count, words);
        for (uint32_t i = 0; i < count; i += 8) {
            // A lane's first byte stands where its gram does.
            __m256i pass = test_block(&block, i);
            if (with_fours) {
                pass = _mm256_or_si256(pass, test_sixes(&block, sixes, i));
            }
            uint32_t hits = (uint32_t)_mm256_movemask_epi8(pass) & 0x11111111;
            found += keep(hits, first + 4 * i, ret_at + found);
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
    const __m256i three = _mm256_set1_epi32((int)OV_GRAM3_MASK);
    const __m256i factor = _mm256_set1_epi32((int)0x9e3779b1u);
    const __m128i shift = shift_of(log2);
    struct block block;
    uint32_t found = 0;
    for (uint32_t first = 0; first < size; first += 2 * BLOCK_HASHES) {
        uint32_t count = 0;
        for (uint32_t i = first; i < size && count < BLOCK_HASHES; i += 32, count += 16) {
            // The grams at 0, 4, 8, ... and those at 2, 6, 10, ...
            __m256i here = _mm256_and_si256(load_folded(data + i), three);
            __m256i later = _mm256_and_si256(load_folded(data + i + 2), three);
            put_hashes(&block, count, mix(_mm256_mullo_epi32(here, factor)), shift);
            put_hashes(&block, count + 8, mix(_mm256_mullo_epi32(later, factor)), shift);
        }
        load_words(&block, count, words);
        for (uint32_t i = 0; i < count; i += 16) {
            // The later ones go into the upper half of the lanes: again where the grams stand.
            __m256i pass =
                _mm256_blend_epi16(test_block(&block, i), test_block(&block, i + 8), 0xaa);
            uint32_t hits = (uint32_t)_mm256_movemask_epi8(pass) & 0x55555555;
            found += keep(hits, first + 2 * i, ret_at + found);
        }
    }
    return found;
}

static uint32_t find_grams4_by_1(const uint32_t *words, unsigned log2, const uint8_t *data,
                                 uint32_t size, uint32_t *ret_at) {
    const __m256i factor = _mm256_set1_epi32((int)0x9e3779b1u);
    // Eight windows of four bytes, each one byte after the one before.
    const __m256i order =
        _mm256_setr_epi8(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, // of the lower half
                         4, 5, 6, 7, 5, 6, 7, 8, 6, 7, 8, 9, 7, 8, 9, 10);
    const __m128i shift = shift_of(log2);
    struct block block;
    uint32_t found = 0;
    for (uint32_t first = 0; first < size; first += BLOCK_HASHES) {
        uint32_t count = 0;
        for (uint32_t i = first; i < size && count < BLOCK_HASHES; i += 8, count += 8) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)(data + i));
            __m256i windows = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), order);
            put_hashes(&block, count, mix(_mm256_mullo_epi32(fold(windows), factor)), shift);
        }
        load_words(&block, count, words);
        for (uint32_t i = 0; i < count; i += 8) {
            __m256 pass = _mm256_castsi256_ps(test_block(&block, i));
            found += keep((uint32_t)_mm256_movemask_ps(pass), first + i, ret_at + found);
        }
    }
    return found;
}

// Whether all bits of the hash are set in its word.
static inline uint32_t may_hold(const uint32_t *words, unsigned shift, uint32_t hash) {
    uint32_t bits = ov_gram_bits(hash);
    return (words[hash >> shift] & bits) == bits;
}

static uint32_t find_windows(const uint32_t *words, unsigned log2, const uint8_t *data,
                             const uint32_t *at, uint32_t count, uint32_t *ret_windows) {
    uint32_t kept = 0;
    unsigned shift = 32 - log2;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bytes; // of which five count
        memcpy(&bytes, data + (ptrdiff_t)at[i] - 1, sizeof bytes);
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
    for (unsigned k = 0; k < OV_TAIL_POSITIONS; k++) { // beyond the count it is the first again
        ret->at[k] = tail->order[k] % OV_TAIL_POSITIONS;
        const uint8_t *low = tail->nibbles[0][ret->at[k]];
        const uint8_t *high = tail->nibbles[1][ret->at[k]];
        ret->low[k] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)low));
        ret->high[k] = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)high));
    }
}

// The buckets that each of 32 bytes has at a place.
static inline __m256i look_up(const struct nibbles *tables, unsigned k, const uint8_t *at) {
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i bytes = _mm256_loadu_si256((const void *)(at + tables->at[k]));
    __m256i low = _mm256_shuffle_epi8(tables->low[k], _mm256_and_si256(bytes, nibble));
    __m256i top = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble);
    return _mm256_and_si256(low, _mm256_shuffle_epi8(tables->high[k], top));
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
    const __m256i alive = _mm256_set1_epi8((char)live);
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i += 32) {
        const uint8_t *from = data + i;
        // To ask sooner costs more in wrong guesses than it saves.
        __m256i all = _mm256_and_si256(alive, look_up(&tables, 0, from));
        all = _mm256_and_si256(all, look_up(&tables, 1, from));
        all = _mm256_and_si256(all, look_up(&tables, 2, from));
        all = _mm256_and_si256(all, look_up(&tables, 3, from));
        for (unsigned k = 4; k < tables.count && !_mm256_testz_si256(all, all); k++) {
            all = _mm256_and_si256(all, look_up(&tables, k, from));
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
    .grams = {find_grams6, find_grams_by_4, find_grams3_by_2, find_grams4_by_1},
    .windows = find_windows,
    .tail = find_tail,
    .marks = find_marks,
    .pair = find_pair,
};
