// SPDX-License-Identifier: Apache-2.0
//
// What a trace shows: claims with their force, findings with their rules, and who read, kept and
// sent what; as text, JSON and HTML.
//
// All of it is computed from the model and lies in its arena. What a recording did not see stands
// in the report as well: as NOT-OBSERVED claims, and in what no watching sees.
#pragma once

#include "base/buf.h"
#include "trace/claims.h"
#include "trace/findings.h"
#include "trace/markup.h"
#include "trace/places.h"

// Files that belong together, by place, type or folder. Kinds other than files are in none, and
// what is the system's or the product's own is told by its place alone.
struct ov_trace_group {
    struct ov_span name;
    uint64_t file_count;                // with anything below
    uint64_t content_bytes, read_bytes; // read_bytes counts what is read again
    uint64_t kept_bytes;
};

// Where bytes went: all sockets of those who are watched with one address.
struct ov_trace_destination {
    struct ov_span remote;
    enum ov_trace_reach reach;
    uint64_t socket_count;
    uint64_t first_ns, last_ns;
    uint64_t sent_bytes, received_bytes;
};

struct ov_trace_report {
    const struct ov_trace_model *model;
    const struct ov_trace_places *places;
    const struct ov_trace_claim *claims;
    size_t claim_count;
    const struct ov_trace_finding *findings; // those that found something
    size_t finding_count;
    const struct ov_trace_group *place_groups; // the most read first
    size_t place_group_count;
    const struct ov_trace_group *types; // the most read first
    size_t type_count;
    const struct ov_trace_group *folders; // likewise
    size_t folder_count;
    const struct ov_trace_destination *destinations; // the most sent first
    size_t destination_count;
    const size_t *by_read; // all files of the model, the most read first
    const size_t *by_kept; // the kept ones, the largest first
    size_t kept_count;
};

// OV_MEMORY: the arena's cap is too low.
enum ov_status ov_trace_report_build(const struct ov_trace_model *model, struct ov_arena *arena,
                                     struct ov_trace_report *ret_report);

// Each adds the whole report. Bytes of others are escaped, as far as the form needs it: text has no
// control characters, JSON none and whole strings, HTML no markup of theirs. HTML is what stands in
// a page behind its <head>'s first lines: whoever writes the page puts these before it.
void ov_trace_report_add_text(const struct ov_trace_report *report, struct ov_buf *out);
void ov_trace_report_add_json(const struct ov_trace_report *report, struct ov_buf *out);
void ov_trace_report_add_html(const struct ov_trace_report *report, struct ov_buf *out);

// What `overt watch verify` says: form, chain, completeness.
void ov_trace_check_add_text(const struct ov_trace_model *model, struct ov_buf *out);
void ov_trace_check_add_json(const struct ov_trace_model *model, struct ov_buf *out);
