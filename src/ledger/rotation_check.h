// SPDX-License-Identifier: Apache-2.0
//
// Whether a client may take over new release keys and another policy: the checks of
// docs/formats/release.md, "New keys, or another policy", in their order, and what each refusal
// says.
//
// What is believed until then decides: the old policy, by which the entry must be proven to stand
// in the log, and the old trust file, whose threshold must have signed it. As ledger/update.h, this
// works on bytes that are at hand alone.
#pragma once

#include "ledger/update.h"

// All spans and pointers are borrowed.
struct ov_rotation_input {
    const struct ov_policy *policy; // the old one
    const struct ov_trust *trust;   // the old one, of version V
    const struct ov_feed_state *state;
    struct ov_span proof; // feed/NAME/policy-(V+1).tlog-proof: the entry is its `extra`
    uint64_t now;         // POSIX seconds
};

// Owns the two texts.
struct ov_rotation_found {
    uint64_t version; // of the new trust file
    uint64_t index;   // where the entry stands in the log
    uint64_t time;    // what its signers say
    struct ov_buf trust, policy;
};

void ov_rotation_found_release(struct ov_rotation_found *found);

// OV_OK: the two files in *ret_found take the place of the old ones. Otherwise refused, and
// `ret_reason` (OV_UPDATE_REASON_BYTES) says why, for people: OV_DAMAGED what is malformed,
// OV_DENIED what is not proven. OV_MEMORY.
enum ov_status ov_rotation_check(const struct ov_rotation_input *input,
                                 struct ov_rotation_found *ret_found, char *ret_reason);
