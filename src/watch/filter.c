// SPDX-License-Identifier: Apache-2.0
// The list itself, by libseccomp.
#include "watch/filter.h"

#include "watch/exceptions.h"

#include <errno.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/loop.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/socket.h>

// Defined by the file systems alone, not by the headers of the system.
#define EXT4_MOVE_EXTENTS  0xc028660fu // EXT4_IOC_MOVE_EXT
#define XFS_SWAP_EXTENTS   0xc0c0586du // XFS_IOC_SWAPEXT
#define XFS_EXCHANGE_RANGE 0x40285881u // XFS_IOC_EXCHANGE_RANGE

static const struct {
    enum ov_exception unless;
    int call;
} calls[] = {
    {OV_ALLOW_BPF, SCMP_SYS(bpf)},
    {OV_ALLOW_BPF, SCMP_SYS(perf_event_open)},
    {OV_ALLOW_KERNEL, SCMP_SYS(acct)},
    {OV_ALLOW_KERNEL, SCMP_SYS(delete_module)},
    {OV_ALLOW_KERNEL, SCMP_SYS(finit_module)},
    {OV_ALLOW_KERNEL, SCMP_SYS(init_module)},
    {OV_ALLOW_KERNEL, SCMP_SYS(ioperm)},
    {OV_ALLOW_KERNEL, SCMP_SYS(iopl)},
    {OV_ALLOW_KERNEL, SCMP_SYS(kexec_file_load)},
    {OV_ALLOW_KERNEL, SCMP_SYS(kexec_load)},
    {OV_ALLOW_KERNEL, SCMP_SYS(swapon)},
    {OV_ALLOW_KERNEL, SCMP_SYS(userfaultfd)},
    {OV_ALLOW_MOUNTS, SCMP_SYS(fsconfig)},
    {OV_ALLOW_MOUNTS, SCMP_SYS(fsmount)},
    {OV_ALLOW_MOUNTS, SCMP_SYS(fsopen)},
    {OV_ALLOW_MOUNTS, SCMP_SYS(fspick)},
    {OV_ALLOW_MOUNTS, SCMP_SYS(mount)},
    {OV_ALLOW_MOUNTS, SCMP_SYS(mount_setattr)},
    {OV_ALLOW_MOUNTS, SCMP_SYS(move_mount)},
    {OV_ALLOW_MOUNTS, SCMP_SYS(open_tree)},
    {OV_ALLOW_MOUNTS, SCMP_SYS(pivot_root)},
    {OV_ALLOW_MOUNTS, SCMP_SYS(umount2)},
    {OV_ALLOW_NAMESPACES, SCMP_SYS(setns)},
    {OV_ALLOW_PTRACE, SCMP_SYS(pidfd_getfd)},
    {OV_ALLOW_PTRACE, SCMP_SYS(process_vm_readv)},
    {OV_ALLOW_PTRACE, SCMP_SYS(process_vm_writev)},
    {OV_ALLOW_PTRACE, SCMP_SYS(ptrace)},
    // Where a file system can, this shares blocks instead of reading them.
    {OV_ALLOW_REFLINK, SCMP_SYS(copy_file_range)},
    {OV_ALLOW_URING, SCMP_SYS(io_uring_setup)},
};

static const struct {
    enum ov_exception unless;
    uint32_t request;
} requests[] = {
    {OV_ALLOW_REFLINK, FICLONE},
    {OV_ALLOW_REFLINK, FICLONERANGE},
    {OV_ALLOW_REFLINK, FIDEDUPERANGE},
    {OV_ALLOW_REFLINK, EXT4_MOVE_EXTENTS},
    {OV_ALLOW_REFLINK, XFS_SWAP_EXTENTS},
    {OV_ALLOW_REFLINK, XFS_EXCHANGE_RANGE},
    {OV_ALLOW_REFLINK, BTRFS_IOC_SNAP_CREATE},
    {OV_ALLOW_REFLINK, BTRFS_IOC_SNAP_CREATE_V2},
    {OV_ALLOW_REFLINK, BTRFS_IOC_SEND},
    {OV_ALLOW_REFLINK, BTRFS_IOC_TREE_SEARCH},
    {OV_ALLOW_REFLINK, BTRFS_IOC_TREE_SEARCH_V2},
    {OV_ALLOW_DEVICES, LOOP_SET_FD},
    {OV_ALLOW_DEVICES, LOOP_CHANGE_FD},
    {OV_ALLOW_DEVICES, LOOP_CONFIGURE},
    {OV_ALLOW_DEVICES, TUNSETIFF},
};

enum { FAMILIES = 64 }; // more than any kernel has

// What sends by these is counted, or captured at the far end of the network.
static bool is_family_followed(int family) {
    return family == AF_UNSPEC || family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
           family == AF_NETLINK || family == AF_ALG;
}

static int add_calls(scmp_filter_ctx filter, uint32_t action, uint32_t allowed) {
    int error = 0;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0] && error == 0; i++) {
        if ((allowed & 1u << calls[i].unless) == 0) {
            error = seccomp_rule_add(filter, action, calls[i].call, 0);
        }
    }
    return error;
}

static int add_requests(scmp_filter_ctx filter, uint32_t action, uint32_t allowed) {
    int error = 0;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0] && error == 0; i++) {
        if ((allowed & 1u << requests[i].unless) == 0) {
            error = seccomp_rule_add(filter, action, SCMP_SYS(ioctl), 1,
                                     SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, requests[i].request));
        }
    }
    return error;
}

static int add_families(scmp_filter_ctx filter, uint32_t action, uint32_t allowed) {
    int error = 0;
    for (int i = 0; i < FAMILIES && error == 0 && (allowed & OV_ALLOW(SOCKETS)) == 0; i++) {
        if (!is_family_followed(i)) {
            error = seccomp_rule_add(filter, action, SCMP_SYS(socket), 1,
                                     SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffu, (unsigned)i));
        }
    }
    return error;
}

static int load(uint32_t action, uint32_t allowed, int *ret_listener) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL) {
        return -ENOMEM;
    }
    // Products may start helpers that change their user; root needs no promise to load a list.
    int error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
    // Calls of other machines' kinds (32 bits) have other numbers: none of them.
    error = error != 0 ? error : seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, action);
    error = error != 0 ? error : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    error = error != 0 ? error : add_calls(filter, action, allowed);
    error = error != 0 ? error : add_requests(filter, action, allowed);
    error = error != 0 ? error : add_families(filter, action, allowed);
    error = error != 0 ? error : seccomp_load(filter);
    if (error == 0 && action == SCMP_ACT_NOTIFY) {
        *ret_listener = seccomp_notify_fd(filter);
    }
    seccomp_release(filter); // the listener stays ours
    return error;
}

enum ov_status ov_filter_load(uint32_t allowed, int *ret_listener) {
    *ret_listener = -1;
    int error = load(SCMP_ACT_NOTIFY, allowed, ret_listener);
    if (error != 0) {
        error = load(SCMP_ACT_ERRNO(EPERM), allowed, ret_listener);
    }
    errno = -error;
    return error == 0 ? OV_OK : OV_SYSTEM;
}
