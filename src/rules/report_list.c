// SPDX-License-Identifier: Apache-2.0
// overt rules list: one line for each rule.
#include "rules/report.h"

#include "base/json.h"
#include "rules/explain.h"

struct row {
    struct ov_span name;
    const char *kind;
    const char *target;
    struct ov_place place;
};

static void add_row_text(struct ov_report *report, const struct ov_ruleset *set,
                         const struct row *row) {
    struct ov_buf *out = &report->out;
    ov_text_add_printable(out, row->name);
    ov_buf_printf(out, "\t%s\t%s\t", row->kind, row->target);
    ov_report_add_place(report, set, row->place);
    ov_buf_add_text(out, "\n");
}

static void add_row_json(struct ov_buf *out, const struct ov_ruleset *set, const struct row *row) {
    struct ov_json json;
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    ov_json_bytes(&json, "rule", row->name);
    ov_json_text(&json, "kind", row->kind);
    ov_json_text(&json, "target", row->target);
    ov_json_bytes(&json, "file", ov_span_text(set->files[row->place.file].path));
    ov_json_uint(&json, "line", row->place.line);
    ov_json_object_end(&json);
    ov_buf_add_text(out, "\n");
}

static void add_row(struct ov_report *report, const struct ov_ruleset *set, const struct row *row) {
    if (report->is_json) {
        add_row_json(&report->out, set, row);
    } else {
        add_row_text(report, set, row);
    }
    ov_report_flush(report, false);
}

void ov_report_list(struct ov_report *report, const struct ov_ruleset *set) {
    for (size_t i = 0; i < set->rule_count; i++) {
        const struct ov_rule *rule = &set->rules[i];
        struct row row = {
            .name = rule->name,
            .kind = ov_rule_kind_text(rule),
            .target = rule->kind == OV_RULE_METADATA      ? "member"
                      : rule->kind == OV_RULE_CERTIFICATE ? "signature"
                                                          : ov_target_name(rule->target),
            .place = rule->place,
        };
        add_row(report, set, &row);
    }
    for (size_t i = 0; i < set->hash_count; i++) {
        const struct ov_hash_rule *hash = &set->hashes[i];
        struct row row = {
            .name = ov_hash_rule_name(set, hash),
            .kind = ov_hash_rule_scope_text(hash),
            .target = ov_hash_rule_kind_text(hash),
            .place = {.file = hash->file, .line = hash->line},
        };
        add_row(report, set, &row);
    }
    ov_report_flush(report, true);
}
