// SPDX-License-Identifier: Apache-2.0
//
// One certificate: RFC 5280, section 4, as far as a signature of a program needs it.
//
// The uses are read as clamscan reads them, because rules on certificates were made with it. A
// certificate borrows the bytes. Worker process only.
#pragma once

#include "trust/der.h"
#include "trust/rsa.h"

struct ov_certificate {
    uint8_t subject[OV_SHA1_BYTES]; // SHA-1 of what is inside the name, and so on
    uint8_t issuer[OV_SHA1_BYTES];
    uint8_t serial[OV_SHA1_BYTES];
    struct ov_rsa_key key;
    int64_t not_before, not_after;
    bool can_sign_code, can_sign_time, can_sign_certificates;
    bool is_end; // its basic constraints say that it is no authority
    // Not looked at by clamscan in programs:
    bool is_authority;        // its basic constraints say so
    bool can_sign_data;       // its key usage, when it has one, says so
    bool has_unknown_demand;  // a critical extension that is not known here
    uint8_t authorities_most; // that may stand between it and the end; 255: not limited
    struct ov_span name;      // what is inside the subject
    struct ov_span signature;
    enum ov_sign_hash hash; // of the signature
    uint8_t digest[OV_SIGN_DIGEST_BYTES];
};

// Takes the next certificate off. OV_DAMAGED: the bytes make no sense from here on. Otherwise
// *ret_is_read tells whether it could be read; those that could not are passed over.
enum ov_status ov_certificate_read(struct ov_der *der, struct ov_certificate *ret_certificate,
                                   bool *ret_is_read);
