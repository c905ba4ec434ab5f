// SPDX-License-Identifier: Apache-2.0
// Digests: the frame that MD5, SHA-1 and SHA-256 share, and the choice of engine.
#include "base/digest.h"
#include "base/digest_engines.h"

#include <endian.h>
#include <stdatomic.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { PAIR_BLOCKS = 8 }; // of each message, that are made ready for two at once

// RFC 1321, 3.3 and FIPS 180-4, 5.3: SHA-1 starts with the words of MD5 and one more.
static const uint32_t start_words[OV_HASH_KINDS][OV_DIGEST_WORDS] = {
    [OV_HASH_MD5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476},
    [OV_HASH_SHA1] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0},
    [OV_HASH_SHA256] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                        0x1f83d9ab, 0x5be0cd19},
};

// The chosen engine. Racing threads all come to the same one.
static _Atomic(const struct ov_digest_engine *) chosen_engine;

#if defined(__x86_64__)
// Asks the processor itself: the compilers of Debian 12 have no name for this feature. The
// instructions use SSE registers alone, which every x86-64 system saves.
static bool has_sha_instructions(void) {
    unsigned a, b, c, d;
    bool has_sse41 = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_1) && (c & bit_SSSE3);
    return has_sse41 && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA);
}
#endif

static const struct ov_digest_engine *choose_engine(void) {
#if defined(__x86_64__)
    if (has_sha_instructions()) {
        return &ov_digest_shani;
    }
#endif
    return &ov_digest_plain;
}

const struct ov_digest_engine *ov_digest_engine(void) {
    const struct ov_digest_engine *engine =
        atomic_load_explicit(&chosen_engine, memory_order_relaxed);
    if (engine == NULL) {
        engine = choose_engine();
        atomic_store_explicit(&chosen_engine, engine, memory_order_relaxed);
    }
    return engine;
}

void ov_digest_set_engine(const struct ov_digest_engine *engine) {
    atomic_store_explicit(&chosen_engine, engine, memory_order_relaxed);
}

const uint32_t *ov_digest_start(enum ov_hash_kind kind) {
    return start_words[kind];
}

void ov_digest_init(enum ov_hash_kind kind, struct ov_digest *ret_digest) {
    ret_digest->kind = kind;
    ret_digest->size = 0;
    memcpy(ret_digest->state, start_words[kind], sizeof ret_digest->state);
}

void ov_digest_update(struct ov_digest *digest, struct ov_span bytes) {
    if (bytes.size == 0) {
        return;
    }
    ov_digest_blocks_fn *blocks = ov_digest_engine()->blocks[digest->kind];
    size_t held = digest->size % OV_DIGEST_BLOCK;
    digest->size += bytes.size;
    if (held > 0) {
        size_t take = OV_DIGEST_BLOCK - held < bytes.size ? OV_DIGEST_BLOCK - held : bytes.size;
        memcpy(digest->block + held, bytes.data, take);
        if (held + take < OV_DIGEST_BLOCK) {
            return;
        }
        blocks(digest->state, digest->block, 1);
        bytes = ov_span_part(bytes, take, SIZE_MAX);
    }
    size_t whole = bytes.size / OV_DIGEST_BLOCK;
    if (whole > 0) {
        blocks(digest->state, bytes.data, whole);
    }
    size_t rest = bytes.size % OV_DIGEST_BLOCK;
    if (rest > 0) {
        memcpy(digest->block, bytes.data + whole * OV_DIGEST_BLOCK, rest);
    }
}

size_t ov_digest_pad(enum ov_hash_kind kind, struct ov_span tail, uint64_t size,
                     uint8_t ret_blocks[2 * OV_DIGEST_BLOCK]) {
    enum { LENGTH_BYTES = 8 };
    size_t count = tail.size + 1 + LENGTH_BYTES <= OV_DIGEST_BLOCK ? 1 : 2;
    size_t end = count * OV_DIGEST_BLOCK;
    if (tail.size > 0) {
        memcpy(ret_blocks, tail.data, tail.size);
    }
    ret_blocks[tail.size] = 0x80;
    memset(ret_blocks + tail.size + 1, 0, end - tail.size - 1);
    uint64_t bits = size * 8;
    bits = kind == OV_HASH_MD5 ? htole64(bits) : htobe64(bits);
    memcpy(ret_blocks + end - LENGTH_BYTES, &bits, LENGTH_BYTES);
    return count;
}

void ov_digest_store(enum ov_hash_kind kind, const uint32_t state[OV_DIGEST_WORDS],
                     uint8_t *ret_bytes) {
    size_t words = ov_hash_bytes(kind) / sizeof(uint32_t);
    for (size_t i = 0; i < words; i++) {
        uint32_t word = kind == OV_HASH_MD5 ? htole32(state[i]) : htobe32(state[i]);
        memcpy(ret_bytes + i * sizeof word, &word, sizeof word);
    }
}

void ov_digest_finish(struct ov_digest *digest, uint8_t *ret_bytes) {
    uint8_t last[2 * OV_DIGEST_BLOCK];
    struct ov_span tail = ov_span_make(digest->block, digest->size % OV_DIGEST_BLOCK);
    size_t count = ov_digest_pad(digest->kind, tail, digest->size, last);
    ov_digest_engine()->blocks[digest->kind](digest->state, last, count);
    ov_digest_store(digest->kind, digest->state, ret_bytes);
}

// The blocks of what a digest has not eaten, with the bytes that are its last; 0 when there are too
// many of them.
static size_t gather(const struct ov_digest *digest, struct ov_span last,
                     uint8_t ret_blocks[PAIR_BLOCKS * OV_DIGEST_BLOCK]) {
    const size_t held = digest->size % OV_DIGEST_BLOCK;
    if (last.size > (PAIR_BLOCKS - 3) * OV_DIGEST_BLOCK) {
        return 0;
    }
    memcpy(ret_blocks, digest->block, held);
    if (last.size > 0) {
        memcpy(ret_blocks + held, last.data, last.size);
    }
    const size_t whole = (held + last.size) / OV_DIGEST_BLOCK;
    uint8_t tail[OV_DIGEST_BLOCK];
    const size_t tail_size = (held + last.size) % OV_DIGEST_BLOCK;
    memcpy(tail, ret_blocks + whole * OV_DIGEST_BLOCK, tail_size);
    return whole + ov_digest_pad(digest->kind, ov_span_make(tail, tail_size),
                                 digest->size + last.size, ret_blocks + whole * OV_DIGEST_BLOCK);
}

void ov_digest_finish_two(struct ov_digest *const digests[2], const struct ov_span last[2],
                          uint8_t *const ret_bytes[2]) {
    uint8_t blocks[2][PAIR_BLOCKS * OV_DIGEST_BLOCK];
    const struct ov_digest_engine *engine = ov_digest_engine();
    const size_t count = engine->sha256_pair != NULL ? gather(digests[0], last[0], blocks[0]) : 0;
    if (count == 0 || gather(digests[1], last[1], blocks[1]) != count) {
        for (unsigned i = 0; i < 2; i++) {
            ov_digest_update(digests[i], last[i]);
            ov_digest_finish(digests[i], ret_bytes[i]);
        }
        return;
    }
    engine->sha256_pair((uint32_t *const[2]){digests[0]->state, digests[1]->state},
                        (const uint8_t *const[2]){blocks[0], blocks[1]}, count);
    ov_digest_store(OV_HASH_SHA256, digests[0]->state, ret_bytes[0]);
    ov_digest_store(OV_HASH_SHA256, digests[1]->state, ret_bytes[1]);
}

void ov_digest_of(enum ov_hash_kind kind, struct ov_span bytes, uint8_t *ret_bytes) {
    struct ov_digest digest;
    ov_digest_init(kind, &digest);
    ov_digest_update(&digest, bytes);
    ov_digest_finish(&digest, ret_bytes);
}

void ov_md5(struct ov_span bytes, uint8_t ret_bytes[OV_MD5_BYTES]) {
    ov_digest_of(OV_HASH_MD5, bytes, ret_bytes);
}

void ov_sha1(struct ov_span bytes, uint8_t ret_bytes[OV_SHA1_BYTES]) {
    ov_digest_of(OV_HASH_SHA1, bytes, ret_bytes);
}

void ov_sha256(struct ov_span bytes, uint8_t ret_bytes[OV_SHA256_BYTES]) {
    ov_digest_of(OV_HASH_SHA256, bytes, ret_bytes);
}
