// SPDX-License-Identifier: Apache-2.0
//
// What runs already and is to be watched: a process with all below it, a systemd unit, a cgroup.
#pragma once

#include "watch/recorder.h"

// Puts the processes of that target under watch, again and again until no new one appears: those
// that are watched bring their children along by themselves. OV_SYSTEM with ESRCH when there is
// none; errno else. OV_INVALID: it is no number, or no cgroup's folder.
enum ov_status ov_target_watch(struct ov_recorder *recorder, enum ov_trace_target target,
                               const char *name);
