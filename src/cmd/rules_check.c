// SPDX-License-Identifier: Apache-2.0
// overt rules check: names every rule that cannot be read.
#include "cmd/rules_common.h"

#include "base/json.h"
#include "rules/explain.h"

#include <inttypes.h>

struct tally {
    size_t bodies, logicals;
    size_t hashes[OV_HASH_SCOPES];
    size_t problems, skips;
};

static struct tally count_rules(const struct ov_ruleset *set) {
    struct tally tally = {0};
    for (size_t i = 0; i < set->rule_count; i++) {
        bool is_body = set->rules[i].kind == OV_RULE_BODY;
        tally.bodies += is_body ? 1 : 0;
        tally.logicals += is_body ? 0 : 1;
    }
    for (size_t i = 0; i < set->hash_count; i++) {
        tally.hashes[set->hashes[i].scope]++;
    }
    for (size_t i = 0; i < set->problem_count; i++) {
        tally.skips += set->problems[i].is_skip ? 1 : 0;
        tally.problems += set->problems[i].is_skip ? 0 : 1;
    }
    return tally;
}

static void add_problem_text(struct ov_buf *out, const struct ov_ruleset *set,
                             const struct ov_rule_problem *problem) {
    ov_rules_add_place(out, set, problem->place);
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
    ov_buf_printf(out, "import hash %zu, allowed file %zu)\n", tally->hashes[OV_HASH_IMPORTS],
                  tally->hashes[OV_HASH_ALLOW]);
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
    ov_json_uint(&json, "ignored", set->ignored_count);
    ov_json_uint(&json, "skipped", tally->skips);
    ov_json_uint(&json, "problems", tally->problems);
    ov_json_object_end(&json);
    ov_json_object_end(&json);
    ov_buf_add_text(out, "\n");
}

int ov_rules_check(const struct ov_rules_options *options) {
    OV_CLEANUP(ov_rules_free) struct ov_ruleset *set = NULL;
    if (ov_rules_load(options, options->arguments, options->argument_count, &set) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    for (size_t i = 0; i < set->problem_count; i++) {
        if (options->is_json) {
            add_problem_json(&out, set, &set->problems[i]);
        } else {
            add_problem_text(&out, set, &set->problems[i]);
        }
        ov_rules_flush(&out, false);
    }
    struct tally tally = count_rules(set);
    if (options->is_json) {
        add_summary_json(&out, set, &tally);
    } else if (!options->is_quiet) {
        add_summary_text(&out, set, &tally);
    }
    bool has_failed = out.has_failed;
    ov_rules_flush(&out, true);
    bool has_found = tally.problems > 0 || (options->is_strict && tally.skips > 0);
    return has_failed ? OV_EXIT_ERROR : has_found ? OV_EXIT_FOUND : OV_EXIT_NOTHING;
}
