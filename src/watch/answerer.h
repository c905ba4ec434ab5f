// SPDX-License-Identifier: Apache-2.0
//
// The process that answers the kernel before accesses to canaries: see watch/preaccess.h.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Shared with the recorder.
struct ov_preaccess_count {
    uint64_t lost; // events that had no room
};

// The first that it writes: whether all are marked.
struct ov_answerer_letter {
    uint32_t error; // errno of the first that could not be; 0: none
    uint32_t path;  // its number; UINT32_MAX: the kernel has no such thing
};

// Then these, one for each access. A pipe takes it as a whole: it divides PIPE_BUF.
struct ov_answerer_event {
    uint64_t at_ns; // CLOCK_BOOTTIME
    uint64_t from, to;
    uint64_t inode;
    uint32_t device; // major << 20 | minor
    uint32_t pid;
    uint64_t reserved[3];
};

struct ov_answerer {
    pid_t recorder;
    int gate;   // readable when it is to end
    int events; // a pipe to the recorder
    const char *const *paths;
    size_t path_count;
    struct ov_preaccess_count *count;
};

// To be run in a process of its own.
_Noreturn void ov_answerer_run(const struct ov_answerer *answerer);
