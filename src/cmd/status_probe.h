// SPDX-License-Identifier: Apache-2.0
//
// What the running kernel really enforces of a role's cage: found out by caging a child and trying,
// and by looking at the child from the outside.
#pragma once

#include "base/status.h"
#include "cmd/status_seen.h"
#include "role/roles.h"

// What the child tried after the cage was up, and how it went.
enum ov_trial_result {
    OV_TRIAL_KILLED,  // the system-call filter ended it
    OV_TRIAL_REFUSED, // an error came back
    OV_TRIAL_DONE,    // it was possible
    OV_TRIAL_UNKNOWN, // the child did not come so far
    OV_TRIAL_WORK,    // it may: that is what the role is for
    OV_TRIAL_OLD,     // this kernel's Landlock knows nothing of it
};

struct ov_trial {
    const char *name; // "open a file"
    enum ov_trial_result result;
};

enum { OV_TRIALS = 6, OV_LANDLOCK_TRIALS = 3 };

struct ov_probe {
    struct ov_cage_report cage;
    bool has_seen; // the child came so far as to be looked at
    struct ov_seen seen;
    struct ov_trial trials[OV_TRIALS];
    int landlock_version; // 0 when there is none
    // In a child that has put up Landlock and nothing else.
    struct ov_trial landlock[OV_LANDLOCK_TRIALS];
};

// Probes one role. OV_SYSTEM (errno) when no child can be started.
enum ov_status ov_status_probe(enum ov_role_id role, struct ov_probe *ret_probe);

// "killed", "refused", "POSSIBLE", "not tried", "its work", "not in this kernel".
const char *ov_trial_text(enum ov_trial_result result);
