// SPDX-License-Identifier: Apache-2.0
//
// Files that are either the old ones or the new ones, whole, after a crash at any moment.
//
// A file is written beside its place under a name of its own, synced, renamed into its place, and
// the folder is synced: when the call returns, the new content is what a machine without power will
// find. Paths are relative to an open folder.
#pragma once

#include "base/span.h"
#include "base/status.h"

// Puts a file of these bytes in the place of `path`, which need not be there; its folders are made.
// `mode` is that of the file. OV_SYSTEM (errno): the old file is still there.
enum ov_status ov_durable_write(int folder, const char *path, struct ov_span bytes, unsigned mode);

// The same for a file that is written already: syncs it, renames it, syncs the folder of `path`.
// `from` and `path` are on the same file system; folders of `path` are made.
enum ov_status ov_durable_rename(int folder, const char *from, const char *path);

// Makes the folders above the last part of `path`, with this mode, and syncs what they stand in.
enum ov_status ov_durable_folders(int folder, const char *path, unsigned mode);

// Syncs a file that is there, and the folder it stands in: for one that has the wanted bytes
// already, since a run that died may have left it before it was durable.
enum ov_status ov_durable_keep(int folder, const char *path);
