// SPDX-License-Identifier: Apache-2.0
//
// Folders of a file system that are still to be read, in the order in which they were found. They
// live in the arena of the walk. Worker process only.
#pragma once

#include "format/walk.h"

struct ov_folder {
    struct ov_folder *next;
    struct ov_span path;
    uint64_t at, size; // where its list is, as the file system says it
};

struct ov_folders {
    struct ov_folder *first, *last;
    uint32_t count;
};

// Adds a folder with a copy of its path, which is cut when it is very long. OV_LIMIT: there have
// been too many, which is told. OV_MEMORY.
enum ov_status ov_folders_add(struct ov_folders *folders, struct ov_walk *walk,
                              struct ov_folder folder);
