// SPDX-License-Identifier: Apache-2.0
//
// What the words of `overt rules` share: their options, and loading the sources.
#pragma once

#include "base/buf.h"
#include "cmd/command.h"
#include "rules/tree.h"

#include <stdio.h>

enum { OV_RULES_SOURCES_MAX = 1024 };

struct ov_rules_options {
    bool is_strict;     // --strict: what is skipped counts as a problem
    bool with_pua;      // --pua
    bool is_json;       // --json
    bool is_quiet;      // --quiet
    bool with_profile;  // --profile
    const char *output; // -o, or NULL
    int argument_count;
    char **arguments; // what is left on the command line; belongs to main
};

// Loads all sources, or the installed rules when there are none. OV_OK, or the error was printed.
enum ov_status ov_rules_load(const struct ov_rules_options *options, char *const *sources,
                             int source_count, struct ov_ruleset **ret_set);

void ov_rules_free(struct ov_ruleset **set);

// The name and the source line of a hash rule.
struct ov_span ov_rules_hash_line(const struct ov_ruleset *set, const struct ov_hash_rule *hash);
struct ov_span ov_rules_hash_name(const struct ov_ruleset *set, const struct ov_hash_rule *hash);

// "md5 of the object" and the like.
const char *ov_rules_scope_text(const struct ov_hash_rule *hash);
const char *ov_rules_hash_text(const struct ov_hash_rule *hash);

// Writes what the buffer holds to standard output once it is large, or `is_last`.
void ov_rules_flush(struct ov_buf *out, bool is_last);

// Adds "PATH:LINE" (the line only when there is one), safe for a terminal.
void ov_rules_add_place(struct ov_buf *out, const struct ov_ruleset *set, struct ov_place place);

// The words: overt rules WORD.
int ov_rules_check(const struct ov_rules_options *options);
int ov_rules_list(const struct ov_rules_options *options);
int ov_rules_show(const struct ov_rules_options *options);
int ov_rules_build(const struct ov_rules_options *options);
