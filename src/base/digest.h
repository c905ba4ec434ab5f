// SPDX-License-Identifier: Apache-2.0
//
// MD5, SHA-1 and SHA-256: what hash rules are written in, and what checks an image.
//
// Written from RFC 1321 and FIPS 180-4. MD5 and SHA-1 name known files here; nothing that must
// withstand a forger rests on them. A digest in progress is a plain struct that owns nothing.
// The bytes may change while they are read (a shared mapping): the result is then of no use, but
// nothing else happens. Many objects at once: match/digest_many.h.
#pragma once

#include "base/hash_kind.h"
#include "base/span.h"

enum {
    OV_MD5_BYTES = 16,
    OV_SHA1_BYTES = 20,
    OV_SHA256_BYTES = 32,
    OV_DIGEST_BLOCK = 64, // bytes that each of the three eats at a time
    OV_DIGEST_WORDS = 8,  // the longest state
};

struct ov_digest {
    enum ov_hash_kind kind;
    uint32_t state[OV_DIGEST_WORDS];
    uint64_t size;                  // bytes given so far
    uint8_t block[OV_DIGEST_BLOCK]; // the size % 64 bytes that do not fill a block yet
};

void ov_digest_init(enum ov_hash_kind kind, struct ov_digest *ret_digest);
void ov_digest_update(struct ov_digest *digest, struct ov_span bytes);

// Writes ov_hash_bytes(kind) bytes. The digest must be initialised again before further use.
void ov_digest_finish(struct ov_digest *digest, uint8_t *ret_bytes);

// Gives each of two SHA-256 digests its last bytes and finishes both: faster than one after the
// other, for short messages, where the processor can.
void ov_digest_finish_two(struct ov_digest *const digests[2], const struct ov_span last[2],
                          uint8_t *const ret_bytes[2]);

// All at once.
void ov_digest_of(enum ov_hash_kind kind, struct ov_span bytes, uint8_t *ret_bytes);
void ov_md5(struct ov_span bytes, uint8_t ret_bytes[OV_MD5_BYTES]);
void ov_sha1(struct ov_span bytes, uint8_t ret_bytes[OV_SHA1_BYTES]);
void ov_sha256(struct ov_span bytes, uint8_t ret_bytes[OV_SHA256_BYTES]);

// ---- for those who drive the blocks themselves --------------------------------------------------

// Eats `count` whole blocks that stand one after another.
typedef void ov_digest_blocks_fn(uint32_t state[OV_DIGEST_WORDS], const uint8_t *blocks,
                                 size_t count);

// One way to do it: in plain C, or with the processor's own instructions.
struct ov_digest_engine {
    const char *name;
    ov_digest_blocks_fn *blocks[OV_HASH_KINDS];
    // Eats `count` blocks of each of two messages, SHA-256; NULL: one after the other is as fast.
    void (*sha256_pair)(uint32_t *const states[2], const uint8_t *const blocks[2], size_t count);
};

// The plain engine, and the one that ov_digest_* uses on this processor (chosen once).
extern const struct ov_digest_engine ov_digest_plain;
const struct ov_digest_engine *ov_digest_engine(void);

// Makes ov_digest_* use `engine` from now on; NULL goes back to the best one. Tests only.
void ov_digest_set_engine(const struct ov_digest_engine *engine);

// The state before the first block.
const uint32_t *ov_digest_start(enum ov_hash_kind kind);

// Writes what follows the last whole block of a message of `size` bytes: its remaining `tail`
// (tail.size == size % 64), the 80 byte, zeros and the length. Returns the number of blocks, 1
// or 2.
size_t ov_digest_pad(enum ov_hash_kind kind, struct ov_span tail, uint64_t size,
                     uint8_t ret_blocks[2 * OV_DIGEST_BLOCK]);

// Writes the state as digest bytes.
void ov_digest_store(enum ov_hash_kind kind, const uint32_t state[OV_DIGEST_WORDS],
                     uint8_t *ret_bytes);
