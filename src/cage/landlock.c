// SPDX-License-Identifier: Apache-2.0
// Landlock with no rule: every access that the kernel knows how to refuse is refused.
#include "cage/layers.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self  446
#endif

// Our own view of struct landlock_ruleset_attr: the build machine's header may be older than the
// running kernel. Documentation/userspace-api/landlock.rst.
struct ruleset {
    uint64_t filesystem; // ABI 1
    uint64_t network;    // ABI 4
    uint64_t scoped;     // ABI 6
};

enum { QUERY_VERSION = 1 };

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

int ov_cage_landlock(void) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, QUERY_VERSION);
    if (abi < 1) {
        return abi < 0 ? errno : ENOSYS;
    }
    struct ruleset all = rights_of(abi);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, ruleset_size(abi), 0);
    if (ruleset < 0) {
        return errno;
    }
    int error = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? 0 : errno;
    (void)close(ruleset);
    return error;
}
