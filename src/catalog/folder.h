// SPDX-License-Identifier: Apache-2.0
//
// The rule files of a folder, in the order in which clamscan loads them.
//
// For the broker, which opens them for the builder to read: it looks at names alone. The names
// belong to the list; folders inside are listed when their name ends like a rule file's, and are
// for the caller to pass over.
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

// Whether the name ends like a file of a rule language that we know, in upper or lower case.
bool ov_rule_file_is_known(const char *name);

// How many endings are known.
size_t ov_rule_file_known_count(void);

// The ending of the other container of the same database ("cld" for main.cvd); NULL when the name
// is not that of one of the two.
const char *ov_rule_file_twin(const char *name);
