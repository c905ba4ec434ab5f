// SPDX-License-Identifier: Apache-2.0
// overt rules check: names every rule that cannot be read.
#include "rules/report.h"

#include "base/json.h"
#include "rules/explain.h"

#include <inttypes.h>

struct tally {
    size_t bodies, logicals, metadata, certificates;
    size_t hashes[OV_HASH_SCOPES];
    size_t problems, skips;
};

static struct tally count_rules(const struct ov_ruleset *set) {
    struct tally tally = {0};
    for (size_t i = 0; i < set->rule_count; i++) {
        enum ov_rule_kind kind = set->rules[i].kind;
        tally.bodies += kind == OV_RULE_BODY;
        tally.logicals += kind == OV_RULE_LOGICAL;
        tally.metadata += kind == OV_RULE_METADATA;
        tally.certificates += kind == OV_RULE_CERTIFICATE;
    }
    for (size_t i = 0; i < set->hash_count; i++) {
        tally.hashes[set->hashes[i].scope]++;
    }
    ov_report_count(set, &tally.problems, &tally.skips);
    return tally;
}

static void add_problem_text(struct ov_report *report, const struct ov_ruleset *set,
                             const struct ov_rule_problem *problem) {
    struct ov_buf *out = &report->out;
    ov_report_add_place(report, set, problem->place);
    ov_buf_add_text(out, problem->is_skip ? ": skipped: " : ": ");
    ov_text_add_printable(out, ov_span_text(problem->reason));
    if (problem->name.size > 0) {
        ov_buf_add_text(out, " (");
        ov_text_add_printable(out, problem->name);
        ov_buf_add_text(out, ")");
    }
    ov_buf_add_text(out, "\n");
}

static void add_problem_json(struct ov_buf *out, const struct ov_ruleset *set,
                             const struct ov_rule_problem *problem) {
    struct ov_json json;
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    ov_json_bytes(&json, "file", ov_span_text(set->files[problem->place.file].path));
    ov_json_uint(&json, "line", problem->place.line);
    ov_json_bytes(&json, "rule", problem->name);
    ov_json_bytes(&json, "reason", ov_span_text(problem->reason));
    ov_json_bool(&json, "skipped", problem->is_skip);
    ov_json_object_end(&json);
    ov_buf_add_text(out, "\n");
}

static void add_summary_text(struct ov_buf *out, const struct ov_ruleset *set,
                             const struct tally *tally) {
    ov_buf_printf(out, "rules: %zu (body %zu, logical %zu, file hash %zu, section hash %zu, ",
                  set->rule_count + set->hash_count, tally->bodies, tally->logicals,
                  tally->hashes[OV_HASH_OBJECT], tally->hashes[OV_HASH_SECTION]);
    ov_buf_printf(out, "import hash %zu, allowed file %zu, metadata %zu)\n",
                  tally->hashes[OV_HASH_IMPORTS], tally->hashes[OV_HASH_ALLOW], tally->metadata);
    if (set->magic_count > 0) {
        ov_buf_printf(out, "magics of file types: %zu\n", set->magic_count);
    }
    if (set->icon_count > 0) {
        ov_buf_printf(out, "icons: %zu\n", set->icon_count);
    }
    if (tally->certificates > 0) {
        ov_buf_printf(out, "certificates: %zu\n", tally->certificates);
    }
    if (set->listed_count > 0) {
        ov_buf_printf(out, "files listed in catalogs: %zu\n", set->listed_count);
    }
    if (set->link_count > 0) {
        ov_buf_printf(out, "entries for links in mails: %zu\n", set->link_count);
    }
    ov_buf_printf(out, "files: %" PRIu32 ", ignored: %zu, skipped: %zu, problems: %zu\n",
                  set->file_count, set->ignored_count, tally->skips, tally->problems);
}

static void add_summary_json(struct ov_buf *out, const struct ov_ruleset *set,
                             const struct tally *tally) {
    struct ov_json json;
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    ov_json_object(&json, "summary");
    ov_json_uint(&json, "files", set->file_count);
    ov_json_uint(&json, "rules", set->rule_count + set->hash_count);
    ov_json_uint(&json, "body", tally->bodies);
    ov_json_uint(&json, "logical", tally->logicals);
    ov_json_uint(&json, "file_hash", tally->hashes[OV_HASH_OBJECT]);
    ov_json_uint(&json, "section_hash", tally->hashes[OV_HASH_SECTION]);
    ov_json_uint(&json, "import_hash", tally->hashes[OV_HASH_IMPORTS]);
    ov_json_uint(&json, "allowed_file", tally->hashes[OV_HASH_ALLOW]);
    ov_json_uint(&json, "metadata", tally->metadata);
    ov_json_uint(&json, "file_type_magic", set->magic_count);
    ov_json_uint(&json, "icon", set->icon_count);
    ov_json_uint(&json, "certificate", tally->certificates);
    ov_json_uint(&json, "listed_file", set->listed_count);
    ov_json_uint(&json, "ignored", set->ignored_count);
    ov_json_uint(&json, "skipped", tally->skips);
    ov_json_uint(&json, "problems", tally->problems);
    ov_json_object_end(&json);
    ov_json_object_end(&json);
    ov_buf_add_text(out, "\n");
}

void ov_report_check(struct ov_report *report, const struct ov_ruleset *set) {
    for (size_t i = 0; i < set->problem_count; i++) {
        if (report->is_json) {
            add_problem_json(&report->out, set, &set->problems[i]);
        } else {
            add_problem_text(report, set, &set->problems[i]);
        }
        ov_report_flush(report, false);
    }
    struct tally tally = count_rules(set);
    if (report->is_json) {
        add_summary_json(&report->out, set, &tally);
    } else if (report->with_summary) {
        add_summary_text(&report->out, set, &tally);
    }
    ov_report_flush(report, true);
}
