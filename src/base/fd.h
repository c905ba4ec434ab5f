// SPDX-License-Identifier: Apache-2.0
//
// Owned file descriptors, whole reads and writes, and read-only mappings of files.
#pragma once

#include "base/span.h"
#include "base/status.h"

// Closes *fd when it is not negative and sets it to -1. For OV_CLEANUP.
void ov_fd_close(int *fd);

// A descriptor that is closed at the end of its scope.
#define OV_AUTO_FD OV_CLEANUP(ov_fd_close) int

// Closes all of these. Neighbours in number go in one call to the system.
void ov_fd_close_many(const int *fds, size_t count);

// Writes all bytes; OV_SYSTEM (errno) when the descriptor refuses. Restarts after signals.
enum ov_status ov_fd_write_all(int fd, struct ov_span bytes);

// Reads until `size` bytes or the end of file; the count goes to *ret_size.
enum ov_status ov_fd_read_full(int fd, void *buffer, size_t size, size_t *ret_size);

// A whole regular file mapped read-only. Release unmaps.
struct ov_file_map {
    struct ov_span bytes;
};

// Maps the file at `path`, or the open descriptor; empty files give an empty span. OV_SYSTEM with
// errno, OV_UNSUPPORTED when it is no regular file.
enum ov_status ov_file_map_open(const char *path, struct ov_file_map *ret_map);
enum ov_status ov_file_map_open_fd(int fd, struct ov_file_map *ret_map);
void ov_file_map_close(struct ov_file_map *map);

// What will be read of a whole mapping. Little, here and there: the kernel is to read a missing
// page alone, not the megabytes around it. Much: it is to read as it sees fit.
void ov_mapped_expect_little(struct ov_span mapping);
void ov_mapped_expect_much(struct ov_span mapping);

// Mapped bytes are all going to be read: the kernel begins with it, and we do not wait. These
// four calls change nothing but speed.
void ov_mapped_prefetch(struct ov_span bytes);

// A whole mapping is going to be read at once: its pages are put in their places in one call, not
// in a fault for every sixteen.
void ov_mapped_populate(struct ov_span mapping);
