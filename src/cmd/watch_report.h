// SPDX-License-Identifier: Apache-2.0
//
// overt watch report and overt watch verify: what a trace says.
#pragma once

#include <stdbool.h>

struct ov_watch_report {
    const char *trace; // path
    const char *html;  // where to write a page; NULL: print text
    const char *chain; // verify: what the trace's chain must end with, in hex; NULL: not asked
    bool is_json;
    bool is_check; // verify
};

// Gives an enum ov_exit.
int ov_watch_report_run(const struct ov_watch_report *asked);
