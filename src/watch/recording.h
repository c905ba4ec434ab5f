// SPDX-License-Identifier: Apache-2.0
//
// One recording from its beginning to its end: of a command, or of what runs already.
#pragma once

#include "watch/capture.h"
#include "watch/recorder.h"

struct ov_recording {
    int trace;               // an empty file, open for writing; taken over
    const char *trace_path;  // absolute
    uint64_t size_max_bytes; // of it; 0: no bound
    uint64_t for_ns;         // 0: until what is watched has ended
    uint32_t drain_ms;       // how often counters are written
    enum ov_trace_target target;
    const char *name;  // of the target: a process id, a folder of cgroups; NULL for a command
    char **command;    // up to a NULL; for OV_TRACE_OF_COMMAND
    bool has_envelope; // for OV_TRACE_OF_COMMAND alone: watch/envelope.h
    uint32_t allowed;  // beyond it, OV_ALLOW bits
    struct ov_capture_file capture;    // for frames
    const char *capture_absolute_path; // NULL: none
    const char *const *canaries;
    size_t canary_count;
    const char *const *scopes; // what the product is asked to look at
    size_t scope_count;
    const char *const *owns; // folders of the product's own
    size_t own_count;
    struct ov_recorder_options options; // for tests
};

struct ov_recording_result {
    enum ov_trace_why why;
    bool has_begun; // something is watched, or was; else the trace is of no use
    bool has_status;
    uint32_t status;                // of the command, as wait() has it
    uint8_t chain[OV_SHA256_BYTES]; // over the whole trace, when it has an end
    bool has_end;
    char reason[OV_RECORDER_REASON_BYTES];
};

// Runs it. Statuses as ov_recorder_new; the reason is given then, and unless it had begun the
// command has not run.
//
// When the time is over, or somebody asks for the end (SIGINT, SIGTERM, SIGHUP), a command and all
// that came from it are ended first, and that is recorded; what ran already goes on. A trace that
// is full ends the recording, not the command. A recorder that is killed takes the command with it.
enum ov_status ov_recording_run(const struct ov_recording *recording,
                                struct ov_recording_result *ret_result);
