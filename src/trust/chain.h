// SPDX-License-Identifier: Apache-2.0
//
// Which of the certificates that come with a signature lead to one that the rules trust, and which
// of them the rules block.
//
// As clamscan: a certificate is trusted when a rule names it, or when one is that may sign it; what
// it may be used for is then what both allow. Times of authorities are not looked at. Worker
// process only.
#pragma once

#include "base/budget.h"
#include "trust/certificate.h"

// A rule on certificates.
struct ov_trust_rule {
    bool is_blocked; // else trusted
    bool is_any_serial;
    bool can_sign_code, can_sign_time, can_sign_certificates;
    int64_t not_before;             // trusts none that was made valid before
    uint8_t subject[OV_SHA1_BYTES]; // SHA-1 of what is inside the name
    uint8_t serial[OV_SHA1_BYTES];  // likewise
    struct ov_span modulus;         // big-endian, without zeros before it
};

// Rules, in load order.
struct ov_trust_rules {
    const struct ov_trust_rule *items;
    uint32_t count;
};

enum {
    OV_CHAIN_CERTIFICATES_MAX = 64, // those in use bring four to ten
    OV_CHAIN_BLOCKED_MAX = 16,      // told of one signature
};

struct ov_chain {
    const struct ov_trust_rules *rules;
    struct ov_budget *budget; // its time alone; NULL: none
    uint32_t count;
    bool is_full; // there were more: then none is trusted
    struct ov_certificate certificates[OV_CHAIN_CERTIFICATES_MAX];
    bool is_trusted[OV_CHAIN_CERTIFICATES_MAX];
    uint32_t trusted_count;
    uint32_t trusted[OV_CHAIN_CERTIFICATES_MAX]; // in the order in which they became it
    uint32_t tried[OV_CHAIN_CERTIFICATES_MAX];   // how many of these did not sign it
    bool has_tried_rules[OV_CHAIN_CERTIFICATES_MAX];
    uint32_t blocked_count;
    uint32_t
        blocked[OV_CHAIN_BLOCKED_MAX]; // rules, in the order of the certificates; the last ones
};

void ov_chain_init(const struct ov_trust_rules *rules, struct ov_budget *budget,
                   struct ov_chain *ret_chain);

// Takes a certificate in, and looks whether it is blocked.
void ov_chain_add(struct ov_chain *chain, const struct ov_certificate *certificate);

// Finds out which are trusted. OV_LIMIT when the time is over.
enum ov_status ov_chain_build(struct ov_chain *chain);

// What was signed, by whom, and how.
struct ov_chain_signature {
    const uint8_t *issuer, *serial; // SHA-1, of the signer's certificate
    bool is_time;                   // a time stamp, else a program
    struct ov_span bytes;
    enum ov_sign_hash hash;
    const uint8_t *digest;
};

// The trusted certificate that made the signature, or NULL.
const struct ov_certificate *ov_chain_find_signer(const struct ov_chain *chain,
                                                  const struct ov_chain_signature *signature);
