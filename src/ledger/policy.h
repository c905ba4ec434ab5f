// SPDX-License-Identifier: Apache-2.0
//
// Whom we believe: which logs, which witnesses, and how many of these make a quorum (C2SP
// tlog-policy).
//
//     log VKEY [URL]
//     witness NAME VKEY [URL]
//     group NAME all|any|K MEMBER...
//     quorum NAME|none
//
// Spans lie in the text that was read, which must outlive the policy; it owns nothing else. Large:
// about 50 KiB.
#pragma once

#include "ledger/key.h"

enum {
    OV_POLICY_LOGS_MAX = 64,
    OV_POLICY_WITNESSES_MAX = 64, // as many as a mask has bits
    OV_POLICY_GROUPS_MAX = 64,
    OV_POLICY_BYTES_MAX = 1 << 20,
};

struct ov_policy_log {
    struct ov_key key;  // its name is the log's origin
    struct ov_span url; // empty when there is none
};

// A witness or a group stands in at most one group, so they form trees.
struct ov_policy_witness {
    struct ov_span name;
    struct ov_key key;
    struct ov_span url;
    int group; // that it is a member of, or -1
};

struct ov_policy_group {
    struct ov_span name;
    unsigned needed; // how many members must have witnessed, 1 to member_count
    unsigned member_count;
    int group; // as above; a later one
};

enum ov_policy_quorum { OV_QUORUM_NONE, OV_QUORUM_WITNESS, OV_QUORUM_GROUP };

struct ov_policy {
    struct ov_policy_log logs[OV_POLICY_LOGS_MAX];
    size_t log_count;
    struct ov_policy_witness witnesses[OV_POLICY_WITNESSES_MAX];
    size_t witness_count;
    struct ov_policy_group groups[OV_POLICY_GROUPS_MAX];
    size_t group_count;
    enum ov_policy_quorum quorum;
    size_t quorum_index; // of the witness or group
};

// What is wrong with a policy, for people.
struct ov_policy_error {
    size_t line;     // from 1; 0 when it is the file as a whole
    const char *why; // a constant phrase
};

// Reads the whole text. OV_DAMAGED with *ret_error filled; that alone is touched then.
enum ov_status ov_policy_read(struct ov_span text, struct ov_policy *ret_policy,
                              struct ov_policy_error *ret_error);

// Whether these witnesses, bit i for witness i, make up the quorum.
bool ov_policy_is_met(const struct ov_policy *policy, uint64_t witnesses);

// The latest time T such that the witnesses whose times are T or later make up the quorum: the time
// that no fewer liars can put forward than can forge the quorum itself. `times` has one entry for
// each witness, 0 for one that has not signed. 0 when the quorum is `none` or is not met.
uint64_t ov_policy_quorum_time(const struct ov_policy *policy, const uint64_t *times);
