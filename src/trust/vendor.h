// SPDX-License-Identifier: Apache-2.0
//
// The signatures within ClamAV's databases and updates, by the keys that its programs have in them.
//
// Which key is asked is the caller's choice, so that tests have their own. Worker process only; the
// builder verifies databases in the same one. docs/formats/clamav-feed.md.
#pragma once

#include "base/digest.h"
#include "trust/rsa.h"

enum ov_vendor_key_id {
    OV_VENDOR_HEADER, // of databases: 1024 bits, over MD5
    OV_VENDOR_INFO,   // of lists of members: 2047 bits, over SHA-256
    OV_VENDOR_CDIFF,  // of updates: likewise
    OV_VENDOR_KEY_COUNT,
};

// Constant.
const struct ov_rsa_key *ov_vendor_key(enum ov_vendor_key_id id);

// Whether the digest itself, without any padding, stands behind the signature.
bool ov_vendor_verify_md5(const struct ov_rsa_key *key, struct ov_span text,
                          const uint8_t md5[OV_MD5_BYTES]);

// Whether the signature over the digest holds (RSASSA-PSS); the key has 256 bytes.
bool ov_vendor_verify_sha256(const struct ov_rsa_key *key, struct ov_span text,
                             const uint8_t sha256[OV_SHA256_BYTES]);
