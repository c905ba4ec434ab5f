// SPDX-License-Identifier: Apache-2.0
//
// The page of a report: its first lines, what may stand in it, and text of others made harmless.
#pragma once

#include "base/buf.h"

// The first lines of every page: with the policy that lets a browser load and run nothing. Whoever
// writes the page puts them before what ov_trace_report_add_html() gives.
extern const char ov_trace_page_head[];

// Whether a page (behind its first lines) has no element but those that we write.
bool ov_trace_page_is_ours(struct ov_span page);

// Adds text of others: `<`, `>`, `&` and quotes as entities, no control characters, and what is no
// UTF-8 as \xNN.
void ov_trace_markup_add(struct ov_buf *out, struct ov_span text);
