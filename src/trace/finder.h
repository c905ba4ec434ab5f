// SPDX-License-Identifier: Apache-2.0
//
// Findings on the way; for the room alone.
#pragma once

#include "trace/findings.h"

struct ov_trace_finder {
    const struct ov_trace_model *model;
    const struct ov_trace_places *places;
    const size_t *by_read;
    struct ov_arena *arena;
    struct ov_trace_finding findings[OV_TRACE_RULES];
    struct ov_trace_item items[OV_TRACE_RULES][OV_TRACE_FINDING_ITEMS_MAX];
};

// Counts an item of a rule, and keeps it when it is one of the first.
void ov_trace_finder_add(struct ov_trace_finder *finder, enum ov_trace_rule_kind rule,
                         const struct ov_trace_item *item);

// The value of a rule's threshold, by its place.
uint64_t ov_trace_threshold(enum ov_trace_rule_kind rule, unsigned at);

// An item of nothing yet.
struct ov_trace_item ov_trace_item_empty(void);

// Rules of the kernel's audit.
void ov_trace_find_in_audit(struct ov_trace_finder *finder);

// Rules on views of the same that do not agree.
enum ov_status ov_trace_find_in_views(struct ov_trace_finder *finder);

// Rules on time: reads that come again, sends that follow reads.
enum ov_status ov_trace_find_in_time(struct ov_trace_finder *finder);
