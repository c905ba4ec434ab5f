// SPDX-License-Identifier: Apache-2.0
//
// What one scan job may use up: depth, bytes, files and time. One struct, handed down.
//
// Defaults are clamscan's (docs/clamav-differences.md says where we differ). Running out is told as
// "limited", with the name of the limit, never as clean.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum ov_limit {
    OV_LIMIT_NONE = 0,
    OV_LIMIT_FILE_SIZE,  // --max-filesize
    OV_LIMIT_SCAN_SIZE,  // --max-scansize
    OV_LIMIT_RECURSION,  // --max-recursion
    OV_LIMIT_FILES,      // --max-files
    OV_LIMIT_SCAN_TIME,  // --max-scantime
    OV_LIMIT_MEMORY,     // the worker's own memory cap
    OV_LIMIT_MATCHING,   // a pattern with more possibilities than are followed up
    OV_LIMIT_DETECTIONS, // more was found than a verdict has room for
    OV_LIMIT_COUNT,
};

struct ov_limits {
    uint64_t file_bytes; // one object; 0 = no limit
    uint64_t scan_bytes; // all layers of one file together; 0 = no limit
    uint32_t depth;      // layers
    uint32_t files;      // objects within one file; 0 = no limit
    uint64_t time_ms;    // wall clock for one file; 0 = no limit
};

struct ov_budget {
    struct ov_limits limits;
    uint64_t bytes_used;
    uint32_t files_used;
    uint64_t deadline_ns; // CLOCK_MONOTONIC; 0 = none
    enum ov_limit hit;    // the first limit that was hit, or none
};

// CLOCK_MONOTONIC in nanoseconds, by which deadlines are set.
uint64_t ov_clock_ns(void);

// clamscan's defaults: 100 MB a file, 400 MB a scan, depth 17, 10,000 files, 120 s.
struct ov_limits ov_limits_default(void);

// A fresh budget whose clock starts now.
void ov_budget_init(struct ov_budget *ret_budget, const struct ov_limits *limits);

// Whether time is left; notes OV_LIMIT_SCAN_TIME when not. Costs a clock read.
bool ov_budget_has_time(struct ov_budget *budget);

// Takes one object of `bytes` at `depth`; false, and the limit noted, when it does not fit.
bool ov_budget_take_object(struct ov_budget *budget, uint64_t bytes, uint32_t depth);

// Notes that a limit was hit, unless one was before.
void ov_budget_note(struct ov_budget *budget, enum ov_limit limit);

// The command-line name of a limit ("max-filesize"); "none" for OV_LIMIT_NONE.
const char *ov_limit_name(enum ov_limit limit);
