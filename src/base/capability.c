// SPDX-License-Identifier: Apache-2.0
// The numbers of capabilities and their names.
#include "base/capability.h"

#include <stddef.h>

static const char *const names[] = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

enum { COUNT = sizeof names / sizeof names[0] };

const char *ov_capability_name(unsigned number) {
    return number < COUNT ? names[number] : NULL;
}

void ov_capability_add_names(struct ov_buf *out, uint64_t bits) {
    const uint64_t all = (UINT64_C(1) << COUNT) - 1;
    // A kernel that has fewer of them gives those that it has.
    const uint64_t early = (UINT64_C(1) << 36) - 1;
    if ((bits & early) == early) {
        ov_buf_add_text(out, "all capabilities");
        return;
    }
    const char *between = "";
    for (unsigned i = 0; i < COUNT; i++) {
        if ((bits >> i & 1) != 0) {
            ov_buf_printf(out, "%s%s", between, names[i]);
            between = ", ";
        }
    }
    if ((bits & ~all) != 0) {
        ov_buf_printf(out, "%sothers (%llx)", between, (unsigned long long)(bits & ~all));
    }
}
