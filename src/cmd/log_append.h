// SPDX-License-Identifier: Apache-2.0
//
// What the words that add entries to a log share: the log they work on, and what they tell of it.
#pragma once

#include "cmd/log_store.h"

#include <limits.h>

enum { OV_LOG_REMOVALS_MAX = 64 };

struct ov_log_append {
    const char *folder, *keys;
    const char *lines; // a file whose lines are entries
    const char *sign[OV_TRUST_KEYS_MAX];
    size_t sign_count;
    const char *remove[OV_LOG_REMOVALS_MAX];
    size_t remove_count;
    bool is_only;
    const char *unsigned_path; // where a release goes that others shall sign
    uint64_t time;
    const char *engine_min;
    bool is_json;

    char private_path[PATH_MAX];
    struct ov_store *store;
    struct ov_buf out; // what is printed when the entries are in the log
};

// Opens the log. OV_OK, or the error was printed.
enum ov_status ov_log_append_open(struct ov_log_append *append);
void ov_log_append_release(struct ov_log_append *append);

// Notes a key of --sign. False when there are too many.
bool ov_log_append_sign(struct ov_log_append *append, const char *path);

// Adds one entry. `what` is told of it: a file, or what kind of entry it is. OV_OK, or the error
// was printed.
enum ov_status ov_log_append_entry(struct ov_log_append *append, struct ov_span entry,
                                   const char *what);

// Puts all that was added into the log and prints it. Gives an enum ov_exit.
int ov_log_append_commit(struct ov_log_append *append);
