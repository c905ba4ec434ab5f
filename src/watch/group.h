// SPDX-License-Identifier: Apache-2.0
//
// The cgroup that a command runs in: no devices that lead past the sensors (in an envelope), and an
// end for all that is in it when nobody records it any more.
#pragma once

#include "base/status.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

struct ov_group {
    char path[PATH_MAX]; // of its folder; "": there is none
    int devices;         // the rules; they go with this descriptor
    int reaper_gate;     // the reaper acts when its last holder is gone
    pid_t reaper;        // 0: there is none
};

// Makes it below the caller's own (cgroup v2), with a process that ends all that is in it and
// removes it when the caller is gone, however that comes. `processes` is the kernel's list of those
// who are watched (ov_recorder_list_fd): they are ended then, too, wherever they have gone.
// `has_devices`: with the rules. OV_SYSTEM (errno), OV_UNSUPPORTED: no cgroup v2 is mounted; there
// may be a reaper all the same, so it is to be closed.
enum ov_status ov_group_open(bool has_devices, int processes, struct ov_group *ret_group);
// Ends all that is in it now (SIGKILL).
void ov_group_kill(const struct ov_group *group);
// Puts a process into it.
enum ov_status ov_group_add(const struct ov_group *group, pid_t pid);
// Ends what is left in it, and removes it.
void ov_group_close(struct ov_group *group);
// In a child that shall not hold it.
void ov_group_forget(struct ov_group *group);
