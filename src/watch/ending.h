// SPDX-License-Identifier: Apache-2.0
//
// Ends what is watched: asks first, and makes it after a while.
#pragma once

#include "watch/recorder.h"

// How long who was asked to end has for it.
#define OV_ENDING_GRACE_NS 5000000000ull

// Sends this signal to each process that is watched at present.
void ov_ending_signal(const struct ov_recorder *recorder, int number);

// An ending under way.
struct ov_ending {
    uint64_t asked_ns; // CLOCK_BOOTTIME; 0: nobody was asked yet
    bool is_made;      // SIGKILL was sent as well
};

// To be called again and again until nothing is left: SIGTERM first, SIGKILL when the grace is over
// or `is_hurried`. OV_END: another grace is over, and what is left does not end.
enum ov_status ov_ending_go_on(struct ov_ending *ending, const struct ov_recorder *recorder,
                               bool is_hurried);
