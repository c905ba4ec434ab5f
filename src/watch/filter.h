// SPDX-License-Identifier: Apache-2.0
//
// The envelope's list of system calls: those whose work the sensors cannot follow are refused, and
// the kernel tells the recorder of each.
#pragma once

#include "trace/record.h"
#include "watch/table.h"

#include <sys/types.h>

struct ov_trace_writer;

// Loads the list for the calling process and all that come from it, but for what `allowed`
// (OV_ALLOW bits) says. `ret_listener` must be answered by ov_denials_take, or be closed: calls
// then get ENOSYS. -1: the kernel has no listener to give, calls get EPERM and nobody is told.
// OV_SYSTEM (errno).
enum ov_status ov_filter_load(uint32_t allowed, int *ret_listener);

// What was refused, counted. One thread.
struct ov_denials {
    struct ov_table table;
};

void ov_denials_init(struct ov_denials *ret_denials);
void ov_denials_release(struct ov_denials *denials);

// When a process began, CLOCK_BOOTTIME; 0: not known.
typedef uint64_t ov_start_fn(void *arg, uint32_t pid);

// Answers all calls that wait at the listener. OV_END: nobody is left who could call.
enum ov_status ov_denials_take(struct ov_denials *denials, int listener, ov_start_fn *start_of,
                               void *arg);

// One that another layer refused: an open of `path`.
enum ov_status ov_denials_add_open(struct ov_denials *denials, const struct ov_trace_pid *process,
                                   const char *by, struct ov_span path);

// Writes those whose counts have changed.
enum ov_status ov_denials_write(struct ov_denials *denials, struct ov_trace_writer *trace);
