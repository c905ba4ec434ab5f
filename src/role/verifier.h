// SPDX-License-Identifier: Apache-2.0
//
// Verifying what was fetched, in a process of its own: bytes in, a verdict of fixed size out.
//
// The verifier is a fork of the process that asks, caged before it looks at the first byte: no
// network, no path, nothing to speak to but one channel. The checks are those of ledger/update.h
// and ledger/rotation_check.h.
#pragma once

#include "ledger/rotation_check.h"
#include "role/acts.h"

#include <sys/types.h>

// All spans are borrowed and unchecked, but for the state, which is ours.
struct ov_verifier_request {
    struct ov_span policy; // the text of log.policy
    struct ov_span trust;  // the text of overt.trust
    const struct ov_feed_state *state;
    struct ov_span proof; // feed/NAME/latest.tlog-proof
    uint64_t now;         // POSIX seconds

    // What an answer OV_END asked for: of the log of `size` entries, the entry bundles from the one
    // of entry `later_from` on, and the tiles of level 0. None: NULL.
    uint64_t size, later_from;
    const struct ov_span *bundles;
    size_t bundle_count;
    const struct ov_span *tiles;
    size_t tile_count;

    // The rules themselves, or no bytes: then they are not checked.
    struct ov_span rules;

    bool is_kept; // see struct ov_update_input

    // `proof` is feed/NAME/policy-N.tlog-proof: what follows it is not looked at.
    bool is_rotation;
};

// What a rotation brings: the text of the new trust file, then that of the new policy.
struct ov_verifier_rotation {
    uint64_t version, index;
    uint32_t trust_bytes, policy_bytes;
    uint8_t bytes[OV_ROTATION_BYTES_MAX];
};

struct ov_verifier_result {
    enum ov_status status; // as ov_update_check, then ov_update_check_bundle; ov_rotation_check
    struct ov_update update;
    struct ov_verifier_rotation rotation;
    char reason[OV_UPDATE_REASON_BYTES];
    uint32_t missing_layers; // OV_CAGE() bits that it should have had and had not
};

// Runs the checks. OV_OK when the verifier gave an answer, whatever it is. OV_SYSTEM (errno), or
// OV_PEER when it died without one: nothing is verified then.
enum ov_status ov_verifier_run(const struct ov_verifier_request *request,
                               struct ov_verifier_result *ret_result);

// One that has said OV_OK of a release and waits for its rules: an update is asked of one process,
// since making a cage costs more than all signatures.
struct ov_verifier {
    pid_t pid; // 0: none is there
    int pidfd, channel;
    struct ov_acting acting;
};

// As ov_verifier_run, for a request without rules. When the answer's status is OV_OK, *ret_verifier
// waits for ov_verifier_give; in all other cases none is there.
enum ov_status ov_verifier_open(const struct ov_verifier_request *request,
                                struct ov_verifier *ret_verifier,
                                struct ov_verifier_result *ret_result);

// Gives it the rules, an open file that nobody changes any more; the verifier ends with its answer.
// As ov_verifier_run.
enum ov_status ov_verifier_give(struct ov_verifier *verifier, int rules,
                                struct ov_verifier_result *ret_result);

// Ends one that waits. None there: nothing happens.
void ov_verifier_close(struct ov_verifier *verifier);
