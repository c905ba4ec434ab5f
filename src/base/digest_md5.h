// SPDX-License-Identifier: Apache-2.0
//
// One step of MD5 over plain words, for those who run one message and those who run several in
// turns. RFC 1321, 3.4.
//
// Each step waits for the one before, so that the way from b to the new word decides the speed:
// what does not depend on b is added up first.
#pragma once

#include "base/digest_tables.h"

#include <stddef.h>

static const uint8_t ov_md5_factor[4] = {1, 5, 3, 7}, ov_md5_first[4] = {0, 1, 5, 0};

// The word of the block that step `i` takes, which is one of that round.
static inline size_t ov_md5_pick_in(unsigned round, size_t i) {
    return (ov_md5_factor[round] * i + ov_md5_first[round]) % 16;
}

static inline size_t ov_md5_pick(unsigned i) {
    return ov_md5_pick_in(i / 16, i);
}

static inline uint32_t ov_md5_load(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

// Has the compiler compute the value here, and not as part of something later: what it would rather
// share between steps it would have to keep, and there are no registers left for that.
#define KEEP_ORDER(value) __asm__("" : "+r"(value))

// A step of round `round`, with the sum of its word and its constant. The four words turn through
// `state` by index, not by moving: `turn` is the step's number modulo 4, and after 64 steps each
// word stands where it began. Always inlined: with `round` and `turn` known it is six instructions,
// and a third of the speed is left of it as a function.
static inline __attribute__((always_inline)) void ov_md5_turn(uint32_t state[4], unsigned round,
                                                              unsigned turn, uint32_t added) {
    uint32_t b = state[(5 - turn) % 4], c = state[(6 - turn) % 4], d = state[(7 - turn) % 4];
    uint32_t sum = state[(4 - turn) % 4] + added;
    uint32_t mixed = round == 1 ? c & ~d : c ^ d;
    KEEP_ORDER(sum);
    KEEP_ORDER(mixed);
    switch (round) {
    case 0:
        sum += d ^ (b & mixed);
        break;
    case 1: // the two halves share no bit, so that they may be added one after the other
        sum += mixed;
        KEEP_ORDER(sum);
        sum += b & d;
        break;
    case 2:
        sum += b ^ mixed;
        break;
    default:
        sum += c ^ (b | ~d);
        break;
    }
    unsigned bits = ov_md5_rotation[round][turn];
    state[(4 - turn) % 4] = b + (sum << bits | sum >> (32 - bits));
}

// Step `i` of 64.
static inline __attribute__((always_inline)) void ov_md5_step(uint32_t state[4],
                                                              const uint8_t *block, unsigned i) {
    ov_md5_turn(state, i / 16, i % 4, ov_md5_load(block + 4 * ov_md5_pick(i)) + ov_md5_table[i]);
}
