// SPDX-License-Identifier: Apache-2.0
//
// What is kept of a plan that is carried out, in STATE/inventory/ID (0700; ID is made of the plan's
// bytes): how far it came, what its commands said, and the configuration as it was before.
#pragma once

#include "inventory/plan.h"

struct ov_plan_state {
    int folder;        // -1: closed
    int progress, log; // files in it
    char path[4352];   // of the folder
    uint8_t *done;     // for each step whether it is
    size_t step_count;
    bool has_begun; // a step was begun
    bool has_snapshot;
};

// Opens it, and makes it when it is not there; nobody else works on the same plan meanwhile. On
// failure the error was printed. `is_read` makes nothing: OV_END when there is none.
enum ov_status ov_plan_state_open(const struct ov_plan *plan, const uint8_t sha256[32],
                                  bool is_read, struct ov_plan_state *ret_state);
void ov_plan_state_close(struct ov_plan_state *state);

// On disk when it returns OV_OK; OV_SYSTEM (errno).
enum ov_status ov_plan_state_begin(struct ov_plan_state *state, size_t step);
enum ov_status ov_plan_state_done(struct ov_plan_state *state, size_t step);

// Copies the configuration: files that are to be removed and may not change, those of the packages,
// and the lists of accounts. OV_SYSTEM (errno), OV_LIMIT: there is too much of it.
enum ov_status ov_plan_snapshot(struct ov_plan_state *state, const struct ov_plan *plan,
                                const struct ov_root *tree);
