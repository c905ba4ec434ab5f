// SPDX-License-Identifier: Apache-2.0
//
// One opened folder of a walk: its names, read whole and sorted, and its descriptor.
#pragma once

#include "base/buf.h"
#include "base/status.h"

#include <sys/stat.h>

struct ov_folder {
    int fd; // -1 while it is closed to save descriptors
    dev_t device;
    ino_t inode;
    struct ov_buf names; // for each entry: 2 bytes file type, name, NUL
    uint32_t *order;     // where each entry starts in names, sorted by name
    uint32_t count;
    uint32_t at;      // next entry
    size_t path_size; // bytes of the walk's path that name this folder
    bool is_noatime_refused;
};

struct ov_entry {
    const char *name;
    mode_t mode; // S_IFREG and so on, or 0 where the file system does not say
};

// Reads the folder behind `fd`. The descriptor is the folder's from here on; it is closed on
// failure. OV_SYSTEM (errno), OV_MEMORY.
enum ov_status ov_folder_open(int fd, size_t path_size, struct ov_folder *ret_folder);
void ov_folder_close(struct ov_folder *folder);

// Opens it again from the folder below it; OV_SYSTEM when that one's parent is another folder now.
enum ov_status ov_folder_reopen(struct ov_folder *folder, int below);

bool ov_folder_has_next(const struct ov_folder *folder);
struct ov_entry ov_folder_next(struct ov_folder *folder);

// Whether it lies in a file system that the kernel makes up (proc, sysfs and so on).
bool ov_folder_is_kernels(const struct ov_folder *folder);
