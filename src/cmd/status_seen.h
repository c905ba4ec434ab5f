// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says of a process, read from the outside: /proc/PID/status, limits, ns, fd and
// root.
#pragma once

#include "base/status.h"
#include "cage/cage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    OV_SEEN_NAMESPACES = 7,
    OV_SEEN_DESCRIPTORS = 16,
    OV_SEEN_PATHS = 16,
    OV_SEEN_TEXT_BYTES = 128,
};

struct ov_seen_descriptor {
    int number;
    uint32_t kind;                   // one OV_HOLDS_ bit
    char target[OV_SEEN_TEXT_BYTES]; // as the link in /proc says
};

// Lines of /proc/PID/status.
struct ov_seen_status {
    unsigned uids[4]; // real, effective, saved, of files
    unsigned gids[4];
    unsigned group_count; // supplementary ones
    uint64_t effective;   // capabilities
    uint64_t permitted;
    uint64_t inheritable;
    uint64_t ambient;
    uint64_t bounding;
    unsigned no_new_privs;
    unsigned seccomp;         // 2: a filter
    unsigned seccomp_filters; // how many; from Linux 5.9 on
    unsigned threads;
};

struct ov_seen {
    struct ov_seen_status status;
    bool has_inside; // the rest could be read: of a process that is not to be dumped, by root alone
    bool is_apart[OV_SEEN_NAMESPACES]; // in another namespace than we are
    bool has_our_root;
    size_t
        path_count; // what stands in its root directory: files, and folders that are mounted there
    char paths[OV_SEEN_PATHS][OV_SEEN_TEXT_BYTES];
    size_t descriptor_count;
    struct ov_seen_descriptor descriptors[OV_SEEN_DESCRIPTORS];
    bool has_more; // paths or descriptors than there is room for
};

// Looks at a process. OV_SYSTEM when it is not there.
enum ov_status ov_seen_look(pid_t pid, struct ov_seen *ret_seen);

// "pid", "mnt", ..., and the layer that stands for it (OV_LAYER_COUNT: none).
const char *ov_seen_namespace_name(unsigned index);
enum ov_cage_layer ov_seen_namespace_layer(unsigned index);
