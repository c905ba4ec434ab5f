// SPDX-License-Identifier: Apache-2.0
//
// A signature that stands beside what it signs: PKCS #7 SignedData without content (RFC 2315,
// section 9), by certificates that lead to one of the user's (RFC 5280, section 6).
//
// Of the rules for paths are kept: names, signatures, times, basic constraints with their limits,
// key usage; unknown critical extensions are refused. Lists of revoked certificates are not looked
// at, as clamscan does not. Worker process only.
#pragma once

#include "trust/certificate.h"

enum { OV_DETACHED_ANCHORS_MAX = 64 };

struct ov_detached {
    struct ov_span signature;             // PKCS #7, DER
    struct ov_span content;               // what it should be over
    const struct ov_certificate *anchors; // that the user trusts
    uint32_t anchor_count;
    int64_t now; // seconds since 1970
};

// OV_OK: every signer signed the content and is trusted, and there is one; *ret_signer is the first
// one's certificate and borrows the signature. OV_DAMAGED: it makes no sense; OV_DENIED: it is over
// something else, or by somebody else; OV_MEMORY.
enum ov_status ov_detached_verify(const struct ov_detached *detached,
                                  struct ov_certificate *ret_signer);

// The common name (RFC 5280, 4.1.2.4) in printable ASCII, other bytes as ?, cut to fit with a NUL.
void ov_certificate_common_name(const struct ov_certificate *certificate, char *ret_name,
                                size_t size);
