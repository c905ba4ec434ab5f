// SPDX-License-Identifier: Apache-2.0
//
// Watches the trace's own file: whoever else writes to it is told in it (fanotify, FAN_MODIFY and
// FAN_CLOSE_WRITE of that inode, whatever name it was opened by).
//
// It is told, not prevented: watch/shield.h does that for a command in its envelope.
#pragma once

#include "watch/recorder.h"

struct ov_sentinel {
    int fd; // -1: there is none
    struct ov_trace_inode inode;
    uint64_t size_bytes; // of the trace, when it was last looked at
    int file;            // borrowed
};

// Begins, and writes to the trace that its file is a canary, and a sensor `trace_writes`; that one
// is `missing` when it cannot be had, and nothing is incomplete for it.
enum ov_status ov_sentinel_open(int file, const char *path, struct ov_trace_writer *trace,
                                struct ov_sentinel *ret_sentinel);
// Writes a `canary` with the route `written` for each other process that wrote since the last time.
enum ov_status ov_sentinel_take(struct ov_sentinel *sentinel, const struct ov_recorder *recorder,
                                struct ov_trace_writer *trace);
void ov_sentinel_close(struct ov_sentinel *sentinel);
