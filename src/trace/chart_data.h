// SPDX-License-Identifier: Apache-2.0
//
// What a chart shows, counted into columns of time; for the room alone.
#pragma once

#include "trace/report.h"

enum {
    OV_TRACE_COLUMNS = 72,
    OV_TRACE_FOLDER_LANES = 9, // the last one for all other folders
    OV_TRACE_REMOTE_LANES = 7, // likewise
};

struct ov_trace_chart {
    uint64_t start_ns, end_ns;         // start < end
    size_t folder_lanes;               // in use
    size_t remote_lanes;               // likewise
    uint64_t others[OV_TRACE_COLUMNS]; // bytes read of the system's files and its own
    uint64_t types[OV_TRACE_CONTENTS][OV_TRACE_COLUMNS]; // bytes read of all else
    uint64_t folders[OV_TRACE_FOLDER_LANES][OV_TRACE_COLUMNS];
    uint64_t remotes[OV_TRACE_REMOTE_LANES][OV_TRACE_COLUMNS]; // bytes sent
    uint64_t network[OV_TRACE_COLUMNS], machine[OV_TRACE_COLUMNS];
    uint64_t kept[OV_TRACE_COLUMNS];
    uint64_t starts[OV_TRACE_COLUMNS]; // processes that began or became another program
    size_t read_columns;               // as many columns before a send are held to belong to it
};

// False when there is nothing to draw.
bool ov_trace_chart_count(const struct ov_trace_report *report, struct ov_trace_chart *ret_chart);
