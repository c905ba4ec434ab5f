// SPDX-License-Identifier: Apache-2.0
// overt rules check, list and show: what the builder writes, and the exit code.
#include "cmd/rules_common.h"

#include "base/say.h"
#include "cmd/rules_feeds.h"

int ov_rules_check(const struct ov_rules_options *options) {
    struct ov_rules_result result;
    struct ov_rules_work work = {
        .options = options,
        .words = {.word = OV_WIRE_WORD_CHECK, .with_summary = !options->is_quiet},
        .image = -1,
    };
    if (ov_rules_work(&work, options->arguments, options->argument_count, &result) != OV_OK) {
        return OV_EXIT_ERROR;
    }
    bool has_found = result.fault_count > 0 || (options->is_strict && result.skip_count > 0);
    return has_found ? OV_EXIT_FOUND : OV_EXIT_NOTHING;
}

int ov_rules_list(const struct ov_rules_options *options) {
    if (options->argument_count == 0) {
        return ov_rules_sets(options->is_json);
    }
    struct ov_rules_result result;
    struct ov_rules_work work = {
        .options = options, .words = {.word = OV_WIRE_WORD_LIST}, .image = -1};
    enum ov_status status =
        ov_rules_work(&work, options->arguments, options->argument_count, &result);
    return status == OV_OK ? OV_EXIT_NOTHING : OV_EXIT_ERROR;
}

int ov_rules_show(const struct ov_rules_options *options) {
    if (options->argument_count < 1) {
        ov_say_error("rules show", "no rule named", "overt rules show NAME [SRC]...");
        return OV_EXIT_ERROR;
    }
    // What is longer than any message is cut, and is the name of no rule either way.
    struct ov_span name =
        ov_span_part(ov_span_text(options->arguments[0]), 0, OV_WIRE_RULE_NAME_BYTES);
    struct ov_rules_result result;
    struct ov_rules_work work = {
        .options = options, .words = {.word = OV_WIRE_WORD_SHOW, .rule = name}, .image = -1};
    if (ov_rules_work(&work, options->arguments + 1, options->argument_count - 1, &result) !=
        OV_OK) {
        return OV_EXIT_ERROR;
    }
    if (result.shown_count == 0) {
        ov_say_error(options->arguments[0], "no rule has this name",
                     "overt rules list shows all names");
        return OV_EXIT_ERROR;
    }
    return OV_EXIT_NOTHING;
}
