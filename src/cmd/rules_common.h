// SPDX-License-Identifier: Apache-2.0
//
// What the words of `overt rules` share: their options, and a builder that does their work.
#pragma once

#include "cmd/command.h"
#include "role/rules_job.h"

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

struct ov_rules_work {
    const struct ov_rules_options *options;
    struct ov_wire_request words; // word, rule and what is special to it; the options are filled in
    int image;                    // see struct ov_rules_request; -1 for none
    void *arg;
    void (*on_stage)(void *arg, struct ov_span stage, unsigned percent); // may be NULL
    void (*on_end)(void *arg); // before a message is printed; may be NULL
};

// Collects the sources, or the installed rules when there are none, and has them read in a caged
// process; its text goes to standard output. OV_OK, or the error was printed.
enum ov_status ov_rules_work(const struct ov_rules_work *work, char *const *sources,
                             int source_count, struct ov_rules_result *ret_result);

// The words: overt rules WORD.
int ov_rules_check(const struct ov_rules_options *options);
int ov_rules_list(const struct ov_rules_options *options);
int ov_rules_show(const struct ov_rules_options *options);
int ov_rules_build(const struct ov_rules_options *options);
int ov_rules_diff(const struct ov_rules_options *options);
