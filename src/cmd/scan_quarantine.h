// SPDX-License-Identifier: Apache-2.0
//
// Moves found files into a folder where nobody runs them, with a note of where they came from.
//
// A file is moved by renaming alone, so it is never lost half-way; what lies on another file system
// stays where it is, and that is said. The note (NAME.json) is written before the move.
#pragma once

#include "base/status.h"
#include "role/scan_job.h"

struct ov_quarantine {
    const char *path; // as given
    int folder;       // -1 = closed
    uint64_t counter;
};

enum { OV_QUARANTINE_PATH_BYTES = 4352 };

// Makes the folder (0700) when it is missing. OV_DENIED when it is another user's or others may
// write to it; OV_SYSTEM (errno).
enum ov_status ov_quarantine_open(const char *path, struct ov_quarantine *ret_quarantine);
void ov_quarantine_close(struct ov_quarantine *quarantine);

// Moves the found file, if it is still the one that was scanned. The new path goes to `ret_path`;
// on failure `ret_why` is a phrase, and the file is where it was.
enum ov_status ov_quarantine_take(struct ov_quarantine *quarantine,
                                  const struct ov_scan_result *result,
                                  const struct ov_scan_image *image, char *ret_path,
                                  const char **ret_why);
