// SPDX-License-Identifier: Apache-2.0
//
// MD5, SHA-1 and SHA-256 over a vector of lanes, for any width of vector. No header of its own
// right: included once by each kernel file, after it has defined
//
//   LANES, struct-free type `lanes` (LANES 32-bit words) with C operators,
//   choose majority parity md5_last: bitwise functions of three vectors,
//   load_block(w, data, at): the 16 words of the block at `at` of every lane, and
//   swap_words(w): their bytes in the other order.
//
// FIPS 180-4 and RFC 1321; the same steps as base/digest_plain.c, which is easier to read.
#pragma once

#include "base/digest_tables.h"
#include "match/digest_lanes.h"

static inline lanes rotate(lanes value, unsigned bits) {
    return value << bits | value >> (32 - bits);
}

static inline lanes load_lanes(const uint32_t *words) {
    lanes value;
    memcpy(&value, words, sizeof value);
    return value;
}

static inline void add_lanes(uint32_t *words, lanes value) {
    value += load_lanes(words);
    memcpy(words, &value, sizeof value);
}

static inline lanes mix_md5(unsigned i, lanes b, lanes c, lanes d) {
    switch (i / 16) {
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

static inline unsigned pick_md5(unsigned i) {
    static const uint8_t factor[4] = {1, 5, 3, 7}, first[4] = {0, 1, 5, 0};
    return (factor[i / 16] * i + first[i / 16]) % 16;
}

// One step depends on the one before: two groups of lanes side by side keep the processor busy.
enum { MD5_GROUPS = 2, MD5_LANES = MD5_GROUPS * LANES };

static void run_md5(uint32_t *state, const uint8_t *const *data, size_t count) {
    for (size_t at = 0; at < count * OV_DIGEST_BLOCK; at += OV_DIGEST_BLOCK) {
        lanes w[MD5_GROUPS][16], a[MD5_GROUPS], b[MD5_GROUPS], c[MD5_GROUPS], d[MD5_GROUPS];
#pragma GCC unroll 2
        for (unsigned g = 0; g < MD5_GROUPS; g++) {
            load_block(w[g], data + g * LANES, at);
            a[g] = load_lanes(state + g * LANES);
            b[g] = load_lanes(state + g * LANES + MD5_LANES);
            c[g] = load_lanes(state + g * LANES + 2 * MD5_LANES);
            d[g] = load_lanes(state + g * LANES + 3 * MD5_LANES);
        }
#pragma GCC unroll 64
        for (unsigned i = 0; i < 64; i++) {
#pragma GCC unroll 2
            for (unsigned g = 0; g < MD5_GROUPS; g++) {
                lanes sum =
                    (w[g][pick_md5(i)] + ov_md5_table[i]) + a[g] + mix_md5(i, b[g], c[g], d[g]);
                a[g] = d[g];
                d[g] = c[g];
                c[g] = b[g];
                b[g] += rotate(sum, ov_md5_rotation[i / 16][i % 4]);
            }
        }
#pragma GCC unroll 2
        for (unsigned g = 0; g < MD5_GROUPS; g++) {
            add_lanes(state + g * LANES, a[g]);
            add_lanes(state + g * LANES + MD5_LANES, b[g]);
            add_lanes(state + g * LANES + 2 * MD5_LANES, c[g]);
            add_lanes(state + g * LANES + 3 * MD5_LANES, d[g]);
        }
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

static void run_sha1(uint32_t *state, const uint8_t *const *data, size_t count) {
    for (size_t at = 0; at < count * OV_DIGEST_BLOCK; at += OV_DIGEST_BLOCK) {
        lanes w[16];
        load_block(w, data, at);
        swap_words(w);
        lanes a = load_lanes(state), b = load_lanes(state + LANES);
        lanes c = load_lanes(state + 2 * LANES), d = load_lanes(state + 3 * LANES);
        lanes e = load_lanes(state + 4 * LANES);
#pragma GCC unroll 80
        for (unsigned i = 0; i < 80; i++) {
            if (i >= 16) {
                lanes mixed = parity(w[(i - 3) % 16], w[(i - 8) % 16], w[(i - 14) % 16]);
                w[i % 16] = rotate(mixed ^ w[i % 16], 1);
            }
            lanes sum =
                rotate(a, 5) + mix_sha1(i, b, c, d) + (e + ov_sha1_table[i / 20] + w[i % 16]);
            e = d;
            d = c;
            c = rotate(b, 30);
            b = a;
            a = sum;
        }
        add_lanes(state, a);
        add_lanes(state + LANES, b);
        add_lanes(state + 2 * LANES, c);
        add_lanes(state + 3 * LANES, d);
        add_lanes(state + 4 * LANES, e);
    }
}

static inline lanes extend_sha256(const lanes w[16], unsigned i) {
    lanes x = w[(i - 15) % 16], y = w[(i - 2) % 16];
    lanes low = parity(rotate(x, 25), rotate(x, 14), x >> 3);
    lanes high = parity(rotate(y, 15), rotate(y, 13), y >> 10);
    return w[i % 16] + low + w[(i - 7) % 16] + high;
}

static void run_sha256(uint32_t *state, const uint8_t *const *data, size_t count) {
    for (size_t at = 0; at < count * OV_DIGEST_BLOCK; at += OV_DIGEST_BLOCK) {
        lanes w[16], s[OV_DIGEST_WORDS];
        load_block(w, data, at);
        swap_words(w);
#pragma GCC unroll 8
        for (unsigned i = 0; i < OV_DIGEST_WORDS; i++) {
            s[i] = load_lanes(state + i * LANES);
        }
#pragma GCC unroll 64
        for (unsigned i = 0; i < 64; i++) {
            if (i >= 16) {
                w[i % 16] = extend_sha256(w, i);
            }
            // The eight words rotate through the ring by index, not by moving.
            lanes a = s[(64 - i) % 8], b = s[(65 - i) % 8], c = s[(66 - i) % 8];
            lanes e = s[(68 - i) % 8], f = s[(69 - i) % 8], g = s[(70 - i) % 8];
            lanes sum = (s[(71 - i) % 8] + (w[i % 16] + ov_sha256_table[i])) + choose(e, f, g) +
                        parity(rotate(e, 26), rotate(e, 21), rotate(e, 7));
            s[(67 - i) % 8] += sum;
            s[(71 - i) % 8] =
                sum + (majority(a, b, c) + parity(rotate(a, 30), rotate(a, 19), rotate(a, 10)));
        }
#pragma GCC unroll 8
        for (unsigned i = 0; i < OV_DIGEST_WORDS; i++) {
            add_lanes(state + i * LANES, s[i]);
        }
    }
}
