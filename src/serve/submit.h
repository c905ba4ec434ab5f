// SPDX-License-Identifier: Apache-2.0
//
// A witness over HTTP (C2SP tlog-witness): POST /add-checkpoint, and GET /HEX/checkpoint. What is
// answered is the ledger's decision (ledger/witness.h); here stand paths, methods and a bound on
// how often.
#pragma once

#include "ledger/witness.h"
#include "serve/http.h"

enum { OV_SUBMIT_BODY_BYTES = OV_COSIGN_BYTES_MAX };

// How many submissions are let through: `burst` at once, and then `a_second` of them.
struct ov_submit_rate {
    uint32_t a_second; // at least 1
    uint32_t burst;    // at least 1
    uint64_t full_ns;  // when the whole burst is there again, on the monotonic clock
};

struct ov_submit {
    struct ov_witness witness; // what it points at is borrowed
    struct ov_submit_rate rate;
};

// Whether one more submission is let through at this moment; it then counts.
bool ov_submit_rate_take(struct ov_submit_rate *rate, uint64_t now_ns);

// For struct ov_http_service; `arg` is a struct ov_submit.
void ov_submit_answer(void *arg, const struct ov_http_request *request,
                      struct ov_http_reply *reply);
