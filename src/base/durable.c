// SPDX-License-Identifier: Apache-2.0
// Write beside, sync, rename, sync the folder.
#include "base/durable.h"

#include "base/fault.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum ov_status sync_fd(int fd) {
    ov_fault_point();
    return fsync(fd) == 0 ? OV_OK : OV_SYSTEM;
}

// Syncs the folder that the last part of `path` stands in, so that its new name is durable.
static enum ov_status sync_folder_of(int folder, const char *path) {
    const char *slash = strrchr(path, '/');
    char parent[PATH_MAX] = ".";
    if (slash != NULL && slash > path) {
        (void)snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
    }
    OV_AUTO_FD fd = openat(folder, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? sync_fd(fd) : OV_SYSTEM;
}

enum ov_status ov_durable_folders(int folder, const char *path, unsigned mode) {
    char part[PATH_MAX];
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        if ((size_t)(slash - path) >= sizeof part) {
            errno = ENAMETOOLONG;
            return OV_SYSTEM;
        }
        (void)snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        ov_fault_point();
        if (mkdirat(folder, part, (mode_t)mode) == 0) {
            TRY(sync_folder_of(folder, part));
        } else if (errno != EEXIST) {
            return OV_SYSTEM;
        }
    }
    return OV_OK;
}

// A folder is as open to others as the files in it, and can be entered by whoever may read it.
static unsigned folder_mode(unsigned mode) {
    return (mode | (mode & 0444u) >> 2 | 0300u) & 0777u;
}

enum ov_status ov_durable_rename(int folder, const char *from, const char *path) {
    OV_AUTO_FD fd = openat(folder, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    TRY(ov_durable_folders(folder, path, 0755));
    TRY(sync_fd(fd));
    ov_fault_point();
    if (renameat(folder, from, folder, path) != 0) {
        return OV_SYSTEM;
    }
    return sync_folder_of(folder, path);
}

static enum ov_status write_beside(int folder, const char *beside, struct ov_span bytes,
                                   unsigned mode) {
    ov_fault_point();
    OV_AUTO_FD fd =
        openat(folder, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
    if (fd < 0 || fchmod(fd, (mode_t)mode) != 0) { // whatever the umask is
        return OV_SYSTEM;
    }
    ov_fault_point();
    TRY(ov_fd_write_all(fd, bytes));
    return sync_fd(fd);
}

enum ov_status ov_durable_write(int folder, const char *path, struct ov_span bytes, unsigned mode) {
    char beside[PATH_MAX];
    int length = snprintf(beside, sizeof beside, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof beside) {
        errno = ENAMETOOLONG;
        return OV_SYSTEM;
    }
    TRY(ov_durable_folders(folder, path, folder_mode(mode)));
    enum ov_status status = write_beside(folder, beside, bytes, mode);
    ov_fault_point();
    if (status == OV_OK && renameat(folder, beside, folder, path) != 0) {
        status = OV_SYSTEM;
    }
    if (status != OV_OK) {
        int error = errno;
        (void)unlinkat(folder, beside, 0);
        errno = error;
        return status;
    }
    return sync_folder_of(folder, path);
}

enum ov_status ov_durable_keep(int folder, const char *path) {
    OV_AUTO_FD fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    TRY(sync_fd(fd));
    return sync_folder_of(folder, path);
}
