// SPDX-License-Identifier: Apache-2.0
//
// Entries of ours and their signatures: those of the release keys that are here.
#pragma once

#include "cmd/log_append.h"

// Makes an entry of its text: signed by each release key of the log's trust file, and of
// `more_trust` unless that is NULL, that stands in the private folder or was named by --sign. How
// many of the log's own have signed goes to *ret_count. OV_OK, or the error was printed.
enum ov_status ov_log_leaf_sign(const struct ov_log_append *append,
                                const struct ov_trust *more_trust, struct ov_span text,
                                struct ov_buf *entry, size_t *ret_count);

// OV_OK when that many are as many as must, or the error was printed.
enum ov_status ov_log_leaf_check(const struct ov_log_append *append, size_t count);

// Signs a text, adds it to the log, and commits. Gives an enum ov_exit.
int ov_log_leaf_append(struct ov_log_append *append, const struct ov_trust *more_trust,
                       struct ov_span text, const char *what);
