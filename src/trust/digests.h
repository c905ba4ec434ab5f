// SPDX-License-Identifier: Apache-2.0
//
// The digests that signatures are made with, by the names that certificates have for them.
//
// Worker process only.
#pragma once

#include "base/digest.h"
#include "base/sha512.h"
#include "base/status.h"

enum ov_sign_hash {
    OV_SIGN_MD5,
    OV_SIGN_SHA1,
    OV_SIGN_SHA256,
    OV_SIGN_SHA384,
    OV_SIGN_SHA512,
    OV_SIGN_ANY, // told elsewhere: rsaEncryption alone
};

enum { OV_SIGN_DIGEST_BYTES = 64 }; // the longest

struct ov_sign_digest {
    enum ov_sign_hash hash;
    union {
        struct ov_digest small;
        struct ov_sha512 large;
    } of;
};

size_t ov_sign_hash_bytes(enum ov_sign_hash hash);

// `hash` is not OV_SIGN_ANY.
void ov_sign_digest_init(enum ov_sign_hash hash, struct ov_sign_digest *ret_digest);
void ov_sign_digest_update(struct ov_sign_digest *digest, struct ov_span bytes);
void ov_sign_digest_finish(struct ov_sign_digest *digest, uint8_t ret_bytes[OV_SIGN_DIGEST_BYTES]);

// All at once.
void ov_sign_digest_of(enum ov_sign_hash hash, struct ov_span bytes,
                       uint8_t ret_bytes[OV_SIGN_DIGEST_BYTES]);

// The digest of a digestAlgorithm (PKCS #7): the bare name, or one that has RSA with it, as some
// signers write. OV_DAMAGED for others.
enum ov_status ov_sign_hash_of_digest(struct ov_span oid, enum ov_sign_hash *ret_hash);

// The digest of a signature by RSA (RFC 8017, A.2.4); OV_SIGN_ANY for rsaEncryption.
enum ov_status ov_sign_hash_of_signature(struct ov_span oid, enum ov_sign_hash *ret_hash);

// Whether the name is rsaEncryption (RFC 8017, A.1).
bool ov_sign_is_rsa(struct ov_span oid);

// What stands before the digest in a signature by RSA (RFC 8017, 9.2, note 1). Constant.
struct ov_span ov_sign_hash_prefix(enum ov_sign_hash hash);
