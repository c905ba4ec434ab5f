// SPDX-License-Identifier: Apache-2.0
//
// From running processes to descriptors of what lies in their memory. The broker's.
//
// Each process gives its executable, as the open file that it runs (a deleted or memory-only one
// too), and then copies of its memory, region by region: what is in no file (anonymous memory,
// memory files, deleted files) and what differs from its file. Pages that are in no memory are
// left out. Nothing is written to a process, and none is stopped: its memory may change meanwhile.
#pragma once

#include "role/walk.h"

#include <sys/types.h>

struct ov_processes;

// The named processes, or with `count` 0 all that there are, but for this one and its children.
enum ov_status ov_processes_new(const pid_t *pids, size_t count, struct ov_processes **ret);
void ov_processes_free(struct ov_processes *processes);

// The next executable, piece of memory or problem; a file's `info` has no device and inode when it
// is a copy. OV_END after the last; OV_MEMORY, OV_SYSTEM.
enum ov_status ov_processes_next(struct ov_processes *processes, struct ov_walk_item *ret_item);
