// SPDX-License-Identifier: Apache-2.0
//
// overt log append of rule files: the next release of the log's feed.
#pragma once

#include "cmd/log_append.h"

// Whether this path is one of a release: a file of a rule language, or a folder.
bool ov_log_release_is_path(const char *path);

// Builds the next release of what the one before had, with these paths added: its bundle, deltas to
// it, and its entry, which is added unless append->unsigned_path says where it goes instead.
// Nothing is added when it would have what the newest has. OV_OK, or the error was printed.
enum ov_status ov_log_release_append(struct ov_log_append *append, char *const *paths, int count);
