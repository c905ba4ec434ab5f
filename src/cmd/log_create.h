// SPDX-License-Identifier: Apache-2.0
//
// What `overt log create` is asked for, and what it makes of it.
#pragma once

#include "cmd/log_words.h"
#include "ledger/trust.h"

#include <limits.h>

struct ov_log_create {
    const char *folder, *keys, *origin, *feed;
    const char *quorum;                             // K, all or any; NULL: most of the witnesses
    const char *witnesses[OV_POLICY_WITNESSES_MAX]; // "NAME VKEY [URL]"
    size_t witness_count;
    const char *vkeys[OV_TRUST_KEYS_MAX]; // release keys that are kept elsewhere
    uint64_t vkey_count;
    uint64_t new_key_count; // release keys to be made
    uint64_t threshold;
    uint64_t warn_age_days, max_age_days;
    bool is_json;

    char private_path[PATH_MAX];
    int fd, private_fd; // the two folders; -1
    struct ov_key log_key;
    struct ov_trust trust;
};

// Makes the secret keys that are not there yet, and fills in log_key and trust. OV_OK, or the error
// was printed.
enum ov_status ov_log_create_keys(struct ov_log_create *create);

// Appends the text of log.policy. OV_OK, or the error was printed.
enum ov_status ov_log_create_policy(const struct ov_log_create *create, struct ov_buf *text);
