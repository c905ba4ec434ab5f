// SPDX-License-Identifier: Apache-2.0
// overt rules build --profile: the rules that cost most.
#include "rules/report.h"

#include "rules/explain.h"

enum { PROFILE_ROWS = 20 };

static const char *cost_text(enum ov_cost_kind kind) {
    switch (kind) {
    case OV_COST_WINDOW:
        return "its rarest bytes are common";
    case OV_COST_TAIL:
        return "it has no rare bytes to search for";
    case OV_COST_ALWAYS:
        return "it is evaluated for every file of its target";
    case OV_COST_HASHES:
        return "its size is not given, so every file must be hashed";
    }
    return "unknown";
}

void ov_report_costs(struct ov_report *report, const struct ov_ruleset *set,
                     const struct ov_build_report *build) {
    struct ov_buf *out = &report->out;
    for (size_t i = 0; i < build->cost_count && i < PROFILE_ROWS; i++) {
        const struct ov_rule_cost *cost = &build->costs[i];
        bool is_hash = cost->kind == OV_COST_HASHES;
        struct ov_span name = is_hash ? ov_hash_rule_name(set, &set->hashes[cost->rule])
                                      : set->rules[cost->rule].name;
        ov_buf_printf(out, "%10.3g  ", cost->frequency);
        ov_text_add_printable(out, name);
        ov_buf_printf(out, ": %s\n", cost_text(cost->kind));
    }
    ov_report_flush(report, true);
}
