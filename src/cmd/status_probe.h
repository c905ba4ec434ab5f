// SPDX-License-Identifier: Apache-2.0
//
// What the running kernel really enforces of a role's cage: found out by caging a child and trying.
#pragma once

#include "base/status.h"
#include "role/roles.h"

// What the child tried after the cage was up, and how it went.
enum ov_trial_result {
    OV_TRIAL_KILLED,  // the system-call filter ended it
    OV_TRIAL_REFUSED, // an error came back
    OV_TRIAL_DONE,    // it was possible
    OV_TRIAL_UNKNOWN, // the child did not come so far
    OV_TRIAL_WORK,    // it may: that is what the role is for
};

struct ov_trial {
    const char *name; // "open a file"
    enum ov_trial_result result;
};

enum { OV_TRIALS = 6 };

struct ov_probe {
    struct ov_cage_report cage;
    struct ov_trial trials[OV_TRIALS];
};

// Probes one role. OV_SYSTEM (errno) when no child can be started.
enum ov_status ov_status_probe(enum ov_role_id role, struct ov_probe *ret_probe);

// "killed", "refused", "POSSIBLE", "not tried", "its work".
const char *ov_trial_text(enum ov_trial_result result);
