// SPDX-License-Identifier: Apache-2.0
//
// That an entry stands in a log, in one text that is checked without a network (C2SP tlog-proof).
//
//     c2sp.org/tlog-proof@v1 LF
//     extra base64 LF            optional, signed by nobody
//     index N LF
//     base64(HASH) LF            the inclusion proof, the leaf's neighbour first
//     LF
//     a checkpoint, with its signatures
#pragma once

#include "ledger/checkpoint.h"

enum {
    OV_PROOF_HASHES_MAX = 63,           // of a tree of 2^63 - 1 entries
    OV_PROOF_BYTES_MAX = 1 << 16,       // without the line `extra`
    OV_PROOF_EXTRA_BYTES_MAX = 1 << 16, // decoded
};

struct ov_proof {
    struct ov_span extra; // base64, well formed; empty when there is none
    bool has_extra;
    uint64_t index;
    struct ov_tree_proof path; // of inclusion
    struct ov_span checkpoint; // a whole note, not yet read
};

// Takes a proof apart; nothing of it may be believed yet. OV_DAMAGED when it is none or too large.
enum ov_status ov_proof_read(struct ov_span bytes, struct ov_proof *ret_proof);

// Appends the decoded bytes of the line `extra`; nothing when there is none.
enum ov_status ov_proof_add_extra(struct ov_buf *buf, const struct ov_proof *proof);

// Appends a proof. `extra` is raw bytes, empty for no such line; proof->extra is not looked at.
void ov_proof_add(struct ov_buf *buf, const struct ov_proof *proof, struct ov_span extra);

struct ov_proof_checked {
    struct ov_proof proof;
    struct ov_checkpoint_opened opened;
};

// The whole check of tlog-proof, in its order: form, a log key of this origin, every known
// cosignature, the quorum, the inclusion of `leaf` (RFC 6962: merkle.h). OV_DAMAGED: no proof.
// OV_UNSUPPORTED: extension lines. OV_DENIED: it does not prove what it should. *ret_why is a
// constant phrase for people, set on failure alone.
enum ov_status ov_proof_check(struct ov_span bytes, const struct ov_tree_hash *leaf,
                              const struct ov_policy *policy, struct ov_proof_checked *ret_checked,
                              const char **ret_why);
