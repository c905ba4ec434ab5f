// SPDX-License-Identifier: Apache-2.0
// SHA-1 and SHA-256 with the SHA extensions of x86 (Intel SDM, volume 2: SHA1RNDS4, SHA256RNDS2).
#include "base/digest_engines.h"
#include "base/digest_tables.h"

#include <immintrin.h>

static inline __m128i load(const void *bytes) {
    return _mm_loadu_si128((const __m128i *)bytes);
}

static inline void store(void *bytes, __m128i value) {
    _mm_storeu_si128((__m128i *)bytes, value);
}

// Four steps of SHA-1; the round function's number must be a constant of the instruction.
static inline __m128i step_sha1(__m128i abcd, __m128i e, unsigned group) {
    switch (group / 5) {
    case 0:
        return _mm_sha1rnds4_epu32(abcd, e, 0);
    case 1:
        return _mm_sha1rnds4_epu32(abcd, e, 1);
    case 2:
        return _mm_sha1rnds4_epu32(abcd, e, 2);
    default:
        return _mm_sha1rnds4_epu32(abcd, e, 3);
    }
}

static void run_sha1(uint32_t state[OV_DIGEST_WORDS], const uint8_t *blocks, size_t count) {
    // The instructions want the first word in the highest lane: the 16 bytes turned round.
    const __m128i reverse = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
    __m128i abcd = _mm_shuffle_epi32(load(state), 0x1b);
    __m128i e = _mm_set_epi32((int)state[4], 0, 0, 0);
    for (; count > 0; count--, blocks += OV_DIGEST_BLOCK) {
        __m128i first_abcd = abcd, first_e = e, w[4];
#pragma GCC unroll 20
        for (unsigned i = 0; i < 20; i++) {
            if (i < 4) {
                w[i] = _mm_shuffle_epi8(load(blocks + 16 * i), reverse);
            } else {
                __m128i mixed =
                    _mm_xor_si128(_mm_sha1msg1_epu32(w[i % 4], w[(i + 1) % 4]), w[(i + 2) % 4]);
                w[i % 4] = _mm_sha1msg2_epu32(mixed, w[(i + 3) % 4]);
            }
            __m128i sum = i == 0 ? _mm_add_epi32(e, w[0]) : _mm_sha1nexte_epu32(e, w[i % 4]);
            e = abcd;
            abcd = step_sha1(abcd, sum, i);
        }
        abcd = _mm_add_epi32(abcd, first_abcd);
        e = _mm_sha1nexte_epu32(e, first_e);
    }
    store(state, _mm_shuffle_epi32(abcd, 0x1b));
    state[4] = (uint32_t)_mm_extract_epi32(e, 3);
}

// The instructions keep the state as (a b e f) and (c d g h), highest lane first.
struct sha256_state {
    __m128i abef, cdgh;
};

static inline struct sha256_state load_sha256(const uint32_t state[OV_DIGEST_WORDS]) {
    __m128i dcba = load(state), hgfe = load(state + 4);
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    return (struct sha256_state){_mm_alignr_epi8(cdab, efgh, 8), _mm_blend_epi16(efgh, cdab, 0xf0)};
}

static inline void store_sha256(uint32_t state[OV_DIGEST_WORDS], struct sha256_state from) {
    __m128i feba = _mm_shuffle_epi32(from.abef, 0x1b), dchg = _mm_shuffle_epi32(from.cdgh, 0xb1);
    store(state, _mm_blend_epi16(feba, dchg, 0xf0));
    store(state + 4, _mm_alignr_epi8(dchg, feba, 8));
}

// Four steps of SHA-256 and, until the sixteen words of the last steps stand, four new words.
static inline void step_sha256(struct sha256_state *state, __m128i w[4], const uint8_t *block,
                               unsigned i) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    if (i < 4) {
        w[i] = _mm_shuffle_epi8(load(block + 16 * i), swap);
    } else {
        __m128i newest = w[(i + 3) % 4];
        __m128i seven = _mm_alignr_epi8(newest, w[(i + 2) % 4], 4);
        __m128i mixed = _mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]);
        w[i % 4] = _mm_sha256msg2_epu32(_mm_add_epi32(mixed, seven), newest);
    }
    __m128i sum = _mm_add_epi32(w[i % 4], load(ov_sha256_table + 4 * i));
    state->cdgh = _mm_sha256rnds2_epu32(state->cdgh, state->abef, sum);
    state->abef = _mm_sha256rnds2_epu32(state->abef, state->cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

static inline struct sha256_state add_sha256(struct sha256_state a, struct sha256_state b) {
    return (struct sha256_state){_mm_add_epi32(a.abef, b.abef), _mm_add_epi32(a.cdgh, b.cdgh)};
}

static void run_sha256(uint32_t words[OV_DIGEST_WORDS], const uint8_t *blocks, size_t count) {
    struct sha256_state state = load_sha256(words);
    for (; count > 0; count--, blocks += OV_DIGEST_BLOCK) {
        struct sha256_state first = state;
        __m128i w[4];
#pragma GCC unroll 16
        for (unsigned i = 0; i < 16; i++) {
            step_sha256(&state, w, blocks, i);
        }
        state = add_sha256(state, first);
    }
    store_sha256(words, state);
}

// Each step waits for the one before it; those of another message fill the time.
static void run_sha256_pair(uint32_t *const words[2], const uint8_t *const blocks[2],
                            size_t count) {
    struct sha256_state one = load_sha256(words[0]), two = load_sha256(words[1]);
    for (size_t at = 0; at < count * OV_DIGEST_BLOCK; at += OV_DIGEST_BLOCK) {
        struct sha256_state first_one = one, first_two = two;
        __m128i w_one[4], w_two[4];
#pragma GCC unroll 16
        for (unsigned i = 0; i < 16; i++) {
            step_sha256(&one, w_one, blocks[0] + at, i);
            step_sha256(&two, w_two, blocks[1] + at, i);
        }
        one = add_sha256(one, first_one);
        two = add_sha256(two, first_two);
    }
    store_sha256(words[0], one);
    store_sha256(words[1], two);
}

const struct ov_digest_engine ov_digest_shani = {
    .name = "sha-ni",
    .blocks = {ov_digest_md5_plain, run_sha1, run_sha256},
    .sha256_pair = run_sha256_pair,
};
