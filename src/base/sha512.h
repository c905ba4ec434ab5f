// SPDX-License-Identifier: Apache-2.0
//
// SHA-384 and SHA-512: what locked documents and signatures are made with. Hash rules have no use
// for them (base/digest.h).
//
// A digest in progress is a plain struct that owns nothing. Any process.
#pragma once

#include "base/span.h"

enum {
    OV_SHA384_BYTES = 48,
    OV_SHA512_BYTES = 64,
    OV_SHA512_BLOCK = 128,
    OV_SHA512_WORDS = 8,
};

struct ov_sha512 {
    size_t digest_bytes;
    uint64_t state[OV_SHA512_WORDS];
    uint64_t size; // bytes given so far
    uint8_t block[OV_SHA512_BLOCK];
};

// `digest_bytes` is OV_SHA384_BYTES or OV_SHA512_BYTES: which of the two.
void ov_sha512_init(size_t digest_bytes, struct ov_sha512 *ret_sha);
void ov_sha512_update(struct ov_sha512 *sha, struct ov_span bytes);

// Writes digest_bytes bytes. It must be initialised again before further use.
void ov_sha512_finish(struct ov_sha512 *sha, uint8_t *ret_bytes);

// All at once.
void ov_sha384(struct ov_span bytes, uint8_t ret_bytes[OV_SHA384_BYTES]);
void ov_sha512(struct ov_span bytes, uint8_t ret_bytes[OV_SHA512_BYTES]);
