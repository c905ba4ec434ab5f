// SPDX-License-Identifier: Apache-2.0
//
// The JSON lines of `overt scan`.
#pragma once

#include "cmd/scan_output.h"

// Each adds one line to output->line.
void ov_scan_json_result(struct ov_scan_output *output, const struct ov_scan_result *result,
                         const char *moved_to);
void ov_scan_json_summary(struct ov_scan_output *output, const struct ov_scan_outcome *outcome,
                          double seconds);
