// SPDX-License-Identifier: Apache-2.0
// SHA-384 and SHA-512 (FIPS 180-4, 6.4 and 6.5).
#include "base/sha512.h"

#include "base/cursor.h"

enum { BLOCK_BYTES = OV_SHA512_BLOCK, ROUNDS = 80, WORDS = OV_SHA512_WORDS };

// The first 64 bits of the fractional parts of the cube roots of the first 80 primes (4.2.3).
static const uint64_t constants[ROUNDS] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
    0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
    0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
    0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
    0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
    0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
    0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
    0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

// Of the square roots of the first eight primes (5.3.5), and of the next eight (5.3.4).
static const uint64_t start_512[WORDS] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};
static const uint64_t start_384[WORDS] = {
    0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
    0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
};

static uint64_t turn(uint64_t word, unsigned bits) {
    return word >> bits | word << (64 - bits);
}

static void eat_block(uint64_t state[WORDS], struct ov_span block) {
    uint64_t w[ROUNDS];
    struct ov_cursor in = ov_cursor_init(block);
    for (unsigned i = 0; i < 16; i++) {
        w[i] = ov_cursor_u64be(&in);
    }
    for (unsigned i = 16; i < ROUNDS; i++) {
        uint64_t a = turn(w[i - 15], 1) ^ turn(w[i - 15], 8) ^ w[i - 15] >> 7;
        uint64_t b = turn(w[i - 2], 19) ^ turn(w[i - 2], 61) ^ w[i - 2] >> 6;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    uint64_t s[WORDS];
    memcpy(s, state, sizeof s);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t e = turn(s[4], 14) ^ turn(s[4], 18) ^ turn(s[4], 41);
        uint64_t a = turn(s[0], 28) ^ turn(s[0], 34) ^ turn(s[0], 39);
        uint64_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
        uint64_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        uint64_t first = s[7] + e + choice + constants[i] + w[i];
        memmove(&s[1], &s[0], 7 * sizeof *s);
        s[4] += first;
        s[0] = first + a + majority;
    }
    for (unsigned i = 0; i < WORDS; i++) {
        state[i] += s[i];
    }
}

void ov_sha512_init(size_t digest_bytes, struct ov_sha512 *ret_sha) {
    *ret_sha = (struct ov_sha512){.digest_bytes = digest_bytes};
    memcpy(ret_sha->state, digest_bytes == OV_SHA384_BYTES ? start_384 : start_512,
           sizeof ret_sha->state);
}

void ov_sha512_update(struct ov_sha512 *sha, struct ov_span bytes) {
    size_t held = (size_t)(sha->size % BLOCK_BYTES);
    sha->size += bytes.size;
    if (held > 0) {
        struct ov_span first = ov_span_part(bytes, 0, BLOCK_BYTES - held);
        if (first.size > 0) {
            memcpy(sha->block + held, first.data, first.size);
        }
        if (held + first.size < BLOCK_BYTES) {
            return;
        }
        eat_block(sha->state, ov_span_make(sha->block, BLOCK_BYTES));
        bytes = ov_span_from(bytes, first.size);
    }
    size_t whole = bytes.size - bytes.size % BLOCK_BYTES;
    for (size_t at = 0; at < whole; at += BLOCK_BYTES) {
        eat_block(sha->state, ov_span_part(bytes, at, BLOCK_BYTES));
    }
    struct ov_span rest = ov_span_from(bytes, whole);
    if (rest.size > 0) {
        memcpy(sha->block, rest.data, rest.size);
    }
}

void ov_sha512_finish(struct ov_sha512 *sha, uint8_t *ret_bytes) {
    uint8_t tail[2 * BLOCK_BYTES] = {0};
    size_t held = (size_t)(sha->size % BLOCK_BYTES);
    memcpy(tail, sha->block, held);
    tail[held] = 0x80;
    size_t tail_bytes = held < BLOCK_BYTES - 16 ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    uint64_t bits = sha->size * 8;
    for (unsigned i = 0; i < 8; i++) {
        tail[tail_bytes - 1 - i] = (uint8_t)(bits >> 8 * i);
    }
    for (size_t at = 0; at < tail_bytes; at += BLOCK_BYTES) {
        eat_block(sha->state, ov_span_part(ov_span_make(tail, tail_bytes), at, BLOCK_BYTES));
    }
    for (size_t i = 0; i < sha->digest_bytes; i++) {
        ret_bytes[i] = (uint8_t)(sha->state[i / 8] >> (56 - 8 * (i % 8)));
    }
}

static void digest(struct ov_span bytes, size_t digest_bytes, uint8_t *ret_bytes) {
    struct ov_sha512 sha;
    ov_sha512_init(digest_bytes, &sha);
    ov_sha512_update(&sha, bytes);
    ov_sha512_finish(&sha, ret_bytes);
}

void ov_sha384(struct ov_span bytes, uint8_t ret_bytes[OV_SHA384_BYTES]) {
    digest(bytes, OV_SHA384_BYTES, ret_bytes);
}

void ov_sha512(struct ov_span bytes, uint8_t ret_bytes[OV_SHA512_BYTES]) {
    digest(bytes, OV_SHA512_BYTES, ret_bytes);
}
