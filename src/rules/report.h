// SPDX-License-Identifier: Apache-2.0
//
// What `overt rules` says of a set of rules, as lines of text or JSON.
//
// Written where the rules were read, in the builder's cage, and handed on in pieces. Text is
// printable ASCII; JSON keeps valid UTF-8 and escapes the rest.
#pragma once

#include "base/buf.h"
#include "rules/emit.h"
#include "rules/tree.h"

struct ov_report {
    bool is_json;
    bool with_summary; // check: how many of what, at the end; JSON always has it
    struct ov_buf out; // not sent yet; has_failed stays set when memory ran out
    void *arg;
    void (*send)(void *arg, struct ov_span text);
};

// Sends what the buffer holds once it is large, or when it `is_last`.
void ov_report_flush(struct ov_report *report, bool is_last);

// Each problem, then the summary.
void ov_report_check(struct ov_report *report, const struct ov_ruleset *set);

// A line for each rule.
void ov_report_list(struct ov_report *report, const struct ov_ruleset *set);

// Source, place and meaning of the rules of that name; gives their number.
size_t ov_report_show(struct ov_report *report, const struct ov_ruleset *set, struct ov_span name);

// The costliest rules of a build.
void ov_report_costs(struct ov_report *report, const struct ov_ruleset *set,
                     const struct ov_build_report *build);

// How many problems are skips and how many are faults.
void ov_report_count(const struct ov_ruleset *set, size_t *ret_faults, size_t *ret_skips);

// ---- shared by the reports -------------------------------------------------------------------

// The name and the source line of a hash rule.
struct ov_span ov_hash_rule_line(const struct ov_ruleset *set, const struct ov_hash_rule *hash);
struct ov_span ov_hash_rule_name(const struct ov_ruleset *set, const struct ov_hash_rule *hash);

// "file hash" and the like; "MD5" and the like.
const char *ov_hash_rule_scope_text(const struct ov_hash_rule *hash);
const char *ov_hash_rule_kind_text(const struct ov_hash_rule *hash);

// Adds "PATH:LINE" (the line only when there is one), safe for a terminal.
void ov_report_add_place(struct ov_report *report, const struct ov_ruleset *set,
                         struct ov_place place);
