// SPDX-License-Identifier: Apache-2.0
// Names of digests, and the digests.
#include "trust/digests.h"

enum { OID_BYTES_MAX = 12, PREFIX_BYTES_MAX = 24 };

struct name {
    uint8_t bytes; // of the name
    uint8_t oid[OID_BYTES_MAX];
};

struct kind {
    size_t digest_bytes;
    struct name bare; // the digest
    struct name rsa;  // a signature by RSA over it
    uint8_t prefix_bytes;
    uint8_t prefix[PREFIX_BYTES_MAX]; // RFC 8017, 9.2, note 1
};

#define OV_PKCS1(number)                                                                           \
    {                                                                                              \
        9, {                                                                                       \
            0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, (number)                               \
        }                                                                                          \
    }
#define OV_NIST(number)                                                                            \
    {                                                                                              \
        9, {                                                                                       \
            0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, (number)                               \
        }                                                                                          \
    }

static const struct kind kinds[] = {
    [OV_SIGN_MD5] = {OV_MD5_BYTES,
                     {8, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05}},
                     OV_PKCS1(4),
                     18,
                     {0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02,
                      0x05, 0x05, 0x00, 0x04, 0x10}},
    [OV_SIGN_SHA1] = {OV_SHA1_BYTES,
                      {5, {0x2b, 0x0e, 0x03, 0x02, 0x1a}},
                      OV_PKCS1(5),
                      15,
                      {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00,
                       0x04, 0x14}},
    [OV_SIGN_SHA256] = {OV_SHA256_BYTES,
                        OV_NIST(1),
                        OV_PKCS1(11),
                        19,
                        {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
                         0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}},
    [OV_SIGN_SHA384] = {OV_SHA384_BYTES,
                        OV_NIST(2),
                        OV_PKCS1(12),
                        19,
                        {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
                         0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30}},
    [OV_SIGN_SHA512] = {OV_SHA512_BYTES,
                        OV_NIST(3),
                        OV_PKCS1(13),
                        19,
                        {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03,
                         0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40}},
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const struct name rsa_encryption = OV_PKCS1(1);
static const struct name old_sha1_rsa = {5, {0x2b, 0x0e, 0x03, 0x02, 0x1d}}; // OIW: 1.3.14.3.2.29

static bool has_name(struct ov_span oid, const struct name *name) {
    return ov_span_is_equal(oid, ov_span_make(name->oid, name->bytes));
}

size_t ov_sign_hash_bytes(enum ov_sign_hash hash) {
    return (unsigned)hash < KINDS ? kinds[hash].digest_bytes : 0;
}

struct ov_span ov_sign_hash_prefix(enum ov_sign_hash hash) {
    return (unsigned)hash < KINDS ? ov_span_make(kinds[hash].prefix, kinds[hash].prefix_bytes)
                                  : ov_span_make(NULL, 0);
}

bool ov_sign_is_rsa(struct ov_span oid) {
    return has_name(oid, &rsa_encryption);
}

enum ov_status ov_sign_hash_of_digest(struct ov_span oid, enum ov_sign_hash *ret_hash) {
    for (unsigned i = 0; i < KINDS; i++) {
        if (has_name(oid, &kinds[i].bare) || has_name(oid, &kinds[i].rsa)) {
            *ret_hash = (enum ov_sign_hash)i;
            return OV_OK;
        }
    }
    return OV_DAMAGED;
}

enum ov_status ov_sign_hash_of_signature(struct ov_span oid, enum ov_sign_hash *ret_hash) {
    for (unsigned i = 0; i < KINDS; i++) {
        if (has_name(oid, &kinds[i].rsa)) {
            *ret_hash = (enum ov_sign_hash)i;
            return OV_OK;
        }
    }
    if (has_name(oid, &old_sha1_rsa)) {
        *ret_hash = OV_SIGN_SHA1;
        return OV_OK;
    }
    *ret_hash = OV_SIGN_ANY;
    return ov_sign_is_rsa(oid) ? OV_OK : OV_DAMAGED;
}

// ---- digests -----------------------------------------------------------------------------------

static bool is_large(enum ov_sign_hash hash) {
    return hash == OV_SIGN_SHA384 || hash == OV_SIGN_SHA512;
}

void ov_sign_digest_init(enum ov_sign_hash hash, struct ov_sign_digest *ret_digest) {
    ret_digest->hash = hash;
    if (is_large(hash)) {
        ov_sha512_init(kinds[hash].digest_bytes, &ret_digest->of.large);
    } else {
        ov_digest_init(hash == OV_SIGN_MD5    ? OV_HASH_MD5
                       : hash == OV_SIGN_SHA1 ? OV_HASH_SHA1
                                              : OV_HASH_SHA256,
                       &ret_digest->of.small);
    }
}

void ov_sign_digest_update(struct ov_sign_digest *digest, struct ov_span bytes) {
    if (is_large(digest->hash)) {
        ov_sha512_update(&digest->of.large, bytes);
    } else {
        ov_digest_update(&digest->of.small, bytes);
    }
}

void ov_sign_digest_finish(struct ov_sign_digest *digest, uint8_t ret_bytes[OV_SIGN_DIGEST_BYTES]) {
    if (is_large(digest->hash)) {
        ov_sha512_finish(&digest->of.large, ret_bytes);
    } else {
        ov_digest_finish(&digest->of.small, ret_bytes);
    }
}

void ov_sign_digest_of(enum ov_sign_hash hash, struct ov_span bytes,
                       uint8_t ret_bytes[OV_SIGN_DIGEST_BYTES]) {
    struct ov_sign_digest digest;
    ov_sign_digest_init(hash, &digest);
    ov_sign_digest_update(&digest, bytes);
    ov_sign_digest_finish(&digest, ret_bytes);
}
