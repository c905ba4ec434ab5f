// SPDX-License-Identifier: Apache-2.0
//
// What `overt evidence` is asked.
#pragma once

#include "journal/evidence_check.h"
#include "journal/evidence_parts.h"

#include <limits.h>

struct ov_evidence_options {
    const char *output;                           // -o
    const char *range;                            // "A-B", or NULL for all
    const char *file;                             // the path that is asked for, or NULL
    const char *journal;                          // its folder
    const char *key;                              // a vkey
    const char *policy, *trust;                   // files
    const char *bundle;                           // the file of evidence
    const char *witness;                          // a checkpoint that was cosigned, or NULL
    const char *no_rule;                          // a text that no rule should have, or NULL
    const char *watches[OV_EVIDENCE_WATCHES_MAX]; // traces
    size_t watch_count;
    bool is_redacted, is_json, is_without_manifest, with_rules;
    bool has_since, has_until;
    const char *since_text, *until_text;
    uint64_t since, until; // seconds since 1970
    char path[PATH_MAX];
};

// Each gives an enum ov_exit.
int ov_evidence_export(const struct ov_evidence_options *options);
int ov_evidence_check_file(const struct ov_evidence_options *options);

// What the entries of the range say, once they are checked and nothing of the file has failed: what
// was loaded, looked at, found and sent. Into `json`, or as text into `out` when that is NULL.
struct ov_json;
void ov_evidence_tell(const struct ov_evidence_options *options, const struct ov_evidence *evidence,
                      const struct ov_evidence_report *report, struct ov_buf *out,
                      struct ov_json *json);

// Of each trace in the file: steps as of ov_evidence_verify; then, once nothing has failed, what
// they say, as above. OV_MEMORY.
enum ov_status ov_evidence_check_watches(const struct ov_evidence *evidence,
                                         const struct ov_evidence_check *check);
void ov_evidence_tell_watches(const struct ov_evidence *evidence, struct ov_buf *out,
                              struct ov_json *json);

// Whether no rule that was loaded has this text: an answer in words, beginning with "yes", "no" or
// "cannot be told". Whether the range has whole runs is the caller's to know.
enum { OV_EVIDENCE_MATCHES_MAX = 64 };
const char *ov_evidence_no_rule(const struct ov_evidence *evidence,
                                const struct ov_evidence_report *report, const char *text);

// The first of the rules in the file's lists that have this text.
void ov_evidence_each_match(const struct ov_evidence *evidence, const char *text, void *arg,
                            void (*tell)(void *arg, struct ov_span file, struct ov_span text));
