// SPDX-License-Identifier: Apache-2.0
//
// What a log and a witness say to each other: the request add-checkpoint and its answers, without
// HTTP (C2SP tlog-witness).
//
//     old N LF
//     base64(HASH) LF        the consistency proof from N, at most 63 lines
//     LF
//     a checkpoint, signed by the log
//
// 200 is answered with signature lines, 409 with the size that the witness has seen.
#pragma once

#include "ledger/checkpoint.h"

enum {
    OV_COSIGN_HASHES_MAX = 63,            // fewer than OV_TREE_PROOF_MAX
    OV_COSIGN_BYTES_MAX = 1 << 17,        // of a request
    OV_COSIGN_ANSWER_BYTES_MAX = 1 << 16, // of an answer
};

struct ov_cosign_request {
    uint64_t old_size;
    struct ov_tree_proof proof; // of consistency
    struct ov_span checkpoint;  // a whole note, not yet read
};

// OV_DAMAGED when it is no request, or too large.
enum ov_status ov_cosign_request_read(struct ov_span body, struct ov_cosign_request *ret_request);

// Appends the body of a request.
void ov_cosign_request_add(struct ov_buf *buf, const struct ov_cosign_request *request);

// ---- the log's side: what a witness has answered ------------------------------------------------

// The body of a 409: the size last cosigned. OV_DAMAGED for anything else.
enum ov_status ov_cosign_size_read(struct ov_span body, uint64_t *ret_size);

// The body of a 200: takes the line of `witness` (type OV_KEY_COSIGNATURE) on the text of the
// checkpoint out of it, verifies it and appends it to `buf`, alone; lines of others are left out.
// Its time goes to *ret_time. OV_DAMAGED: no signature lines. OV_DENIED: none of this witness, or a
// false one.
enum ov_status ov_cosign_take(struct ov_span body, struct ov_span checkpoint_text,
                              const struct ov_key *witness, struct ov_buf *buf, uint64_t *ret_time);
