// SPDX-License-Identifier: Apache-2.0
//
// One object in, one verdict out: identify, walk, match. Lives in the caged worker alone.
//
// A scanner borrows the image (mapped read-only, shared by all workers) and owns its scratch
// memory. One scanner belongs to one thread.
#pragma once

#include "base/budget.h"
#include "base/span.h"
#include "base/status.h"
#include "scan/verdict.h"

struct ov_scanner;

struct ov_scan_options {
    struct ov_limits limits;
    bool is_all_matches; // report every rule that matches, not the first alone
    uint32_t alerts;     // OV_ALERT_* (base/heuristic.h)
};

// A scanner over an image. OV_DAMAGED when the image is refused; the reason, with the position in
// the image, is copied to ret_reason (at most reason_size bytes with the NUL).
enum ov_status ov_scanner_new(struct ov_span image, const struct ov_scan_options *options,
                              char *ret_reason, size_t reason_size,
                              struct ov_scanner **ret_scanner);
void ov_scanner_free(struct ov_scanner *scanner);

struct ov_scan_job {
    struct ov_span bytes;      // the whole object; may change under us, may fault (file shrank)
    struct ov_verdict verdict; // out
};

// Scans `count` objects; many small ones in one call let hashing run side by side. Every job gets a
// verdict, whatever happens.
void ov_scanner_run(struct ov_scanner *scanner, struct ov_scan_job *jobs, size_t count);
