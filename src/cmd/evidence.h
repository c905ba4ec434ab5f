// SPDX-License-Identifier: Apache-2.0
//
// What `overt evidence` is asked.
#pragma once

#include "journal/evidence.h"

#include <limits.h>

struct ov_evidence_options {
    const char *output;         // -o
    const char *range;          // "A-B", or NULL for all
    const char *file;           // the path that is asked for, or NULL
    const char *journal;        // its folder
    const char *key;            // a vkey
    const char *policy, *trust; // files
    const char *bundle;         // the file of evidence
    bool is_redacted, is_json;
    char path[PATH_MAX];
};

// Each gives an enum ov_exit.
int ov_evidence_export(const struct ov_evidence_options *options);
int ov_evidence_check_file(const struct ov_evidence_options *options);

// What the entries of the range say, once they are checked: what was loaded, looked at, found and
// sent. `is_sound`: nothing of the file has failed.
struct ov_json;
void ov_evidence_tell(const struct ov_evidence_options *options, const struct ov_evidence *evidence,
                      bool is_sound, struct ov_json *json);
