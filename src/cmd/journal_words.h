// SPDX-License-Identifier: Apache-2.0
//
// The words of `overt journal`: one file each, named journal_WORD.c.
#pragma once

#include "base/status.h"

#include <limits.h>
#include <stdint.h>

struct ov_journal_options {
    const char *folder; // of the journal
    // verify
    const char *key, *against;
    // list
    const char *since, *until, *path, *rule, *verdict, *type, *run, *limit;
    bool is_oldest_first, has_no_index;
    // prove
    const char *number, *output, *entry;
    bool is_json;
    char place[PATH_MAX]; // of this machine's journal
};

// Each returns an exit code. `fd` is the journal's folder.
int ov_journal_checkpoint(const struct ov_journal_options *options, int fd);
int ov_journal_list(const struct ov_journal_options *options, int fd);
int ov_journal_prove(const struct ov_journal_options *options, int fd);
int ov_journal_verify_word(const struct ov_journal_options *options, int fd);
