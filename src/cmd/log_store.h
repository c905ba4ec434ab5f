// SPDX-License-Identifier: Apache-2.0
//
// What the publisher's words of `overt log` share: opening a log, and small files.
#pragma once

#include "cmd/log_words.h"
#include "ledger/store.h"

// Opens a log to work on it; `keys` is the private folder, or NULL for the one beside `folder`.
// OV_OK, or the error was printed. Free with ov_log_store_free.
enum ov_status ov_log_store_new(const char *folder, const char *keys, struct ov_store **ret_store);
void ov_log_store_free(struct ov_store **store);

// Prints why the last call of the store failed, with what to do about it.
void ov_log_store_say(const struct ov_store_error *error);

// The path of the private folder beside a public one. OV_LIMIT when it is too long.
enum ov_status ov_log_private_path(const char *folder, const char *keys, char *ret_path,
                                   size_t size);

// The whole of a file in `buf`. OV_SYSTEM (errno), OV_UNSUPPORTED, OV_LIMIT, OV_MEMORY.
enum ov_status ov_log_file_load(const char *path, size_t most, struct ov_buf *buf);

// Reads a policy, or a trust file; `text` keeps its bytes. OV_OK, or the error was printed.
enum ov_status ov_log_policy_load(const char *path, struct ov_buf *text,
                                  struct ov_policy *ret_policy);
enum ov_status ov_log_trust_load(const char *path, struct ov_trust *ret_trust);

// Writes a buffer to standard output. OV_EXIT_NOTHING, or the error was printed.
int ov_log_print(const struct ov_buf *out);
