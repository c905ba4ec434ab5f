// SPDX-License-Identifier: Apache-2.0
// Starts a child in new namespaces: as root directly, else by way of a user namespace.
#include "cage/cage.h"
#include "cage/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

static const struct {
    enum ov_cage_layer layer;
    int flag;
} namespaces[] = {
    {OV_LAYER_PIDS, CLONE_NEWPID}, {OV_LAYER_MOUNTS, CLONE_NEWNS},
    {OV_LAYER_NET, CLONE_NEWNET},  {OV_LAYER_IPC, CLONE_NEWIPC},
    {OV_LAYER_UTS, CLONE_NEWUTS},  {OV_LAYER_CGROUP, CLONE_NEWCGROUP},
};
enum { NAMESPACE_COUNT = sizeof namespaces / sizeof namespaces[0] };

static int namespace_flags(uint32_t layers) {
    int flags = 0;
    for (unsigned i = 0; i < NAMESPACE_COUNT; i++) {
        flags |= (layers & OV_CAGE(namespaces[i].layer)) != 0 ? namespaces[i].flag : 0;
    }
    return flags;
}

// clone without a stack: like fork, with flags. The order of the last two arguments differs between
// architectures, and both are zero.
static pid_t clone_process(int flags, int *ret_pidfd) {
    int pidfd = -1;
    unsigned long all = (unsigned)flags | (unsigned)CLONE_PIDFD | SIGCHLD;
    pid_t pid = (pid_t)syscall(SYS_clone, all, NULL, &pidfd, NULL, NULL);
    if (pid >= 0) {
        *ret_pidfd = pidfd;
    }
    return pid;
}

static bool write_text(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t size = (ssize_t)strlen(text);
    bool is_done = write(fd, text, (size_t)size) == size;
    (void)close(fd);
    return is_done;
}

// In a new user namespace: our own user is its root, so that exec keeps the rights that the cage
// needs to go up. They reach nothing outside, and the cage drops them.
static void map_own_user(uid_t uid, gid_t gid) {
    char text[64];
    (void)write_text("/proc/self/setgroups", "deny");
    (void)snprintf(text, sizeof text, "0 %u 1", gid);
    (void)write_text("/proc/self/gid_map", text);
    (void)snprintf(text, sizeof text, "0 %u 1", uid);
    (void)write_text("/proc/self/uid_map", text);
}

// Those that were started last; the oldest makes room.
static pid_t spawned[1024];
static size_t spawned_count;
enum { SPAWNED_MAX = sizeof spawned / sizeof spawned[0] };

bool ov_cage_has_spawned(pid_t pid) {
    size_t known = spawned_count < SPAWNED_MAX ? spawned_count : SPAWNED_MAX;
    for (size_t i = 0; i < known; i++) {
        if (spawned[i] == pid) {
            return true;
        }
    }
    return false;
}

pid_t ov_cage_spawn(uint32_t layers, int *ret_pidfd) {
    int flags = namespace_flags(layers);
    uid_t uid = geteuid();
    gid_t gid = getegid();
    pid_t pid = uid == 0 ? clone_process(flags, ret_pidfd) : -1;
    if (pid < 0) {
        pid = clone_process(flags | CLONE_NEWUSER, ret_pidfd);
        if (pid == 0) {
            map_own_user(uid, gid);
        }
    }
    if (pid < 0) {
        pid = clone_process(0, ret_pidfd);
    }
    if (pid > 0) {
        spawned[spawned_count++ % SPAWNED_MAX] = pid;
    }
    return pid;
}

// Whether this process is in another namespace of this kind than its parent was when it began. The
// first process of a pid namespace is number 1; we ask for all of them together, so one tells.
static bool is_spawned_apart(void) {
    return getpid() == 1;
}

void ov_cage_namespaces(uint32_t layers, struct ov_cage_report *report) {
    if (is_spawned_apart()) {
        report->enforced |= layers;
        return;
    }
    for (unsigned i = 0; i < NAMESPACE_COUNT; i++) {
        uint32_t bit = OV_CAGE(namespaces[i].layer);
        if ((layers & bit) == 0) {
            continue;
        }
        // A pid namespace takes in children alone, and this process is none; clone has been
        // refused.
        if (namespaces[i].flag == CLONE_NEWPID) {
            report->refusals[OV_LAYER_PIDS] = EPERM;
        } else if (unshare(namespaces[i].flag) != 0) {
            report->refusals[namespaces[i].layer] = (uint8_t)errno;
        } else {
            report->enforced |= bit;
        }
    }
}
