// SPDX-License-Identifier: Apache-2.0
// Landlock's rules, and the capabilities.
#include "watch/confine.h"

#include "base/fd.h"
#include "watch/exceptions.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// Our own view of struct landlock_ruleset_attr, as in cage/: the build machine's header may be
// older than the running kernel. Documentation/userspace-api/landlock.rst.
struct ruleset {
    uint64_t filesystem; // ABI 1
    uint64_t network;    // ABI 4: not used
    uint64_t scoped;     // ABI 6
};

struct __attribute__((packed)) path_rule { // struct landlock_path_beneath_attr
    uint64_t allowed;
    int32_t parent;
};

enum { QUERY_VERSION = 1, RULE_PATH = 1 };

enum {
    READING = 1 << 0 | 1 << 2 | 1 << 3, // run, read files, list folders
    LIST_FOLDERS = 1 << 3,
    WRITE = 1 << 1,
    MAKE_CHARACTER = 1 << 6,
    MAKE_BLOCK = 1 << 11,
    TRUNCATE = 1 << 14,
    DEVICE_REQUESTS = 1 << 15,
    OF_FILES = 1 << 0 | WRITE | 1 << 2 | TRUNCATE | DEVICE_REQUESTS,
};

// Devices by which nothing is reached that others have.
static const char *const devices[] = {
    "/dev/console", "/dev/full",   "/dev/hugepages", "/dev/mqueue", "/dev/null",    "/dev/ptmx",
    "/dev/pts",     "/dev/random", "/dev/shm",       "/dev/tty",    "/dev/urandom", "/dev/zero",
};

static enum ov_status add_path(int ruleset, const char *path, uint64_t rights) {
    struct stat info;
    OV_AUTO_FD fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? OV_OK : OV_SYSTEM;
    }
    if (fstat(fd, &info) != 0) {
        return OV_SYSTEM;
    }
    struct path_rule rule = {.parent = fd,
                             .allowed = S_ISDIR(info.st_mode) ? rights : rights & OF_FILES};
    if (S_ISLNK(info.st_mode) || rule.allowed == 0) {
        return OV_OK;
    }
    bool is_added = syscall(SYS_landlock_add_rule, ruleset, RULE_PATH, &rule, 0) == 0;
    // What lies on no disk (a pipe behind /dev/stdin) needs no rule.
    return is_added || errno == EBADFD || errno == EBADF ? OV_OK : OV_SYSTEM;
}

static bool is_kernels(const char *name) {
    return strcmp(name, "dev") == 0 || strcmp(name, "proc") == 0 || strcmp(name, "sys") == 0;
}

// Everything below the root folder but for what is the kernel's. In the root folder itself nothing
// is made or removed: a rule for it would hold for all below it.
static enum ov_status add_files(int ruleset, uint64_t rights) {
    enum ov_status status = add_path(ruleset, "/", LIST_FOLDERS);
    DIR *root = opendir("/");
    if (root == NULL) {
        return OV_SYSTEM;
    }
    for (const struct dirent *entry = readdir(root); entry != NULL && status == OV_OK;
         entry = readdir(root)) {
        char path[sizeof entry->d_name + 1];
        (void)snprintf(path, sizeof path, "/%s", entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !is_kernels(entry->d_name)) {
            status = add_path(ruleset, path, rights & ~(uint64_t)(MAKE_BLOCK | MAKE_CHARACTER));
        }
    }
    (void)closedir(root);
    return status;
}

static enum ov_status add_rules(int ruleset, uint64_t all, uint32_t allowed) {
    uint64_t of_kernel = READING;
    TRY(add_files(ruleset, all));
    if ((allowed & OV_ALLOW(PROC)) != 0) {
        of_kernel |= WRITE | TRUNCATE;
    }
    TRY(add_path(ruleset, "/proc", of_kernel & all));
    TRY(add_path(ruleset, "/sys", of_kernel & all));
    if ((allowed & OV_ALLOW(DEVICES)) != 0) {
        return add_path(ruleset, "/dev", all);
    }
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        TRY(add_path(ruleset, devices[i], all & ~(uint64_t)(MAKE_BLOCK | MAKE_CHARACTER)));
    }
    return OV_OK;
}

static uint64_t rights_of(long abi) {
    uint64_t all = 0x1fff;          // 13 file actions
    all |= abi >= 2 ? 1u << 13 : 0; // link and rename across folders
    all |= abi >= 3 ? TRUNCATE : 0;
    all |= abi >= 5 ? DEVICE_REQUESTS : 0;
    return all;
}

enum ov_status ov_confine_enter(uint32_t allowed, char ret_why[OV_CONFINE_WHY_BYTES]) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, QUERY_VERSION);
    if (abi < 1) {
        return OV_SYSTEM;
    }
    // Landlock refuses all mounting as soon as it confines files.
    bool has_files = (allowed & OV_ALLOW(MOUNTS)) == 0;
    struct ruleset all = {.filesystem = has_files ? rights_of(abi) : 0,
                          .scoped = abi >= 6 ? 3 : 0}; // abstract sockets, signals
    if (all.filesystem == 0 && all.scoped == 0) {
        errno = EOPNOTSUPP;
        return OV_SYSTEM;
    }
    size_t size = abi >= 6 ? sizeof all : offsetof(struct ruleset, network);
    OV_AUTO_FD ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
    if (ruleset < 0) {
        return OV_SYSTEM;
    }
    if (has_files) {
        TRY(add_rules(ruleset, all.filesystem, allowed));
    }
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
        return OV_SYSTEM;
    }
    (void)snprintf(ret_why, OV_CONFINE_WHY_BYTES, "version %ld%s%s%s", abi,
                   abi < 5 ? "; requests to devices are not refused" : "",
                   abi < 6 ? "; signals and abstract sockets reach outside" : "",
                   has_files ? "" : "; files are not confined (--allow mounts)");
    return OV_OK;
}

// ---- capabilities -------------------------------------------------------------------------------

static const struct {
    enum ov_exception unless;
    unsigned capability;
} capabilities[] = {
    {OV_ALLOW_BPF, CAP_BPF},           {OV_ALLOW_BPF, CAP_PERFMON},
    {OV_ALLOW_DEVICES, CAP_MKNOD},     {OV_ALLOW_KERNEL, CAP_SYS_MODULE},
    {OV_ALLOW_KERNEL, CAP_SYS_RAWIO},  {OV_ALLOW_KERNEL, CAP_SYS_BOOT},
    {OV_ALLOW_NETWORK, CAP_NET_ADMIN}, // else it lays a link of its own to the machine's network
};

enum ov_status ov_confine_capabilities(uint32_t allowed) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};
    if (syscall(SYS_capget, &header, data) != 0) {
        return OV_SYSTEM;
    }
    for (size_t i = 0; i < sizeof capabilities / sizeof capabilities[0]; i++) {
        unsigned number = capabilities[i].capability;
        uint32_t bit = 1u << number % 32;
        if ((allowed & 1u << capabilities[i].unless) != 0) {
            continue;
        }
        if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0) {
            return OV_SYSTEM;
        }
        data[number / 32].effective &= ~bit;
        data[number / 32].permitted &= ~bit;
        data[number / 32].inheritable &= ~bit;
    }
    return syscall(SYS_capset, &header, data) == 0 ? OV_OK : OV_SYSTEM;
}
