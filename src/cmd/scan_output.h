// SPDX-License-Identifier: Apache-2.0
//
// What `overt scan` says: lines or JSON on standard output, progress and summary on standard error.
#pragma once

#include "base/buf.h"
#include "cmd/scan_options.h"
#include "ledger/merkle.h"
#include "role/scan_job.h"

struct ov_scan_totals {
    uint64_t files; // regular files, whatever became of them
    uint64_t bytes;
    uint64_t found;
    uint64_t errors;
    uint64_t limited;
    uint64_t skipped;   // no regular files, or excluded
    uint64_t unchanged; // clean before and the same since
};

struct ov_scan_output {
    const struct ov_scan_arguments *args;
    const struct ov_scan_image *image;
    struct ov_scan_totals totals;
    struct ov_buf line;
    uint64_t started_ns;
    uint64_t drawn_ns; // when the progress line was last drawn
    bool has_progress;
    bool is_drawn;                     // a progress line stands on the terminal
    const struct ov_tree_head *sealed; // where the journal stands, at the end; NULL without one
    const char *journal_error;         // why it could not be closed, or NULL
};

// Whether progress is drawn: on a terminal that nobody asked to be calm.
bool ov_scan_has_progress(const struct ov_scan_arguments *args);

void ov_scan_output_init(const struct ov_scan_arguments *args, const struct ov_scan_image *image,
                         struct ov_scan_output *ret_output);
void ov_scan_output_release(struct ov_scan_output *output);

// Counts a result and prints what belongs to it. `moved_to` is where quarantine put it, or NULL.
void ov_scan_output_result(struct ov_scan_output *output, const struct ov_scan_result *result,
                           const char *moved_to);

// Redraws the progress line when it is time.
void ov_scan_output_tick(struct ov_scan_output *output);

// The summary, as text or JSON.
void ov_scan_output_summary(struct ov_scan_output *output, const struct ov_scan_outcome *outcome);
