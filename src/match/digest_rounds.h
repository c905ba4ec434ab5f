// SPDX-License-Identifier: Apache-2.0
//
// MD5, SHA-1 and SHA-256 over vectors of lanes, for any width of vector. Included once by each
// kernel file, after it has defined
//
//   LANES and the type `lanes` (a vector of LANES 32-bit words, with C's operators),
//   choose majority parity md5_last: bitwise functions of three vectors,
//   load_block(w, data, at): the 16 words of the block at `at` of every lane,
//   swap_words(w): their bytes in the other order, and
//   add_constants(block, added): of each of the 64 steps of MD5 on one block, word and constant.
//
// FIPS 180-4 and RFC 1321; the same steps as base/digest_plain.c, which is easier to read. Each
// step depends on the one before, so that one group of lanes leaves the processor waiting: two
// groups take turns. `groups` is a constant wherever these functions are inlined.
#pragma once

#include "base/digest_md5.h"
#include "match/digest_lanes.h"

enum { GROUPS = OV_LANES_GROUPS, GROUP_WORDS = OV_DIGEST_WORDS * LANES };

#define ALWAYS_INLINE inline __attribute__((always_inline))

// Keeps the message words in memory: compilers would rather fill the registers with them, and then
// spill everything else.
#define KEEP_IN_MEMORY(w) __asm__("" : "+m"(w))

static inline lanes rotate(lanes value, unsigned bits) {
    return value << bits | value >> (32 - bits);
}

// The state of one group: word by word.
static inline lanes load_word(const uint32_t *state, unsigned group, unsigned word) {
    lanes value;
    memcpy(&value, state + group * GROUP_WORDS + word * LANES, sizeof value);
    return value;
}

static inline void add_word(uint32_t *state, unsigned group, unsigned word, lanes value) {
    value += load_word(state, group, word);
    memcpy(state + group * GROUP_WORDS + word * LANES, &value, sizeof value);
}

static inline lanes mix_md5(unsigned round, lanes b, lanes c, lanes d) {
    switch (round) {
    case 0:
        return choose(b, c, d);
    case 1:
        return choose(d, b, c);
    case 2:
        return parity(b, c, d);
    default:
        return md5_last(b, c, d);
    }
}

// Two messages in plain registers run beside the lanes: the processor has units for both, and each
// alone would wait for itself. Each of the two takes OV_SINGLES_PACE steps in the time of one step
// of the lanes.
struct beside {
    uint32_t words[OV_SINGLES][4];
    _Alignas(64) uint32_t added[OV_SINGLES][64]; // word and constant of each step
};

_Static_assert(OV_SINGLES == 2 && OV_SINGLES_PACE == 2, "as written below");

static ALWAYS_INLINE void start_block(struct beside *beside, const struct ov_singles *singles) {
    add_constants(singles->at[0], beside->added[0]);
    add_constants(singles->at[1], beside->added[1]);
    KEEP_IN_MEMORY(beside->added);
}

// Step `i` of both, of which `round` and `turn` are known.
static ALWAYS_INLINE void step_beside(struct beside *beside, unsigned round, unsigned turn,
                                      size_t i) {
    UNROLL(2)
    for (unsigned s = 0; s < OV_SINGLES; s++) {
        ov_md5_turn(beside->words[s], round, turn, beside->added[s][i]);
    }
}

// A block of both is done.
static ALWAYS_INLINE void end_block(struct beside *beside, struct ov_singles *singles) {
    UNROLL(8)
    for (unsigned i = 0; i < OV_SINGLES * 4; i++) {
        beside->words[i / 4][i % 4] += singles->state[i / 4][i % 4];
        singles->state[i / 4][i % 4] = beside->words[i / 4][i % 4];
    }
    singles->at[0] += OV_DIGEST_BLOCK;
    singles->at[1] += OV_DIGEST_BLOCK;
}

struct lanes_md5 {
    lanes a[GROUPS], b[GROUPS], c[GROUPS], d[GROUPS];
};

static ALWAYS_INLINE void step_lanes_md5(struct lanes_md5 *l, lanes w[GROUPS][16],
                                         const unsigned groups, unsigned round, unsigned turn,
                                         size_t i) {
    size_t pick = ov_md5_pick_in(round, i);
    UNROLL(2)
    for (unsigned g = 0; g < groups; g++) {
        lanes sum =
            (w[g][pick] + ov_md5_table[i]) + l->a[g] + mix_md5(round, l->b[g], l->c[g], l->d[g]);
        l->a[g] = l->d[g];
        l->d[g] = l->c[g];
        l->c[g] = l->b[g];
        l->b[g] += rotate(sum, ov_md5_rotation[round][turn]);
    }
}

// The 64 steps are loops of two turns: written out, they are more than the processor's store of
// decoded instructions holds, and take half as long again.
static ALWAYS_INLINE void eat_md5(uint32_t *state, const uint8_t *const *data, size_t at,
                                  const unsigned groups, const bool is_mixed,
                                  struct ov_singles *singles) {
    lanes w[GROUPS][16];
    struct lanes_md5 l;
    struct beside beside;
    UNROLL(2)
    for (unsigned g = 0; g < groups; g++) {
        load_block(w[g], data + g * LANES, at);
        KEEP_IN_MEMORY(w[g]);
        l.a[g] = load_word(state, g, 0);
        l.b[g] = load_word(state, g, 1);
        l.c[g] = load_word(state, g, 2);
        l.d[g] = load_word(state, g, 3);
    }
    if (is_mixed) {
        memcpy(beside.words, singles->state, sizeof beside.words);
    }
    UNROLL(8)
    for (unsigned half = 0; half < 8; half++) { // of a round of the lanes: a round of the singles
        if (is_mixed && half % 4 == 0) {
            start_block(&beside, singles);
        }
        for (size_t first = 0; first < 8; first += 4) {
            KEEP_ORDER(first);
            UNROLL(4)
            for (unsigned k = 0; k < 4; k++) {
                step_lanes_md5(&l, w, groups, half / 2, k, 8 * half + first + k);
                if (is_mixed) {
                    size_t i = half % 4 * 16 + 2 * (first + k);
                    step_beside(&beside, half % 4, 2 * k % 4, i);
                    step_beside(&beside, half % 4, 2 * k % 4 + 1, i + 1);
                }
            }
        }
        if (is_mixed && half % 4 == 3) {
            end_block(&beside, singles);
        }
    }
    UNROLL(2)
    for (unsigned g = 0; g < groups; g++) {
        add_word(state, g, 0, l.a[g]);
        add_word(state, g, 1, l.b[g]);
        add_word(state, g, 2, l.c[g]);
        add_word(state, g, 3, l.d[g]);
    }
}

static inline lanes mix_sha1(unsigned i, lanes b, lanes c, lanes d) {
    switch (i / 20) {
    case 0:
        return choose(b, c, d);
    case 2:
        return majority(b, c, d);
    default:
        return parity(b, c, d);
    }
}

static inline lanes extend_sha1(const lanes w[16], unsigned i) {
    return rotate(parity(w[(i - 3) % 16], w[(i - 8) % 16], w[(i - 14) % 16]) ^ w[i % 16], 1);
}

static ALWAYS_INLINE void eat_sha1(uint32_t *state, const uint8_t *const *data, size_t at,
                                   const unsigned groups) {
    lanes w[GROUPS][16], a[GROUPS], b[GROUPS], c[GROUPS], d[GROUPS], e[GROUPS];
    UNROLL(2)
    for (unsigned g = 0; g < groups; g++) {
        load_block(w[g], data + g * LANES, at);
        swap_words(w[g]);
        a[g] = load_word(state, g, 0);
        b[g] = load_word(state, g, 1);
        c[g] = load_word(state, g, 2);
        d[g] = load_word(state, g, 3);
        e[g] = load_word(state, g, 4);
    }
    UNROLL(80)
    for (unsigned i = 0; i < 80; i++) {
        UNROLL(2)
        for (unsigned g = 0; g < groups; g++) {
            if (i >= 16) {
                w[g][i % 16] = extend_sha1(w[g], i);
                if (LANES < 16) { // AVX2 has half as many registers
                    KEEP_IN_MEMORY(w[g]);
                }
            }
            lanes sum = rotate(a[g], 5) + (mix_sha1(i, b[g], c[g], d[g]) +
                                           (e[g] + ov_sha1_table[i / 20] + w[g][i % 16]));
            e[g] = d[g];
            d[g] = c[g];
            c[g] = rotate(b[g], 30);
            b[g] = a[g];
            a[g] = sum;
        }
    }
    UNROLL(2)
    for (unsigned g = 0; g < groups; g++) {
        add_word(state, g, 0, a[g]);
        add_word(state, g, 1, b[g]);
        add_word(state, g, 2, c[g]);
        add_word(state, g, 3, d[g]);
        add_word(state, g, 4, e[g]);
    }
}

static inline lanes extend_sha256(const lanes w[16], unsigned i) {
    lanes x = w[(i - 15) % 16], y = w[(i - 2) % 16];
    lanes low = parity(rotate(x, 25), rotate(x, 14), x >> 3);
    lanes high = parity(rotate(y, 15), rotate(y, 13), y >> 10);
    return w[i % 16] + low + w[(i - 7) % 16] + high;
}

// One step; the eight words rotate through the ring by index, not by moving.
static ALWAYS_INLINE void step_sha256(lanes s[OV_DIGEST_WORDS], unsigned i, lanes word) {
    lanes a = s[(64 - i) % 8], b = s[(65 - i) % 8], c = s[(66 - i) % 8];
    lanes e = s[(68 - i) % 8], f = s[(69 - i) % 8], g = s[(70 - i) % 8];
    lanes sum = (s[(71 - i) % 8] + (word + ov_sha256_table[i])) + choose(e, f, g) +
                parity(rotate(e, 26), rotate(e, 21), rotate(e, 7));
    s[(67 - i) % 8] += sum;
    s[(71 - i) % 8] =
        sum + (majority(a, b, c) + parity(rotate(a, 30), rotate(a, 19), rotate(a, 10)));
}

static ALWAYS_INLINE void eat_sha256(uint32_t *state, const uint8_t *const *data, size_t at,
                                     const unsigned groups) {
    lanes w[GROUPS][16], s[GROUPS][OV_DIGEST_WORDS];
    UNROLL(2)
    for (unsigned g = 0; g < groups; g++) {
        load_block(w[g], data + g * LANES, at);
        swap_words(w[g]);
        UNROLL(8)
        for (unsigned i = 0; i < OV_DIGEST_WORDS; i++) {
            s[g][i] = load_word(state, g, i);
        }
    }
    UNROLL(64)
    for (unsigned i = 0; i < 64; i++) {
        UNROLL(2)
        for (unsigned g = 0; g < groups; g++) {
            if (i >= 16) {
                w[g][i % 16] = extend_sha256(w[g], i);
                KEEP_IN_MEMORY(w[g]);
            }
            step_sha256(s[g], i, w[g][i % 16]);
        }
    }
    UNROLL(2)
    for (unsigned g = 0; g < groups; g++) {
        UNROLL(8)
        for (unsigned i = 0; i < OV_DIGEST_WORDS; i++) {
            add_word(state, g, i, s[g][i]);
        }
    }
}

#define DEFINE_RUN(kind)                                                                           \
    static void run_##kind(uint32_t *state, const uint8_t *const *data, size_t count,              \
                           unsigned groups) {                                                      \
        for (size_t at = 0; at < count * OV_DIGEST_BLOCK; at += OV_DIGEST_BLOCK) {                 \
            if (groups == 1) {                                                                     \
                eat_##kind(state, data, at, 1);                                                    \
            } else {                                                                               \
                eat_##kind(state, data, at, GROUPS);                                               \
            }                                                                                      \
        }                                                                                          \
    }

static ALWAYS_INLINE void eat_md5_alone(uint32_t *state, const uint8_t *const *data, size_t at,
                                        const unsigned groups) {
    eat_md5(state, data, at, groups, false, NULL);
}

static void run_md5_mixed(uint32_t *state, const uint8_t *const *data, size_t count,
                          unsigned groups, struct ov_singles *singles) {
    for (size_t at = 0; at < count * OV_DIGEST_BLOCK; at += OV_DIGEST_BLOCK) {
        if (groups == 1) {
            eat_md5(state, data, at, 1, true, singles);
        } else {
            eat_md5(state, data, at, GROUPS, true, singles);
        }
    }
}

DEFINE_RUN(md5_alone)
DEFINE_RUN(sha1)
DEFINE_RUN(sha256)
