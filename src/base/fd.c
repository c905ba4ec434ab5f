// SPDX-License-Identifier: Apache-2.0
// Owned descriptors, whole reads and writes, read-only mappings.
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void ov_fd_close(int *fd) {
    if (*fd >= 0) {
        int error = errno; // the caller's reason, when it closes on its way out
        (void)close(*fd);
        errno = error;
    }
    *fd = -1;
}

void ov_fd_close_many(const int *fds, size_t count) {
    size_t first = 0;
    for (size_t i = 0; i < count; i++) {
        bool goes_on = i + 1 < count && fds[i + 1] == fds[i] + 1;
        if (!goes_on && syscall(SYS_close_range, fds[first], fds[i], 0) != 0) {
            for (size_t k = first; k <= i; k++) {
                (void)close(fds[k]); // an old kernel
            }
        }
        first = goes_on ? first : i + 1;
    }
}

enum ov_status ov_fd_write_all(int fd, struct ov_span bytes) {
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t count = write(fd, bytes.data + done, bytes.size - done);
        if (count < 0 && errno != EINTR) {
            return OV_SYSTEM;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return OV_OK;
}

enum ov_status ov_fd_read_full(int fd, void *buffer, size_t size, size_t *ret_size) {
    size_t done = 0;
    while (done < size) {
        ssize_t count = read(fd, (uint8_t *)buffer + done, size - done);
        if (count == 0) {
            break;
        }
        if (count < 0 && errno != EINTR) {
            return OV_SYSTEM;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    *ret_size = done;
    return OV_OK;
}

enum ov_status ov_file_map_open(const char *path, struct ov_file_map *ret_map) {
    OV_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return OV_SYSTEM;
    }
    return ov_file_map_open_fd(fd, ret_map);
}

enum ov_status ov_file_map_open_fd(int fd, struct ov_file_map *ret_map) {
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return OV_SYSTEM;
    }
    if (!S_ISREG(info.st_mode)) {
        return OV_UNSUPPORTED;
    }
    if (info.st_size == 0) {
        ret_map->bytes = ov_span_make(NULL, 0);
        return OV_OK;
    }
    void *start = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (start == MAP_FAILED) {
        return OV_SYSTEM;
    }
    ret_map->bytes = ov_span_make(start, (size_t)info.st_size);
    return OV_OK;
}

void ov_mapped_expect_little(struct ov_span mapping) {
    (void)madvise((void *)(uintptr_t)mapping.data, mapping.size, MADV_RANDOM);
}

void ov_mapped_expect_much(struct ov_span mapping) {
    (void)madvise((void *)(uintptr_t)mapping.data, mapping.size, MADV_NORMAL);
}

void ov_mapped_prefetch(struct ov_span bytes) {
    uintptr_t start = (uintptr_t)bytes.data;
    uintptr_t lead = start % (uintptr_t)getpagesize(); // advice is taken for whole pages
    if (bytes.size > 0) {
        (void)madvise((void *)(start - lead), bytes.size + lead, MADV_WILLNEED);
    }
}

void ov_mapped_populate(struct ov_span mapping) {
    (void)madvise((void *)(uintptr_t)mapping.data, mapping.size, MADV_POPULATE_READ);
}

void ov_file_map_close(struct ov_file_map *map) {
    if (map->bytes.size > 0) {
        (void)munmap((void *)(uintptr_t)map->bytes.data, map->bytes.size);
    }
    map->bytes = ov_span_make(NULL, 0);
}
