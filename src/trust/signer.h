// SPDX-License-Identifier: Apache-2.0
//
// What one signer says: a SignerInfo of PKCS #7 (RFC 2315, 9.2), or the counter signature of
// PKCS #9 (RFC 2985, 5.3.6), which is one, too.
//
// Borrows the bytes. Worker process only.
#pragma once

#include "trust/chain.h"

struct ov_signer {
    uint8_t issuer[OV_SHA1_BYTES], serial[OV_SHA1_BYTES]; // of its certificate
    enum ov_sign_hash hash;
    struct ov_span attributes; // what is signed, as an element
    struct ov_span content_type, message_digest;
    int64_t signing_time;
    struct ov_span signature;
};

enum ov_signer_kind {
    OV_SIGNER_MAIN,
    OV_SIGNER_COUNTER, // tells its time
};

// Reads up to the signature; what follows it is left to be read. OV_DAMAGED.
enum ov_status ov_signer_info_read(struct ov_der *der, enum ov_signer_kind kind,
                                   struct ov_signer *ret_signer);

// The trusted certificate by which the attributes were signed, or NULL. The attributes are not
// looked at.
const struct ov_certificate *ov_signer_verify(const struct ov_signer *signer,
                                              const struct ov_chain *chain,
                                              enum ov_signer_kind kind);

// The next attribute: its type, and what is left of it. OV_DAMAGED.
enum ov_status ov_signer_attribute(struct ov_der *attributes, struct ov_span *ret_type,
                                   struct ov_der *ret_rest);

// Reads a counter signature over `message`, which must come from a time when `certificate` was
// valid. OV_OK: it holds. countersignature.c
enum ov_status ov_countersignature_check(struct ov_der *der, struct ov_span message,
                                         const struct ov_certificate *certificate,
                                         const struct ov_chain *chain);
