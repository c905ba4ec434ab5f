// SPDX-License-Identifier: Apache-2.0
//
// The time line of a report, drawn: what was read by type and folder above what left and to where.
#pragma once

#include "trace/report.h"

void ov_trace_chart_add(const struct ov_trace_report *report, struct ov_buf *out);
