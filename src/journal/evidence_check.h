// SPDX-License-Identifier: Apache-2.0
//
// Checks a file of evidence: with nothing but the file and what the verifier knows beforehand.
#pragma once

#include "journal/evidence.h"
#include "ledger/policy.h"
#include "ledger/trust.h"

enum ov_proven { OV_PROVEN, OV_NOT_PROVEN, OV_FAILED };

struct ov_evidence_step {
    enum ov_proven result;
    const char *what;    // a constant phrase: what is claimed
    const char *why;     // a constant phrase, or NULL when it is proven
    struct ov_span name; // of a rule set or a rule, when it is about one
};

struct ov_evidence_check {
    const struct ov_key *key;       // of the journal, as the verifier knows it; or NULL
    const struct ov_policy *policy; // of the log of rules, or NULL
    const struct ov_trust *trust;   // whose signatures a release needs, or NULL
    void *arg;
    void (*on_step)(void *arg, const struct ov_evidence_step *step);
};

// What may be built on, beside the steps.
struct ov_evidence_report {
    uint64_t proven_lists;               // bit i: the i-th `rules` is proven
    uint64_t witness_size, witness_time; // that the quorum has seen, and when; 0 for neither
};

// Checks all that can be. OV_OK whatever was found: on_step has told; OV_DAMAGED when the entries
// cannot be told apart, OV_MEMORY.
enum ov_status ov_evidence_verify(const struct ov_evidence *evidence,
                                  const struct ov_evidence_check *check,
                                  struct ov_evidence_report *ret_report);
