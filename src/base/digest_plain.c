// SPDX-License-Identifier: Apache-2.0
// MD5, SHA-1 and SHA-256 in plain C: the reference that every faster engine is checked against.
#include "base/digest_engines.h"
#include "base/digest_md5.h"
#include "base/digest_tables.h"

static inline uint32_t rotate_left(uint32_t value, unsigned bits) {
    return value << bits | value >> (32 - bits);
}

static inline uint32_t rotate_right(uint32_t value, unsigned bits) {
    return value >> bits | value << (32 - bits);
}

static inline uint32_t load_be(const uint8_t *bytes) {
    return (uint32_t)bytes[3] | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[1] << 16 |
           (uint32_t)bytes[0] << 24;
}

// The functions that both SHAs share, under the names of FIPS 180-4.
static inline uint32_t choose(uint32_t x, uint32_t y, uint32_t z) {
    return z ^ (x & (y ^ z));
}

static inline uint32_t majority(uint32_t x, uint32_t y, uint32_t z) {
    return (x & y) | (z & (x | y));
}

void ov_digest_md5_plain(uint32_t state[OV_DIGEST_WORDS], const uint8_t *blocks, size_t count) {
    uint32_t words[4];
    memcpy(words, state, sizeof words);
    for (; count > 0; count--, blocks += OV_DIGEST_BLOCK) {
        uint32_t start[4];
        memcpy(start, words, sizeof start);
#pragma GCC unroll 64
        for (unsigned i = 0; i < 64; i++) {
            ov_md5_step(words, blocks, i);
        }
        for (unsigned i = 0; i < 4; i++) {
            words[i] += start[i];
        }
    }
    memcpy(state, words, sizeof words);
}

// FIPS 180-4, 4.1.1.
static inline uint32_t mix_sha1(unsigned i, uint32_t b, uint32_t c, uint32_t d) {
    switch (i / 20) {
    case 0:
        return choose(b, c, d);
    case 2:
        return majority(b, c, d);
    default:
        return b ^ c ^ d;
    }
}

static void run_sha1(uint32_t state[OV_DIGEST_WORDS], const uint8_t *blocks, size_t count) {
    for (; count > 0; count--, blocks += OV_DIGEST_BLOCK) {
        uint32_t w[16];
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
#pragma GCC unroll 80
        for (unsigned i = 0; i < 80; i++) {
            w[i % 16] =
                i < 16 ? load_be(blocks + 4 * i)
                       : rotate_left(
                             w[(i - 3) % 16] ^ w[(i - 8) % 16] ^ w[(i - 14) % 16] ^ w[i % 16], 1);
            uint32_t sum =
                rotate_left(a, 5) + mix_sha1(i, b, c, d) + e + ov_sha1_table[i / 20] + w[i % 16];
            e = d;
            d = c;
            c = rotate_left(b, 30);
            b = a;
            a = sum;
        }
        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
    }
}

// FIPS 180-4, 6.2.2 step 1: the next word of the message schedule, kept in a ring of 16.
static inline uint32_t extend_sha256(const uint32_t w[16], unsigned i) {
    uint32_t x = w[(i - 15) % 16], y = w[(i - 2) % 16];
    uint32_t low = rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
    uint32_t high = rotate_right(y, 17) ^ rotate_right(y, 19) ^ y >> 10;
    return w[i % 16] + low + w[(i - 7) % 16] + high;
}

static void run_sha256(uint32_t state[OV_DIGEST_WORDS], const uint8_t *blocks, size_t count) {
    for (; count > 0; count--, blocks += OV_DIGEST_BLOCK) {
        uint32_t w[16], s[OV_DIGEST_WORDS];
        memcpy(s, state, sizeof s);
#pragma GCC unroll 64
        for (unsigned i = 0; i < 64; i++) {
            w[i % 16] = i < 16 ? load_be(blocks + 4 * i) : extend_sha256(w, i);
            // The eight words rotate through the ring by index, not by moving.
            uint32_t a = s[(64 - i) % 8], b = s[(65 - i) % 8], c = s[(66 - i) % 8];
            uint32_t e = s[(68 - i) % 8], f = s[(69 - i) % 8], g = s[(70 - i) % 8];
            uint32_t sum = s[(71 - i) % 8] + choose(e, f, g) + ov_sha256_table[i] + w[i % 16] +
                           (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25));
            s[(67 - i) % 8] += sum;
            s[(71 - i) % 8] = sum + majority(a, b, c) +
                              (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22));
        }
        for (unsigned i = 0; i < OV_DIGEST_WORDS; i++) {
            state[i] += s[i];
        }
    }
}

const struct ov_digest_engine ov_digest_plain = {
    .name = "plain",
    .blocks = {ov_digest_md5_plain, run_sha1, run_sha256},
};
