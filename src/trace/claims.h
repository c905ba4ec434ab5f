// SPDX-License-Identifier: Apache-2.0
//
// What a trace lets us say: typed claims, each with its force, and each thing that was not observed
// with its reason.
#pragma once

#include "base/buf.h"
#include "trace/places.h"

enum ov_trace_claim_kind {
    OV_TRACE_CLAIM_READ,
    OV_TRACE_CLAIM_KEPT,
    OV_TRACE_CLAIM_SENT,
    OV_TRACE_CLAIM_CAPACITY,     // how many bits can have left at most
    OV_TRACE_CLAIM_NOT_OBSERVED, // its text is the reason
};

enum ov_trace_force {
    OV_TRACE_FORCE_EXACT,   // so many, and no more
    OV_TRACE_FORCE_AT_MOST, // not more; pages that were mapped around a fault may not have been
                            // used
    OV_TRACE_FORCE_SEEN,    // so many were seen, there may be more: the trace is incomplete
    OV_TRACE_FORCE_NONE,    // nothing can be said
};

struct ov_trace_claim {
    enum ov_trace_claim_kind kind;
    enum ov_trace_force force;
    const char *what; // a word: "files", "network", ...
    uint64_t bytes;   // 0 for NOT-OBSERVED
    uint64_t bits;    // CAPACITY alone
    uint64_t count;   // of files, sockets, ... that are behind it
    bool is_gap;      // makes the trace incomplete
    const char *text; // a sentence, with nothing in it that a terminal obeys
};

enum ov_status ov_trace_claims_build(const struct ov_trace_model *model,
                                     const struct ov_trace_places *places, struct ov_arena *arena,
                                     const struct ov_trace_claim **ret_claims, size_t *ret_count);

const char *ov_trace_claim_word(enum ov_trace_claim_kind kind); // "READ", "NOT-OBSERVED", ...
const char *ov_trace_force_word(enum ov_trace_force force);     // "exact", "at-most", ...

// A gap as a sentence.
void ov_trace_gap_add_text(const struct ov_trace_model *model, const struct ov_trace_gap *gap,
                           struct ov_buf *out);

// What no watching of this kind sees, however complete: sentences, ended by NULL.
extern const char *const ov_trace_blind_spots[];
