// SPDX-License-Identifier: Apache-2.0
// A cgroup's folder, its device rules, and who cleans up.
#include "watch/group.h"

#include "base/fd.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 500, TRY_NS = 10000000, DEPTH_MAX = 8, OLD_SECONDS = 60 };
enum { GATE_FD, LIST_FD }; // of the reaper

// ---- device rules -------------------------------------------------------------------------------

// struct bpf_cgroup_dev_ctx: the type stands in the lower half of the first word.
enum { TYPE_AT = 0, MAJOR_AT = 4, MINOR_AT = 8 };
enum { MAJOR_MEMORY = 1, MAJOR_MISC = 10 };

#define LOAD(target, at)                                                                           \
    ((struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W,                                          \
                       .dst_reg = (target),                                                        \
                       .src_reg = BPF_REG_1,                                                       \
                       .off = (at)})
#define SET(target, value)                                                                         \
    ((struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (target), .imm = (value)})
#define AND(target, value)                                                                         \
    ((struct bpf_insn){.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = (target), .imm = (value)})
#define SKIP_IF(target, value, count)                                                              \
    ((struct bpf_insn){                                                                            \
        .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = (target), .off = (count), .imm = (value)})
#define SKIP_UNLESS(target, value, count)                                                          \
    ((struct bpf_insn){                                                                            \
        .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = (target), .off = (count), .imm = (value)})
#define RETURN ((struct bpf_insn){.code = BPF_JMP | BPF_EXIT})

// No block device, no memory of the machine, no tunnel, no channel to other machines' guests.
static const struct bpf_insn device_rules[] = {
    /*  0 */ LOAD(BPF_REG_2, TYPE_AT),
    /*  1 */ AND(BPF_REG_2, 0xffff),
    /*  2 */ LOAD(BPF_REG_3, MAJOR_AT),
    /*  3 */ LOAD(BPF_REG_4, MINOR_AT),
    /*  4 */ SET(BPF_REG_0, 0),
    /*  5 */ SKIP_IF(BPF_REG_2, BPF_DEVCG_DEV_BLOCK, 10),
    /*  6 */ SKIP_UNLESS(BPF_REG_3, MAJOR_MEMORY, 3),
    /*  7 */ SKIP_IF(BPF_REG_4, 1, 8), // mem
    /*  8 */ SKIP_IF(BPF_REG_4, 2, 7), // kmem
    /*  9 */ SKIP_IF(BPF_REG_4, 4, 6), // port
    /* 10 */ SKIP_UNLESS(BPF_REG_3, MAJOR_MISC, 4),
    /* 11 */ SKIP_IF(BPF_REG_4, 200, 4), // net/tun
    /* 12 */ SKIP_IF(BPF_REG_4, 237, 3), // loop-control
    /* 13 */ SKIP_IF(BPF_REG_4, 238, 2), // vhost-net
    /* 14 */ SKIP_IF(BPF_REG_4, 241, 1), // vhost-vsock
    /* 15 */ SET(BPF_REG_0, 1),
    /* 16 */ RETURN,
};

// A link, unlike an attachment, goes with its descriptor.
static enum ov_status link_rules(const char *path, int *ret_link) {
    OV_AUTO_FD folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        return OV_SYSTEM;
    }
    OV_AUTO_FD program =
        bpf_prog_load(BPF_PROG_TYPE_CGROUP_DEVICE, "overt_devices", "Apache-2.0", device_rules,
                      sizeof device_rules / sizeof device_rules[0], NULL);
    if (program < 0) {
        return OV_SYSTEM;
    }
    int link = bpf_link_create(program, folder, BPF_CGROUP_DEVICE, NULL);
    if (link < 0) {
        return OV_SYSTEM;
    }
    *ret_link = link;
    return OV_OK;
}

// ---- the folder ---------------------------------------------------------------------------------

// Where the tree of cgroup v2 is mounted: mountinfo(5) in proc(5), the file system's type stands
// behind " - ".
static enum ov_status find_tree(char ret_path[PATH_MAX]) {
    char line[PATH_MAX + 512];
    enum ov_status status = OV_UNSUPPORTED;
    FILE *file = fopen("/proc/self/mountinfo", "re");
    if (file == NULL) {
        return OV_SYSTEM;
    }
    while (status != OV_OK && fgets(line, sizeof line, file) != NULL) {
        char path[PATH_MAX];
        bool is_ours = strstr(line, " - cgroup2 ") != NULL;
        if (is_ours && sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1) {
            (void)snprintf(ret_path, PATH_MAX, "%s", path);
            status = OV_OK;
        }
    }
    (void)fclose(file);
    return status;
}

// Our own place in it: the line "0::/PATH" of /proc/self/cgroup.
static void find_own(char ret_path[PATH_MAX]) {
    char line[PATH_MAX];
    FILE *file = fopen("/proc/self/cgroup", "re");
    (void)snprintf(ret_path, PATH_MAX, "/");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "0::", 3) == 0) {
            (void)snprintf(ret_path, PATH_MAX, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

static enum ov_status write_file(const char *folder, const char *name, const char *text) {
    char path[PATH_MAX + 64];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    OV_AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? OV_SYSTEM : ov_fd_write_all(fd, ov_span_text(text));
}

// Whether it is a folder of a recorder that is gone. A recorder in a container has an id that means
// nothing here: its folder is left alone while it is being filled.
static bool is_left(int parent, const char *name) {
    static const char prefix[] = "overt-watch-";
    struct stat info;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
        return false;
    }
    long pid = strtol(name + sizeof prefix - 1, NULL, 10);
    return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH &&
           fstatat(parent, name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           time(NULL) - info.st_mtime > OLD_SECONDS;
}

// Removes what a recorder and its reaper that were both killed have left.
static void sweep(const char *parent) {
    DIR *folder = opendir(parent);
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (is_left(dirfd(folder), entry->d_name)) {
            (void)unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR) /* one in use stays */;
        }
    }
    (void)closedir(folder);
}

static enum ov_status find_place(char ret_path[PATH_MAX]) {
    char tree[PATH_MAX];
    char own[PATH_MAX];
    char parent[2 * PATH_MAX];
    struct timespec now;
    TRY(find_tree(tree));
    find_own(own);
    (void)snprintf(parent, sizeof parent, "%s%s", tree, strcmp(own, "/") == 0 ? "" : own);
    sweep(parent);
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    bool is_short = (size_t)snprintf(ret_path, PATH_MAX, "%.3900s/overt-watch-%d-%lld%09ld", parent,
                                     (int)getpid(), (long long)now.tv_sec, now.tv_nsec) < PATH_MAX;
    return is_short && strlen(parent) <= 3900 ? OV_OK : OV_LIMIT;
}

// Folders first that were made in it: by a product outside of an envelope.
static void remove_below(const char *path, unsigned depth) {
    DIR *folder = depth > 0 ? opendir(path) : NULL;
    if (folder == NULL) {
        return;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char below[PATH_MAX];
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
            (size_t)snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < sizeof below) {
            remove_below(below, depth - 1);
            (void)rmdir(below);
        }
    }
    (void)closedir(folder);
}

// What is in it has lost its recorder: it ends.
static void remove_folder(const char *path) {
    struct timespec pause = {.tv_nsec = TRY_NS};
    for (unsigned i = 0; i < TRIES && rmdir(path) != 0 && errno != ENOENT; i++) {
        (void)!write_file(path, "cgroup.kill", "1") /* since Linux 5.14 */;
        remove_below(path, DEPTH_MAX);
        (void)nanosleep(&pause, NULL);
    }
}

// ---- the reaper ---------------------------------------------------------------------------------

// Nobody counts them any more. Processes that come from them in this very moment are in the cgroup.
static void end_watched(int processes) {
    uint32_t pid;
    uint32_t next;
    for (int error = bpf_map_get_next_key(processes, NULL, &next); error == 0;
         error = bpf_map_get_next_key(processes, &pid, &next)) {
        pid = next;
        (void)kill((pid_t)pid, SIGKILL);
    }
}

// Keeps these two and nothing else: the standard output of others would never end with it.
static void keep_two(int gate, int processes) {
    int first = fcntl(gate, F_DUPFD, GATE_FD + LIST_FD + 1);
    int second = fcntl(processes, F_DUPFD, GATE_FD + LIST_FD + 1);
    (void)dup2(first, GATE_FD);
    (void)dup2(second, LIST_FD);
    (void)syscall(SYS_close_range, LIST_FD + 1, ~0u, 0);
}

static _Noreturn void reap(const char *path, int gate, int processes) {
    char byte;
    (void)setsid(); // keys of the terminal are not for it
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    keep_two(gate, processes);
    while (read(GATE_FD, &byte, 1) < 0 && errno == EINTR) {
    }
    end_watched(LIST_FD);
    if (path[0] != 0) {
        remove_folder(path);
    }
    _exit(0);
}

static enum ov_status start_reaper(struct ov_group *group, int processes) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return OV_SYSTEM;
    }
    group->reaper = fork();
    if (group->reaper == 0) {
        reap(group->path, ends[0], processes);
    }
    (void)close(ends[0]);
    group->reaper_gate = ends[1];
    return group->reaper > 0 ? OV_OK : OV_SYSTEM;
}

// ---- its life -----------------------------------------------------------------------------------

enum ov_status ov_group_open(bool has_devices, int processes, struct ov_group *ret_group) {
    *ret_group = (struct ov_group){.devices = -1, .reaper_gate = -1};
    enum ov_status status = find_place(ret_group->path);
    if (status != OV_OK) {
        ret_group->path[0] = 0;
    }
    // Before there is anything that could be left behind.
    enum ov_status started = start_reaper(ret_group, processes);
    TRY(status);
    status = started;
    if (status == OV_OK && mkdir(ret_group->path, 0700) != 0) {
        status = OV_SYSTEM;
    }
    if (status == OV_OK && has_devices) {
        status = link_rules(ret_group->path, &ret_group->devices);
    }
    if (status != OV_OK) {
        int error = errno;
        ov_group_close(ret_group);
        errno = error;
    }
    return status;
}

enum ov_status ov_group_add(const struct ov_group *group, pid_t pid) {
    char text[32];
    (void)snprintf(text, sizeof text, "%d", (int)pid);
    return write_file(group->path, "cgroup.procs", text);
}

void ov_group_kill(const struct ov_group *group) {
    if (group->path[0] != 0) {
        (void)!write_file(group->path, "cgroup.kill", "1") /* since Linux 5.14 */;
    }
}

void ov_group_close(struct ov_group *group) {
    if (group->path[0] != 0) {
        remove_folder(group->path);
    }
    ov_group_forget(group);
    if (group->reaper > 0) {
        while (waitpid(group->reaper, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    *group = (struct ov_group){.devices = -1, .reaper_gate = -1};
}

void ov_group_forget(struct ov_group *group) {
    ov_fd_close(&group->devices);
    ov_fd_close(&group->reaper_gate);
}
