// SPDX-License-Identifier: Apache-2.0
//
// What a command that is watched runs in: what the sensors cannot follow is refused there, and
// told. Layers: `network`, `cgroup`, `trace`, `capabilities`, `landlock`, `seccomp`.
//
// Nothing of it outlives the recorder: descriptors hold all but the cgroup, and a process of its
// own removes that one, also when the recorder was killed. What still runs in it then is ended.
#pragma once

#include "watch/capture.h"
#include "watch/filter.h"
#include "watch/group.h"
#include "watch/network.h"

enum { OV_ENVELOPE_FDS = 2, OV_ENVELOPE_FILES = 2 };

struct ov_envelope_wish {
    uint32_t allowed;                      // OV_ALLOW bits
    const struct ov_capture_file *capture; // taken over
    const char *const *files;              // up to OV_ENVELOPE_FILES absolute paths and a NULL
    int processes;                         // as of ov_group_open
};

struct ov_envelope {
    uint32_t allowed; // OV_ALLOW bits
    struct ov_trace_writer *trace;
    struct ov_network network;
    struct ov_group group;
    struct ov_capture capture;
    struct ov_denials denials;
    const char *files[OV_ENVELOPE_FILES + 1]; // the recorder's, up to a NULL: read-only inside
    int listener;                             // of the refused calls, -1: none
    int channel[2];                           // ours, and the command's
};

// Makes what must be there before the command, and writes its exceptions and layers to the trace. A
// layer that cannot be had is `missing` there, and no failure.
enum ov_status ov_envelope_open(const struct ov_envelope_wish *wish, struct ov_trace_writer *trace,
                                struct ov_envelope *ret_envelope);

// In the command's process, before it executes anything: goes in, and tells ov_envelope_await.
// OV_SYSTEM: it could not tell.
enum ov_status ov_envelope_enter(struct ov_envelope *envelope);

// In the recorder, when that process was started: waits until it is in.
enum ov_status ov_envelope_await(struct ov_envelope *envelope, pid_t command);

// Descriptors to be polled for reading; how many.
size_t ov_envelope_fds(const struct ov_envelope *envelope, int ret_fds[OV_ENVELOPE_FDS]);
// Answers refused calls and takes captured frames.
enum ov_status ov_envelope_take(struct ov_envelope *envelope, ov_start_fn *start_of, void *arg);
// Writes the counters that have changed, with all that has to be said when `is_end`.
enum ov_status ov_envelope_write(struct ov_envelope *envelope, bool is_end);

// Ends what is left in it.
void ov_envelope_close(struct ov_envelope *envelope);
