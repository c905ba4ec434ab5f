// SPDX-License-Identifier: Apache-2.0
// The table of exceptions.
#include "watch/exceptions.h"

#include <string.h>

static const struct {
    const char *name;
    const char *meaning;
} exceptions[OV_ALLOW_COUNT] = {
    [OV_ALLOW_BPF] = {"bpf", "load BPF programs and open performance events"},
    [OV_ALLOW_DEVICES] = {"devices", "open block devices, tunnels and all other devices"},
    [OV_ALLOW_KERNEL] = {"kernel", "load modules and kernels, use swap and ports of the machine"},
    [OV_ALLOW_MOUNTS] = {"mounts", "mount and unmount; access to files is then not confined"},
    [OV_ALLOW_NAMESPACES] = {"namespaces", "enter namespaces of other processes"},
    [OV_ALLOW_NETWORK] = {"network", "use the network of this machine; nothing is captured"},
    [OV_ALLOW_PROC] = {"proc", "write to files of /proc and /sys"},
    [OV_ALLOW_PTRACE] = {"ptrace", "trace processes of its own and take descriptors from them"},
    [OV_ALLOW_REFLINK] = {"reflink", "make copies of files without reading them"},
    [OV_ALLOW_SOCKETS] = {"sockets", "make sockets of any family"},
    [OV_ALLOW_URING] = {"io-uring", "use io_uring, whose requests pass by the list of calls"},
};

const char *ov_exception_name(enum ov_exception exception) {
    return exceptions[exception].name;
}

const char *ov_exception_meaning(enum ov_exception exception) {
    return exceptions[exception].meaning;
}

bool ov_exception_find(const char *name, enum ov_exception *ret_exception) {
    for (unsigned i = 0; i < OV_ALLOW_COUNT; i++) {
        if (strcmp(exceptions[i].name, name) == 0) {
            *ret_exception = (enum ov_exception)i;
            return true;
        }
    }
    return false;
}
