// SPDX-License-Identifier: Apache-2.0
// Every way to reach a file's content and to send, for tests of `overt watch`: each route is a
// function that uses its own file or socket and tells how many bytes it moved.
#pragma once

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ROUTE_BYTES = 100000, SEND_BYTES = 50000, ROOM_BYTES = 102400 };

extern uint8_t routes_room[ROOM_BYTES]; // a page's alignment

struct attempt {
    const char *path; // of the file that is read
    const char *help; // the socket of a helper that is not watched
    const char *note; // why it could not be tried
    uint64_t cookie;  // of the socket that sent
    int64_t bytes;    // that were reached or sent; below 0: errno
    pid_t reader;     // 0: this process
};

struct route {
    const char *name;
    void (*run)(struct attempt *attempt);
};

extern const struct route read_routes[], send_routes[];

// io_uring, without its library: one request at a time.
struct uring {
    struct io_uring_params setup;
    int fd;
    uint8_t *rings;
    struct io_uring_sqe *requests;
};

bool uring_open(struct uring *ring, uint32_t flags);
int64_t uring_ask(struct uring *ring, const struct io_uring_sqe *request);
