// SPDX-License-Identifier: Apache-2.0
//
// A witness: cosigns a log's checkpoint when it extends what it has cosigned before, and remembers
// it before it answers (C2SP tlog-witness, without HTTP).
//
// The state is a folder: HEX/checkpoint for each origin, HEX being the lower-case SHA-256 of the
// origin. It is the checkpoint last cosigned, with the log's signature and our own, and is what GET
// HEX/checkpoint answers. `lock` beside them is held (flock) from comparing the old size to having
// the new state on disk, so that any number of processes and threads may serve one folder.
#pragma once

#include "ledger/cosign.h"

// Borrows everything.
struct ov_witness {
    const struct ov_signer *signer; // type OV_KEY_COSIGNATURE
    const struct ov_key *logs;      // whose checkpoints are cosigned; a name is an origin
    size_t log_count;
    int folder; // the state
};

// What goes back over HTTP.
struct ov_witness_answer {
    unsigned status;          // 200 400 403 404 409 422, and 500 when the state fails us
    const char *content_type; // a constant
    struct ov_buf body;
    const char *why; // a constant phrase for our own diary, NULL for a 200; the body has it too
};

void ov_witness_answer_release(struct ov_witness_answer *answer);

// Answers POST add-checkpoint. `now` is POSIX seconds; no origin is ever given a time earlier than
// one it was given before. A 200 is on disk when this returns.
void ov_witness_add_checkpoint(const struct ov_witness *witness, struct ov_span body, uint64_t now,
                               struct ov_witness_answer *ret_answer);

// Answers GET HEX/checkpoint; `hex` is the part of the path. 200 or 404.
void ov_witness_get_checkpoint(const struct ov_witness *witness, struct ov_span hex,
                               struct ov_witness_answer *ret_answer);
