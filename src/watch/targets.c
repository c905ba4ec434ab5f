// SPDX-License-Identifier: Apache-2.0
// Finds the processes of a target, from /proc and from cgroup.procs.
#include "watch/targets.h"

#include "watch/prior.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIDS_MAX = 65536, ROUNDS_MAX = 16 };

struct pids {
    pid_t pids[PIDS_MAX];
    size_t count;
};

static bool has(const struct pids *pids, pid_t pid) {
    for (size_t i = 0; i < pids->count; i++) {
        if (pids->pids[i] == pid) {
            return true;
        }
    }
    return false;
}

// Watches one that is not yet. One that is gone by now is none.
static enum ov_status add(struct ov_recorder *recorder, struct pids *pids, pid_t pid) {
    if (has(pids, pid)) {
        return OV_OK;
    }
    if (pids->count == PIDS_MAX) {
        return OV_LIMIT;
    }
    enum ov_status status = ov_recorder_watch(recorder, pid, OV_TRACE_BY_TARGET);
    if (status == OV_SYSTEM && errno == ESRCH) {
        return OV_OK;
    }
    TRY(status);
    pids->pids[pids->count++] = pid;
    return ov_prior_list(recorder, (uint32_t)pid);
}

// ---- processes below one ------------------------------------------------------------------------

static pid_t parent_of(pid_t pid) {
    char path[64];
    char text[512];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[size] = 0;
    const char *behind = strrchr(text, ')'); // of its name, which may hold anything
    // ") S PARENT ..."
    return behind != NULL && strlen(behind) > 4 ? (pid_t)strtol(behind + 4, NULL, 10) : 0;
}

// One look at all processes. New ones are below those that were found already.
static enum ov_status look_below(struct ov_recorder *recorder, struct pids *pids) {
    DIR *folder = opendir("/proc");
    if (folder == NULL) {
        return OV_SYSTEM;
    }
    enum ov_status status = OV_OK;
    for (const struct dirent *entry = readdir(folder); entry != NULL && status == OV_OK;
         entry = readdir(folder)) {
        if (isdigit((unsigned char)entry->d_name[0]) != 0) {
            pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
            if (has(pids, parent_of(pid))) {
                status = add(recorder, pids, pid);
            }
        }
    }
    (void)closedir(folder);
    return status;
}

static enum ov_status watch_tree(struct ov_recorder *recorder, const char *name,
                                 struct pids *pids) {
    char *end = NULL;
    long pid = strtol(name, &end, 10);
    if (end == name || *end != 0 || pid <= 0 || pid > INT_MAX) {
        return OV_INVALID;
    }
    TRY(add(recorder, pids, (pid_t)pid));
    for (size_t round = 0, before = 0; before != pids->count && round < ROUNDS_MAX; round++) {
        before = pids->count;
        TRY(look_below(recorder, pids));
    }
    return OV_OK;
}

// ---- cgroups ------------------------------------------------------------------------------------

static enum ov_status look_in_group(struct ov_recorder *recorder, const char *path,
                                    struct pids *pids) {
    char procs[PATH_MAX];
    char line[32];
    if ((size_t)snprintf(procs, sizeof procs, "%s/cgroup.procs", path) >= sizeof procs) {
        return OV_INVALID;
    }
    FILE *file = fopen(procs, "re");
    if (file == NULL) {
        return errno == ENOENT ? OV_INVALID : OV_SYSTEM;
    }
    enum ov_status status = OV_OK;
    while (status == OV_OK && fgets(line, sizeof line, file) != NULL) {
        pid_t pid = (pid_t)strtol(line, NULL, 10); // 0: of another namespace
        status = pid > 0 ? add(recorder, pids, pid) : OV_OK;
    }
    (void)fclose(file);
    return status;
}

static enum ov_status look_below_group(struct ov_recorder *recorder, const char *path,
                                       struct pids *pids, unsigned depth) {
    TRY(look_in_group(recorder, path, pids));
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return OV_SYSTEM;
    }
    enum ov_status status = OV_OK;
    for (const struct dirent *entry = readdir(folder); entry != NULL && status == OV_OK;
         entry = readdir(folder)) {
        char below[PATH_MAX];
        bool is_group = entry->d_type == DT_DIR && entry->d_name[0] != '.' && depth > 0;
        if (is_group &&
            (size_t)snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < sizeof below) {
            status = look_below_group(recorder, below, pids, depth - 1);
        }
    }
    (void)closedir(folder);
    return status;
}

static enum ov_status watch_group(struct ov_recorder *recorder, const char *path,
                                  struct pids *pids) {
    enum { DEPTH_MAX = 16 };
    for (size_t round = 0, before = SIZE_MAX; before != pids->count && round < ROUNDS_MAX;
         round++) {
        before = pids->count;
        TRY(look_below_group(recorder, path, pids, DEPTH_MAX));
    }
    return OV_OK;
}

// Where systemd keeps a unit's processes. The unified tree comes first.
static enum ov_status find_unit(const char *name, char *ret_path, size_t size) {
    static const char *const trees[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified",
                                        "/sys/fs/cgroup/systemd"};
    if (strchr(name, '/') != NULL || name[0] == '.') {
        return OV_INVALID;
    }
    for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
        if ((size_t)snprintf(ret_path, size, "%s/system.slice/%s", trees[i], name) >= size) {
            return OV_INVALID;
        }
        DIR *folder = opendir(ret_path);
        if (folder != NULL) {
            (void)closedir(folder);
            return OV_OK;
        }
    }
    errno = ESRCH;
    return OV_SYSTEM;
}

enum ov_status ov_target_watch(struct ov_recorder *recorder, enum ov_trace_target target,
                               const char *name) {
    static struct pids pids;
    char unit[PATH_MAX];
    pids.count = 0;
    enum ov_status status = OV_INVALID;
    if (target == OV_TRACE_OF_PID) {
        status = watch_tree(recorder, name, &pids);
    } else if (target == OV_TRACE_OF_CGROUP) {
        status = watch_group(recorder, name, &pids);
    } else if (target == OV_TRACE_OF_UNIT) {
        TRY(find_unit(name, unit, sizeof unit));
        status = watch_group(recorder, unit, &pids);
    }
    if (status == OV_OK && pids.count == 0) {
        errno = ESRCH;
        return OV_SYSTEM;
    }
    return status;
}
