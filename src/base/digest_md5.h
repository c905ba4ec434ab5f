// SPDX-License-Identifier: Apache-2.0
//
// One step of MD5 over plain words, for those who run one message and those who run several in
// turns. RFC 1321, 3.4.
//
// Each step waits for the one before, so that the way from b to the new word decides the speed:
// what does not depend on b is added up first.
#pragma once

#include "base/digest_tables.h"

// The word of the block that step `i` takes.
static inline unsigned ov_md5_pick(unsigned i) {
    static const uint8_t factor[4] = {1, 5, 3, 7}, first[4] = {0, 1, 5, 0};
    return (factor[i / 16] * i + first[i / 16]) % 16;
}

static inline uint32_t ov_md5_load(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

// Step `i` of 64. The four words turn through `state` by index, not by moving; after 64 steps each
// stands where it began. Always inlined: with `i` known it is six instructions, and a third of the
// speed is left of it as a function.
static inline __attribute__((always_inline)) void ov_md5_step(uint32_t state[4],
                                                              const uint8_t *block, unsigned i) {
    uint32_t b = state[(65 - i) % 4], c = state[(66 - i) % 4], d = state[(67 - i) % 4];
    uint32_t sum =
        state[(64 - i) % 4] + (ov_md5_load(block + 4 * ov_md5_pick(i)) + ov_md5_table[i]);
    switch (i / 16) {
    case 0:
        sum += d ^ (b & (c ^ d));
        break;
    case 1: // the two halves share no bit, so that they may be added one after the other
        sum = (sum + (c & ~d)) + (b & d);
        break;
    case 2:
        sum += b ^ (c ^ d);
        break;
    default:
        sum += c ^ (b | ~d);
        break;
    }
    unsigned bits = ov_md5_rotation[i / 16][i % 4];
    state[(64 - i) % 4] = b + (sum << bits | sum >> (32 - bits));
}
