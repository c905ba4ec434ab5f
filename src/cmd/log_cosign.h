// SPDX-License-Identifier: Apache-2.0
//
// Asking a log's witnesses to cosign what was signed (C2SP tlog-witness, the log's side).
#pragma once

#include "cmd/log_store.h"

enum { OV_LOG_ANSWER_BYTES = 160, OV_LOG_ASKED_MAX = 2 * OV_POLICY_WITNESSES_MAX };

// One witness that was asked, and what it said.
struct ov_log_asked {
    const struct ov_policy_witness *witness;
    bool has_cosigned;
    char answer[OV_LOG_ANSWER_BYTES]; // for people
    uint64_t old_size;                // that the next request begins with
    bool must_ask;
};

struct ov_log_cosign {
    struct ov_store *store;
    const char *staging; // a private folder for what is fetched
    uint32_t limit_ms;   // for each witness
    struct ov_log_asked asked[OV_LOG_ASKED_MAX];
    size_t asked_count;
};

// Asks them once for what they have seen, by way of the head signed last, and keeps nothing of what
// they cosign. To be called before something new is signed; as below, but waits for a few seconds
// at most.
enum ov_status ov_log_cosign_look(struct ov_log_cosign *cosign);

// Asks every witness of the policy that has an address and has not cosigned yet, all at once, and
// gives what they cosigned to the store. OV_OK whatever they answer. OV_DENIED when one has seen
// more of this log than there is: the store's error says so. OV_MEMORY, OV_SYSTEM.
enum ov_status ov_log_cosign_ask(struct ov_log_cosign *cosign);
