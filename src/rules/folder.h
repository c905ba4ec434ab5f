// SPDX-License-Identifier: Apache-2.0
//
// The rule files of a folder, in the order in which clamscan loads them.
//
// For whoever opens the files himself: ov_ruleset_load, and a process that opens them for another
// one to read. The names belong to the list; folders inside are listed when their name ends like a
// rule file's, and are for the caller to pass over.
#pragma once

#include "base/span.h"
#include "base/status.h"

#include <stddef.h>

struct ov_rule_folder {
    char **names; // without the folder
    size_t count;
    size_t room;
};

// OV_SYSTEM (errno), OV_MEMORY; nothing is to be released then.
enum ov_status ov_rule_folder_list(const char *path, struct ov_rule_folder *ret_folder);
void ov_rule_folder_release(struct ov_rule_folder *folder);

// The ending of the other container of the same database ("cld" for main.cvd); NULL when the name
// is not that of one of the two.
const char *ov_rule_folder_twin(const char *name);

// Whether this container is passed over for its twin. Either may be empty: not there, or
// unreadable. Looks into both headers.
bool ov_rule_folder_is_superseded(const char *name, struct ov_span bytes, struct ov_span twin);
