// SPDX-License-Identifier: Apache-2.0
//
// What `overt log verify` is asked, and what it found.
#pragma once

#include "cmd/log_store.h"
#include "ledger/proof.h"

struct ov_log_verify {
    const char *path;                   // a folder, or a proof
    const char *policy, *trust, *entry; // NULL for none but the policy
    bool is_json;
    struct ov_policy *policy_read;
    struct ov_buf policy_text;
};

// Each checks all and tells what it found. Gives an enum ov_exit: OV_EXIT_FOUND when something does
// not hold.
int ov_log_verify_folder(const struct ov_log_verify *verify);
int ov_log_verify_proof(const struct ov_log_verify *verify);

// Tells that it does not hold, and why.
int ov_log_verify_fail(const struct ov_log_verify *verify, const char *what, const char *why);

// Adds who has cosigned and when: the member `witnesses` of an object, or lines.
struct ov_json;
void ov_log_verify_tell_json(const struct ov_log_verify *verify,
                             const struct ov_checkpoint_opened *opened, struct ov_json *json);
void ov_log_verify_tell_text(const struct ov_log_verify *verify,
                             const struct ov_checkpoint_opened *opened, struct ov_buf *out);
