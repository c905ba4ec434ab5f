// SPDX-License-Identifier: Apache-2.0
//
// The files that a release is to have, by name, while they are put together.
//
// Owns names and mappings; the bytes that it shows are valid until its release.
#pragma once

#include "base/fd.h"
#include "ledger/bundle.h"

struct ov_log_set_file {
    char name[OV_BUNDLE_NAME_BYTES + 1];
    struct ov_span bytes;
    bool is_new; // of this run, and not of the release before
};

struct ov_log_set {
    struct ov_log_set_file *files;
    size_t count, room;
    struct ov_file_map *maps;
    size_t map_count, map_room;
};

void ov_log_set_release(struct ov_log_set *set);

// Adds all files of an unpacked bundle. OV_OK, or the error was printed.
enum ov_status ov_log_set_add_bundle(struct ov_log_set *set, int bundle);

// Adds a rule file, or those of a folder and of the folders in it, by their names below it. One
// whose name is there already takes its place. OV_OK, or the error was printed.
enum ov_status ov_log_set_add_path(struct ov_log_set *set, const char *path);

// OV_END when no file has this name.
enum ov_status ov_log_set_remove(struct ov_log_set *set, const char *name);

// Writes the bundle of all files, which are sorted by it. OV_OK, or the error was printed.
enum ov_status ov_log_set_write(struct ov_log_set *set, int fd, uint8_t ret_sha256[OV_SHA256_BYTES],
                                uint64_t *ret_bytes);
