// SPDX-License-Identifier: Apache-2.0
//
// Ways to reach the content of a file, and ways to send: each tried once before a recording.
// Runs in a process of its own; nothing here is told of what the recorder counts.
#pragma once

#include "trace/record.h"

#include <stddef.h>

enum { OV_SELFTEST_BYTES = 100000 }; // that are read or sent by each route: 25 pages of 4 KiB

// What a route has to work with, and what it leaves.
struct ov_selftest_try {
    int folder;                    // on the file system of `file`
    const char *file;              // a path of it, OV_SELFTEST_BYTES long
    enum ov_trace_outcome outcome; // absent: this kernel has no such route
    int error;                     // errno of what was skipped or absent
    uint64_t cookie;               // of the socket that was sent by; 0 for files
};

struct ov_selftest_route {
    const char *name;
    void (*run)(struct ov_selftest_try *attempt);
};

extern const struct ov_selftest_route ov_selftest_routes[];
extern const size_t ov_selftest_route_count;
