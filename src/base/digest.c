// SPDX-License-Identifier: Apache-2.0
// Digests: the frame that MD5, SHA-1 and SHA-256 share, and the choice of engine.
#include "base/digest.h"
#include "base/digest_engines.h"

#include <stdatomic.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

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
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        size_t at = kind == OV_HASH_MD5 ? end - LENGTH_BYTES + i : end - 1 - i;
        ret_blocks[at] = (uint8_t)(bits >> (8 * i));
    }
    return count;
}

void ov_digest_store(enum ov_hash_kind kind, const uint32_t state[OV_DIGEST_WORDS],
                     uint8_t *ret_bytes) {
    size_t size = ov_hash_bytes(kind);
    for (size_t i = 0; i < size; i++) {
        size_t shift = kind == OV_HASH_MD5 ? 8 * (i % 4) : 24 - 8 * (i % 4);
        ret_bytes[i] = (uint8_t)(state[i / 4] >> shift);
    }
}

void ov_digest_finish(struct ov_digest *digest, uint8_t *ret_bytes) {
    uint8_t last[2 * OV_DIGEST_BLOCK];
    struct ov_span tail = ov_span_make(digest->block, digest->size % OV_DIGEST_BLOCK);
    size_t count = ov_digest_pad(digest->kind, tail, digest->size, last);
    ov_digest_engine()->blocks[digest->kind](digest->state, last, count);
    ov_digest_store(digest->kind, digest->state, ret_bytes);
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
