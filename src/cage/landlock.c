// SPDX-License-Identifier: Apache-2.0
// Landlock: every access that the kernel knows how to refuse is refused, but for the paths and
// ports of the spec.
#include "cage/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

// Our own view of struct landlock_ruleset_attr: the build machine's header may be older than the
// running kernel. Documentation/userspace-api/landlock.rst.
struct ruleset {
    uint64_t filesystem; // ABI 1
    uint64_t network;    // ABI 4
    uint64_t scoped;     // ABI 6
};

struct __attribute__((packed)) path_rule { // struct landlock_path_beneath_attr
    uint64_t allowed;
    int32_t parent;
};

struct port_rule { // struct landlock_net_port_attr
    uint64_t allowed;
    uint64_t port;
};

enum { QUERY_VERSION = 1, RULE_PATH = 1, RULE_PORT = 2, CONNECT_TCP = 2 };

enum {
    OF_FILES = 1 << 1 | 1 << 2 | 1 << 14, // write, read, truncate
    READING = 1 << 2 | 1 << 3,            // files, folders
    // Files and folders: write, remove, make, take to another folder, truncate. No devices, sockets
    // or links.
    WRITING = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 13 | 1 << 14,
};

// Access bits by the ABI version that brought them: 13 file actions, then one by one.
static struct ruleset rights_of(long abi) {
    struct ruleset all = {.filesystem = 0x1fff};
    all.filesystem |= abi >= 2 ? 1u << 13 : 0; // link and rename across directories
    all.filesystem |= abi >= 3 ? 1u << 14 : 0; // truncate
    all.filesystem |= abi >= 5 ? 1u << 15 : 0; // ioctl on devices
    all.network = abi >= 4 ? 3 : 0;            // TCP bind, connect
    all.scoped = abi >= 6 ? 3 : 0;             // abstract sockets, signals
    return all;
}

static size_t ruleset_size(long abi) {
    if (abi >= 6) {
        return sizeof(struct ruleset);
    }
    return abi >= 4 ? offsetof(struct ruleset, scoped) : offsetof(struct ruleset, network);
}

static int add_path(int ruleset, const struct ov_cage_path *path, uint64_t known) {
    struct stat info;
    int fd = path->path != NULL ? open(path->path, O_PATH | O_CLOEXEC) : path->fd;
    if (fd < 0) {
        return errno == ENOENT ? 0 : errno;
    }
    int error = fstat(fd, &info) == 0 ? 0 : errno;
    struct path_rule rule = {.allowed = known & (READING | (path->is_writable ? WRITING : 0)),
                             .parent = fd};
    if (error == 0 && !S_ISDIR(info.st_mode)) {
        rule.allowed &= OF_FILES;
    }
    if (error == 0 && syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0) != 0) {
        error = errno;
    }
    if (path->path != NULL) {
        (void)close(fd);
    }
    return error;
}

static int add_rules(int ruleset, const struct ov_cage_spec *spec, const struct ruleset *all) {
    int error = 0;
    for (size_t i = 0; i < spec->path_count && error == 0; i++) {
        error = add_path(ruleset, &spec->paths[i], all->filesystem);
    }
    for (size_t i = 0; i < spec->port_count && error == 0 && all->network != 0; i++) {
        struct port_rule rule = {.allowed = CONNECT_TCP, .port = spec->ports[i]};
        bool is_added = syscall(SYS_landlock_add_rule, ruleset, RULE_PORT, &rule, 0) == 0;
        error = is_added ? 0 : errno;
    }
    return error;
}

int ov_cage_landlock(const struct ov_cage_spec *spec) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, QUERY_VERSION);
    if (abi < 1) {
        return abi < 0 ? errno : ENOSYS;
    }
    struct ruleset all = rights_of(abi);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, ruleset_size(abi), 0);
    if (ruleset < 0) {
        return errno;
    }
    int error = add_rules(ruleset, spec, &all);
    if (error == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
        error = errno;
    }
    (void)close(ruleset);
    return error;
}
