// SPDX-License-Identifier: Apache-2.0
//
// From the paths of a command line to opened files, one after another. The broker's.
//
// Folders are walked in the order of their names, with descriptors only: nothing that moves or
// becomes a symbolic link under way leads out of them. Links inside are not followed; a path named
// on the command line may be one. A walk owns what it has open; the file that it hands out belongs
// to the caller.
#pragma once

#include "base/span.h"
#include "base/status.h"

#include <sys/stat.h>

struct ov_walk;

struct ov_walk_options {
    const char *const *includes; // file name patterns; none = all
    size_t include_count;
    const char *const *excludes; // patterns for files and folders
    size_t exclude_count;
    uint64_t stdin_bytes; // read no more of standard input than this and one byte
};

enum ov_walk_kind {
    OV_WALK_FILE,    // a regular file, opened
    OV_WALK_SKIPPED, // inside a folder, and no file: `reason` says what
    OV_WALK_PROBLEM, // `reason` says why it cannot be read
};

struct ov_walk_item {
    enum ov_walk_kind kind;
    struct ov_span path; // as a person would write it; until the next call
    int fd;              // FILE: read-only, the caller's; else -1
    struct stat info;    // FILE
    const char *reason;  // constant or strerror's
};

// Paths are borrowed; "-" is standard input.
enum ov_status ov_walk_new(const char *const *paths, size_t count,
                           const struct ov_walk_options *options, struct ov_walk **ret_walk);
void ov_walk_free(struct ov_walk *walk);

// The next file or problem. OV_END after the last; OV_MEMORY.
enum ov_status ov_walk_next(struct ov_walk *walk, struct ov_walk_item *ret_item);
