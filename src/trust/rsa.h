// SPDX-License-Identifier: Apache-2.0
//
// Whether a signature by RSA holds: RFC 8017, 8.2.2 (RSASSA-PKCS1-v1_5), and what stands behind
// one.
//
// Public keys alone: nothing is secret, so nothing has to take the same time. The number behind the
// signature is computed by GMP, which asks malloc for memory and the kernel for nothing. Worker
// process only.
#pragma once

#include "trust/digests.h"

enum {
    OV_RSA_BYTES_MIN = 1024 / 8, // of a modulus that is looked at
    OV_RSA_BYTES_MAX = 4096 / 8 + 1,
};

struct ov_rsa_key {
    struct ov_span modulus, exponent; // big-endian, without zeros before them
};

// Without the zeros at its start.
struct ov_span ov_rsa_strip(struct ov_span number);

// Whether `signature` (big-endian) was made with the key over this digest.
bool ov_rsa_verify(const struct ov_rsa_key *key, struct ov_span signature, enum ov_sign_hash hash,
                   const uint8_t *digest);

// What stands behind `signature` without regard to any form (RFC 8017, 5.2.2, RSAVP1), as a number
// of `size` bytes. OV_DAMAGED: the key or the signature is none, or the number is larger.
enum ov_status ov_rsa_recover(const struct ov_rsa_key *key, struct ov_span signature,
                              uint8_t *ret_bytes, size_t size);
