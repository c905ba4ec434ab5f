// SPDX-License-Identifier: Apache-2.0
//
// The second sensor of canaries: fanotify's FAN_PRE_ACCESS (since Linux 6.14), by which the kernel
// asks before each access, with its range, whichever way it comes. A descriptor that was open
// before the file was marked gives none.
//
// Whoever accesses a canary waits for an answer, so a process of its own gives it, always the same
// and at once: a recorder that is busy, or stopped, keeps nobody waiting. It ends with the
// recorder, however that ends, and then the kernel lets all accesses through.
#pragma once

#include "watch/recorder.h"

struct ov_preaccess_count;

struct ov_preaccess {
    pid_t answerer; // 0: none
    int events;     // from it, -1: none
    int gate;       // closed when it is to end, -1: none
    struct ov_preaccess_count *count;
    const char *const *paths;
    size_t path_count;
    uint64_t lost;     // as it was written
    uint64_t begin_ns; // what was asked before is not compared: the page view was not ready
    bool is_on;        // all of them are marked
};

// Starts the process that answers, before there is anything that it would hold; with no path there
// is none. Paths must stay. It is no failure of this when the sensor cannot be had.
void ov_preaccess_open(const char *const *paths, size_t count, struct ov_preaccess *ret_preaccess);

// Says in the trace whether it is there, or why not. When the canaries are planted.
enum ov_status ov_preaccess_begin(struct ov_preaccess *preaccess, struct ov_trace_writer *trace);
// Writes what was asked since.
enum ov_status ov_preaccess_take(struct ov_preaccess *preaccess, struct ov_recorder *recorder,
                                 struct ov_trace_writer *trace);
// Ends the sensor, and writes what was asked up to `until_ns`.
enum ov_status ov_preaccess_end(struct ov_preaccess *preaccess, uint64_t until_ns,
                                struct ov_recorder *recorder, struct ov_trace_writer *trace);
void ov_preaccess_close(struct ov_preaccess *preaccess);
