// SPDX-License-Identifier: Apache-2.0
//
// Files below a folder that is the root of a machine, a container's layer or a mounted image: paths
// mean there what they would mean to a process that has this folder as its root.
//
// Symbolic links are followed as such a process would, and never lead out; links of /proc are not
// followed. Nothing is opened for writing, and nothing that is no regular file or folder is opened
// at all: looking at it changes nothing.
#pragma once

#include "base/fd.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct ov_root {
    int root; // an open folder
    bool
        has_links; // false: the kernel has no openat2(2); paths with links in them are not followed
};

// OV_SYSTEM with errno: ENOTDIR when it is no folder.
enum ov_status ov_root_open(const char *path, struct ov_root *ret_tree);
// A folder of a tree as the root of its own.
enum ov_status ov_root_open_below(const struct ov_root *tree, const char *path,
                                  struct ov_root *ret_tree);
void ov_root_close(struct ov_root *tree);

// All paths below are absolute as seen from the root. OV_END: there is nothing of that name;
// OV_SYSTEM with errno.

// What stands there: a descriptor that can be asked and not read (O_PATH). When the last part of
// the path is a link, `is_followed` says whether what it points to is meant, or itself.
enum ov_status ov_root_find(const struct ov_root *tree, const char *path, bool is_followed,
                            int *ret_fd, struct stat *ret_info);

// Opens a regular file for reading; OV_UNSUPPORTED when it is something else.
enum ov_status ov_root_open_file(const struct ov_root *tree, const char *path, int *ret_fd,
                                 struct stat *ret_info);

// The longest folder above `path` that can be looked into; what could not be told of `path` is
// because of the part behind it. `size` is at least PATH_MAX.
void ov_root_reach(const struct ov_root *tree, const char *path, char *ret_part, size_t size);

// ---- names of a folder --------------------------------------------------------------------------

struct ov_root_names {
    char **items; // sorted; "." and ".." left out
    size_t count;
};

// OV_UNSUPPORTED when it is no folder; OV_LIMIT when it has more than `most` names, of which as
// many are given as were read first; OV_MEMORY.
enum ov_status ov_root_list(const struct ov_root *tree, const char *path, size_t most,
                            struct ov_root_names *ret_names);
void ov_root_names_release(struct ov_root_names *names);
