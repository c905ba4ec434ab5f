// SPDX-License-Identifier: Apache-2.0
//
// A signature as programs and catalogs carry it: PKCS #7 SignedData (RFC 2315, section 9) in the
// form of "Windows Authenticode Portable Executable Signature Format" (Microsoft, 2008).
//
// What is signed borrows the bytes, which must not change while it is used: hostile bytes that may
// are copied first. Worker process only; the builder reads catalogs in the same one.
#pragma once

#include "base/arena.h"
#include "trust/chain.h"

enum ov_signed_kind {
    OV_SIGNED_PROGRAM, // says what a program's digest is
    OV_SIGNED_CATALOG, // lists digests of files
};

struct ov_signed {
    bool is_trusted;               // signed by somebody whom the rules trust, if the time is right:
    int64_t not_before, not_after; // the times when it may be looked at, in seconds since 1970
    struct ov_span content;        // what is signed
    uint32_t blocked_count;
    uint32_t blocked[OV_CHAIN_BLOCKED_MAX]; // rules that block a certificate; the last one first
};

// Reads a signature. OV_OK, trusted or not; OV_DAMAGED: it makes no sense, and is not trusted, but
// certificates may have been blocked; OV_LIMIT, OV_MEMORY: nothing is told.
enum ov_status ov_signed_read(struct ov_span bytes, enum ov_signed_kind kind,
                              const struct ov_trust_rules *rules, struct ov_budget *budget,
                              struct ov_signed *ret_signed);

// Whether what is signed is the digest of these parts, one after another. program_digest.c
bool ov_signed_is_of(struct ov_span content, const struct ov_span *parts, uint32_t count);

// ---- catalogs ----------------------------------------------------------------------------------

struct ov_hash_list {
    struct ov_der members, values;
};

struct ov_listed_hash {
    bool is_program; // its digest leaves out what Authenticode does; else that of the whole file
    enum ov_sign_hash hash; // SHA-1 or SHA-256
    struct ov_span digest;
};

// Opens what a catalog has signed. OV_DAMAGED. hash_list.c
enum ov_status ov_hash_list_open(struct ov_span content, struct ov_hash_list *ret_list);

// OV_OK, OV_END, OV_DAMAGED.
enum ov_status ov_hash_list_next(struct ov_hash_list *list, struct ov_listed_hash *ret_hash);
