// SPDX-License-Identifier: Apache-2.0
// Staging folders: made, looked into without following anything, removed.
#include "role/fetch_staging.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char prefix[] = "fetch-";

enum { TRIES = 8 };

static int open_folder(int parent, const char *name) {
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

// What a fetcher can make is files; a folder that is not empty was put there by somebody else, and
// stays.
static void empty_folder(int folder) {
    int copy = open_folder(folder, ".");
    DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
    if (list == NULL) {
        ov_fd_close(&copy);
        return;
    }
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        if (unlinkat(folder, entry->d_name, 0) != 0 && errno == EISDIR) {
            (void)unlinkat(folder, entry->d_name, AT_REMOVEDIR);
        }
    }
    (void)closedir(list);
}

// A folder that nobody holds the lock of is a dead broker's.
static void remove_left_behind(int parent, const char *name) {
    OV_AUTO_FD folder = open_folder(parent, name);
    struct stat info;
    bool is_ours =
        folder >= 0 && fstat(folder, &info) == 0 && (info.st_uid == geteuid() || geteuid() == 0);
    if (is_ours && flock(folder, LOCK_EX | LOCK_NB) == 0) {
        empty_folder(folder);
        (void)unlinkat(parent, name, AT_REMOVEDIR);
    }
}

static void sweep(const char *path) {
    int parent = open_folder(AT_FDCWD, path);
    DIR *list = parent >= 0 ? fdopendir(parent) : NULL;
    if (list == NULL) {
        ov_fd_close(&parent);
        return;
    }
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        if (strncmp(entry->d_name, prefix, sizeof prefix - 1) == 0) {
            remove_left_behind(parent, entry->d_name);
        }
    }
    (void)closedir(list);
}

// Makes a folder and locks it. Another broker may sweep it away in between: OV_END then.
static enum ov_status make_locked(char *path, int *ret_folder) {
    struct stat info;
    if (mkdtemp(path) == NULL) {
        return OV_SYSTEM;
    }
    OV_AUTO_FD folder = open_folder(AT_FDCWD, path);
    if (folder < 0) {
        return errno == ENOENT ? OV_END : OV_SYSTEM;
    }
    if (flock(folder, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? OV_END : OV_SYSTEM;
    }
    if (fstat(folder, &info) != 0 || info.st_nlink == 0) {
        return OV_END;
    }
    *ret_folder = folder;
    folder = -1;
    return OV_OK;
}

enum ov_status ov_staging_open(const char *parent, char *ret_path, size_t size, int *ret_folder) {
    char path[PATH_MAX];
    enum ov_status status = OV_END;
    sweep(parent);
    for (int tries = 0; tries < TRIES && status == OV_END; tries++) {
        int length = snprintf(path, sizeof path, "%s/%sXXXXXX", parent, prefix);
        if (length < 0 || (size_t)length >= sizeof path || (size_t)length >= size) {
            return OV_LIMIT;
        }
        status = make_locked(path, ret_folder);
    }
    if (status != OV_OK) {
        return OV_SYSTEM;
    }
    (void)snprintf(ret_path, size, "%s", path);
    return OV_OK;
}

enum ov_status ov_staging_file(int folder, size_t number, uint64_t size_bytes, int *ret_fd) {
    char name[32];
    struct stat info;
    (void)snprintf(name, sizeof name, "%zu", number);
    // A FIFO is not waited for, a terminal not taken.
    OV_AUTO_FD fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1 ||
        (uint64_t)info.st_size != size_bytes) {
        return OV_PEER;
    }
    *ret_fd = fd;
    fd = -1;
    return OV_OK;
}

void ov_staging_close(const char *path, int *folder) {
    if (*folder >= 0) {
        empty_folder(*folder);
    }
    (void)rmdir(path);
    ov_fd_close(folder);
}
