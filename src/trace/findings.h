// SPDX-License-Identifier: Apache-2.0
//
// What stands out in a trace, each rule with its thresholds and its reason.
//
// A finding is no proof of bad intent, and the lack of one is none of good: it is what somebody
// should look at.
#pragma once

#include "trace/places.h"

enum ov_trace_rule_kind {
    OV_TRACE_RULE_UPLOAD,
    OV_TRACE_RULE_SENT_AFTER_READ,
    OV_TRACE_RULE_ONE_WAY,
    OV_TRACE_RULE_KEPT,
    OV_TRACE_RULE_OUTSIDE,
    OV_TRACE_RULE_AGAIN,
    OV_TRACE_RULE_DOCUMENTS,
    OV_TRACE_RULE_CANARY,
    OV_TRACE_RULE_CANARY_VIEWS,
    OV_TRACE_RULE_CALLS_ALONE,
    OV_TRACE_RULE_PAGES_ALONE,
    OV_TRACE_RULE_ACT,
    OV_TRACE_RULE_VIEW,
    OV_TRACE_RULE_DENIED,
    OV_TRACE_RULE_AUDIT,
    OV_TRACE_RULE_WRITTEN,
    OV_TRACE_RULES,
};

enum { OV_TRACE_THRESHOLDS_MAX = 4, OV_TRACE_FINDING_ITEMS_MAX = 32 };

struct ov_trace_threshold {
    const char *name; // NULL behind the last one
    uint64_t value;
    const char *unit;
};

struct ov_trace_rule {
    const char *word;
    const char *title;
    const char *why; // what it looks for, and what else can be the reason
    struct ov_trace_threshold thresholds[OV_TRACE_THRESHOLDS_MAX];
};

// The one table of rules and thresholds.
extern const struct ov_trace_rule ov_trace_rules[OV_TRACE_RULES];

// One thing that was found; indices are OV_TRACE_NONE when it has none.
struct ov_trace_item {
    size_t file, socket, process;
    struct ov_span name;  // a call, a rule of the audit, an address; empty: none
    uint64_t at_ns;       // 0: no time
    uint64_t bytes;       // read, sent, kept, ... as the rule has it
    uint64_t other_bytes; // what it is held against: read before it was sent, received, ...
};

struct ov_trace_finding {
    enum ov_trace_rule_kind rule;
    uint64_t count; // of all items
    uint64_t bytes; // likewise
    const struct ov_trace_item *items;
    size_t item_count; // the first ones: the largest where they have a size
};

// Findings in the order of the rules, those without an item left out. `by_read`: all files, in the
// order in which they are to be told.
enum ov_status ov_trace_findings_build(const struct ov_trace_model *model,
                                       const struct ov_trace_places *places, const size_t *by_read,
                                       struct ov_arena *arena,
                                       const struct ov_trace_finding **ret_findings,
                                       size_t *ret_count);
