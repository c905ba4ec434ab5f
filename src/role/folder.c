// SPDX-License-Identifier: Apache-2.0
// Reads a folder's names in one go and sorts them.
#include "role/folder.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { READ_BYTES = 65536, TYPE_BYTES = 2 };

static mode_t mode_of(unsigned char type) {
    return type == DT_UNKNOWN ? 0 : (mode_t)DTTOIF(type);
}

static bool is_dots(const char *name) {
    return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

// Adds the entries of one kernel buffer to names.
static void add_entries(struct ov_folder *folder, const uint8_t *buffer, size_t size) {
    size_t at = 0;
    while (at < size) {
        uint16_t length;
        unsigned char type = buffer[at + offsetof(struct dirent64, d_type)];
        const char *name = (const char *)buffer + at + offsetof(struct dirent64, d_name);
        memcpy(&length, buffer + at + offsetof(struct dirent64, d_reclen), sizeof length);
        if (!is_dots(name)) {
            mode_t mode = mode_of(type);
            ov_buf_add_u8(&folder->names, (uint8_t)mode);
            ov_buf_add_u8(&folder->names, (uint8_t)(mode >> 8));
            ov_buf_add(&folder->names, name, strlen(name) + 1);
            folder->count++;
        }
        at += length;
    }
}

static int compare_names(const void *a, const void *b, void *arg) {
    const uint8_t *names = arg;
    const uint32_t *first = a;
    const uint32_t *second = b;
    return strcmp((const char *)names + *first + TYPE_BYTES,
                  (const char *)names + *second + TYPE_BYTES);
}

static enum ov_status sort_names(struct ov_folder *folder) {
    TRY(ov_buf_status(&folder->names));
    if (folder->names.size > UINT32_MAX) {
        return OV_MEMORY;
    }
    folder->order = calloc((size_t)folder->count + 1, sizeof *folder->order);
    if (folder->order == NULL) {
        return OV_MEMORY;
    }
    uint32_t at = 0;
    for (uint32_t i = 0; i < folder->count; i++) {
        folder->order[i] = at;
        at += TYPE_BYTES + (uint32_t)strlen((const char *)folder->names.data + at + TYPE_BYTES) + 1;
    }
    qsort_r(folder->order, folder->count, sizeof *folder->order, compare_names, folder->names.data);
    return OV_OK;
}

static enum ov_status read_names(struct ov_folder *folder) {
    static _Alignas(struct dirent64) uint8_t buffer[READ_BYTES];
    while (true) {
        long size = syscall(SYS_getdents64, folder->fd, buffer, sizeof buffer);
        if (size < 0) {
            return OV_SYSTEM;
        }
        if (size == 0) {
            return sort_names(folder);
        }
        add_entries(folder, buffer, (size_t)size);
    }
}

enum ov_status ov_folder_open(int fd, size_t path_size, struct ov_folder *ret_folder) {
    struct ov_folder folder = {.fd = fd, .path_size = path_size};
    struct stat info;
    enum ov_status status = fstat(fd, &info) == 0 ? OV_OK : OV_SYSTEM;
    if (status == OV_OK) {
        folder.device = info.st_dev;
        folder.inode = info.st_ino;
        status = read_names(&folder);
    }
    if (status != OV_OK) {
        int error = errno;
        ov_folder_close(&folder);
        errno = error;
        return status;
    }
    *ret_folder = folder;
    return OV_OK;
}

void ov_folder_close(struct ov_folder *folder) {
    ov_fd_close(&folder->fd);
    ov_buf_release(&folder->names);
    free(folder->order);
    folder->order = NULL;
}

enum ov_status ov_folder_reopen(struct ov_folder *folder, int below) {
    OV_AUTO_FD fd = openat(below, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        return OV_SYSTEM;
    }
    if (info.st_dev != folder->device || info.st_ino != folder->inode) {
        errno = ESTALE;
        return OV_SYSTEM;
    }
    folder->fd = fd;
    fd = -1;
    return OV_OK;
}

bool ov_folder_has_next(const struct ov_folder *folder) {
    return folder->at < folder->count;
}

struct ov_entry ov_folder_next(struct ov_folder *folder) {
    const uint8_t *entry = folder->names.data + folder->order[folder->at++];
    return (struct ov_entry){
        .name = (const char *)entry + TYPE_BYTES,
        .mode = (mode_t)(entry[0] | entry[1] << 8),
    };
}

bool ov_folder_is_kernels(const struct ov_folder *folder) {
    static const long kinds[] = {
        PROC_SUPER_MAGIC,   SYSFS_MAGIC,         DEBUGFS_MAGIC,    TRACEFS_MAGIC,
        CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, SECURITYFS_MAGIC, BPF_FS_MAGIC,
        DEVPTS_SUPER_MAGIC, PSTOREFS_MAGIC,      BINFMTFS_MAGIC,   EFIVARFS_MAGIC,
        NSFS_MAGIC,         SELINUX_MAGIC,
    };
    struct statfs info;
    if (fstatfs(folder->fd, &info) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if ((long)info.f_type == kinds[i]) {
            return true;
        }
    }
    return false;
}
