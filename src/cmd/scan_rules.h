// SPDX-License-Identifier: Apache-2.0
//
// Which rules a scan uses: those asked for, else those installed, else the built-in ones.
#pragma once

#include "cmd/scan_options.h"
#include "role/scan_job.h"

// Opens or builds the image; what the journal says of it (the body of an entry `load`) is added to
// `load`. On failure an error was printed, and `load` has the body of an entry `refuse`.
enum ov_status ov_scan_rules_open(const struct ov_scan_arguments *args,
                                  struct ov_scan_image *ret_image, struct ov_buf *load);
