// SPDX-License-Identifier: Apache-2.0
// The routes, one function each.
#include "watch/selftest_routes.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIECE = 4096, ROOM = 102400 /* a multiple of a page */, MINIMUM_ALIGNMENT = 4096 };

static uint8_t buffer[ROOM] __attribute__((aligned(MINIMUM_ALIGNMENT)));

static void finish(struct ov_selftest_try *attempt, bool is_done) {
    bool has_none = errno == ENOSYS || errno == EOPNOTSUPP || errno == EINVAL;
    attempt->error = is_done ? 0 : errno;
    attempt->outcome = is_done    ? OV_TRACE_OUTCOME_SEEN
                       : has_none ? OV_TRACE_OUTCOME_ABSENT
                                  : OV_TRACE_OUTCOME_SKIPPED;
}

static int open_file(const struct ov_selftest_try *attempt, int flags) {
    return openat(attempt->folder, attempt->file, O_RDONLY | O_CLOEXEC | flags);
}

// ---- files --------------------------------------------------------------------------------------

static void by_read(struct ov_selftest_try *attempt) {
    OV_AUTO_FD fd = open_file(attempt, 0);
    size_t got = 0;
    finish(attempt, fd >= 0 && ov_fd_read_full(fd, buffer, OV_SELFTEST_BYTES, &got) == OV_OK &&
                        got == OV_SELFTEST_BYTES);
}

static void by_pread(struct ov_selftest_try *attempt) {
    OV_AUTO_FD fd = open_file(attempt, 0);
    bool is_done = fd >= 0;
    for (int at = 0; is_done && at < OV_SELFTEST_BYTES; at += PIECE) {
        is_done = pread(fd, buffer, PIECE, at) > 0;
    }
    finish(attempt, is_done);
}

static void by_preadv2(struct ov_selftest_try *attempt) {
    OV_AUTO_FD fd = open_file(attempt, 0);
    struct iovec part = {buffer, OV_SELFTEST_BYTES};
    finish(attempt, fd >= 0 && preadv2(fd, &part, 1, 0, 0) == OV_SELFTEST_BYTES);
}

static void map_file(struct ov_selftest_try *attempt, int flags) {
    OV_AUTO_FD fd = open_file(attempt, 0);
    const volatile uint8_t *bytes =
        fd >= 0 ? mmap(NULL, OV_SELFTEST_BYTES, PROT_READ, MAP_PRIVATE | flags, fd, 0) : MAP_FAILED;
    bool is_done = bytes != MAP_FAILED;
    for (size_t at = 0; is_done && flags == 0 && at < OV_SELFTEST_BYTES; at += PIECE) {
        buffer[0] = bytes[at];
    }
    finish(attempt, is_done);
}

static void by_mmap(struct ov_selftest_try *attempt) {
    map_file(attempt, 0);
}

static void by_populated_mmap(struct ov_selftest_try *attempt) {
    map_file(attempt, MAP_POPULATE);
}

static void by_sendfile(struct ov_selftest_try *attempt) {
    OV_AUTO_FD fd = open_file(attempt, 0);
    OV_AUTO_FD sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
    finish(attempt, fd >= 0 && sink >= 0 &&
                        sendfile(sink, fd, NULL, OV_SELFTEST_BYTES) == OV_SELFTEST_BYTES);
}

static void by_splice(struct ov_selftest_try *attempt) {
    OV_AUTO_FD fd = open_file(attempt, 0);
    OV_AUTO_FD sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int ends[2] = {-1, -1};
    bool is_done = fd >= 0 && sink >= 0 && pipe2(ends, O_CLOEXEC) == 0;
    for (ssize_t left = OV_SELFTEST_BYTES; is_done && left > 0;) {
        ssize_t size = splice(fd, NULL, ends[1], NULL, (size_t)left, 0);
        is_done = size > 0 && splice(ends[0], NULL, sink, NULL, (size_t)size, 0) == size;
        left -= size;
    }
    finish(attempt, is_done);
    ov_fd_close(&ends[0]);
    ov_fd_close(&ends[1]);
}

static void by_copy_file_range(struct ov_selftest_try *attempt) {
    OV_AUTO_FD fd = open_file(attempt, 0);
    OV_AUTO_FD copy = openat(attempt->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    finish(attempt,
           fd >= 0 && copy >= 0 &&
               copy_file_range(fd, NULL, copy, NULL, OV_SELFTEST_BYTES, 0) == OV_SELFTEST_BYTES);
}

static void by_direct_io(struct ov_selftest_try *attempt) {
    OV_AUTO_FD fd = open_file(attempt, O_DIRECT);
    finish(attempt, fd >= 0 && read(fd, buffer, ROOM) == OV_SELFTEST_BYTES);
}

static void by_aio(struct ov_selftest_try *attempt) {
    OV_AUTO_FD fd = open_file(attempt, 0);
    aio_context_t context = 0;
    struct iocb request = {.aio_lio_opcode = IOCB_CMD_PREAD,
                           .aio_fildes = (uint32_t)fd,
                           .aio_buf = (uintptr_t)buffer,
                           .aio_nbytes = OV_SELFTEST_BYTES};
    struct iocb *requests[] = {&request};
    struct io_event event = {0};
    bool is_done = fd >= 0 && syscall(SYS_io_setup, 1, &context) == 0;
    is_done = is_done && syscall(SYS_io_submit, context, 1, requests) == 1 &&
              syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1 &&
              event.res == OV_SELFTEST_BYTES;
    finish(attempt, is_done);
    if (context != 0) {
        (void)syscall(SYS_io_destroy, context);
    }
}

static void by_handle(struct ov_selftest_try *attempt) {
    union {
        struct file_handle handle;
        uint8_t bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } named = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
    int mount = 0;
    size_t got = 0;
    bool is_named = name_to_handle_at(attempt->folder, attempt->file, &named.handle, &mount,
                                      AT_SYMLINK_FOLLOW) == 0;
    OV_AUTO_FD fd = is_named ? open_by_handle_at(attempt->folder, &named.handle, O_RDONLY) : -1;
    finish(attempt, fd >= 0 && ov_fd_read_full(fd, buffer, OV_SELFTEST_BYTES, &got) == OV_OK &&
                        got == OV_SELFTEST_BYTES);
}

// ---- io_uring, without its library --------------------------------------------------------------

struct uring {
    struct io_uring_params setup;
    int fd;
    uint8_t *rings;
    struct io_uring_sqe *requests;
};

static uint32_t *field(const struct uring *ring, uint32_t offset) {
    return (uint32_t *)(void *)(ring->rings + offset);
}

static bool open_uring(struct uring *ring) {
    ring->fd = (int)syscall(SYS_io_uring_setup, 1, &ring->setup);
    if (ring->fd < 0 || (ring->setup.features & IORING_FEAT_SINGLE_MMAP) == 0) {
        return false;
    }
    size_t size = ring->setup.cq_off.cqes + ring->setup.cq_entries * sizeof(struct io_uring_cqe);
    size_t least = ring->setup.sq_off.array + ring->setup.sq_entries * sizeof(uint32_t);
    ring->rings = mmap(NULL, size > least ? size : least, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQ_RING);
    ring->requests = mmap(NULL, sizeof *ring->requests, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
    return ring->rings != MAP_FAILED && ring->requests != MAP_FAILED;
}

// One request, and its result.
static int64_t ask_uring(struct uring *ring, const struct io_uring_sqe *request) {
    uint32_t *tail = field(ring, ring->setup.sq_off.tail);
    ring->requests[0] = *request;
    *field(ring, ring->setup.sq_off.array) = 0;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    if (syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0) {
        return -errno;
    }
    const struct io_uring_cqe *answers =
        (const struct io_uring_cqe *)(const void *)(ring->rings + ring->setup.cq_off.cqes);
    return answers[0].res;
}

static void by_uring(struct ov_selftest_try *attempt) {
    OV_AUTO_FD fd = open_file(attempt, 0);
    struct uring ring = {.fd = -1};
    struct io_uring_sqe request = {
        .opcode = IORING_OP_READ, .fd = fd, .addr = (uintptr_t)buffer, .len = OV_SELFTEST_BYTES};
    bool is_done = fd >= 0 && open_uring(&ring);
    if (is_done) {
        int64_t size = ask_uring(&ring, &request);
        errno = size < 0 ? (int)-size : EIO;
        is_done = size == OV_SELFTEST_BYTES;
    }
    finish(attempt, is_done);
    ov_fd_close(&ring.fd);
}

// ---- sockets ------------------------------------------------------------------------------------

static void note_cookie(struct ov_selftest_try *attempt, int fd) {
    socklen_t size = sizeof attempt->cookie;
    (void)getsockopt(fd, SOL_SOCKET, SO_COOKIE, &attempt->cookie, &size);
}

// Two ends of a connection over the loopback interface.
static bool connect_pair(int type, int ret_ends[2]) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    OV_AUTO_FD listener = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    bool is_ready = listener >= 0 && bind(listener, (struct sockaddr *)&address, size) == 0 &&
                    getsockname(listener, (struct sockaddr *)&address, &size) == 0;
    is_ready = is_ready && (type == SOCK_DGRAM || listen(listener, 1) == 0);
    ret_ends[0] = is_ready ? socket(AF_INET, type | SOCK_CLOEXEC, 0) : -1;
    is_ready = ret_ends[0] >= 0 && connect(ret_ends[0], (struct sockaddr *)&address, size) == 0;
    if (type == SOCK_DGRAM) {
        ret_ends[1] = listener;
        listener = -1;
    } else {
        ret_ends[1] = is_ready ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    }
    return is_ready && ret_ends[1] >= 0;
}

// Sends everything, and takes it at the other end so that there is room.
static bool send_all(const int ends[2], size_t piece, int flags) {
    size_t sent = 0;
    while (sent < OV_SELFTEST_BYTES) {
        size_t size = OV_SELFTEST_BYTES - sent < piece ? OV_SELFTEST_BYTES - sent : piece;
        ssize_t done = send(ends[0], buffer, size, flags | MSG_NOSIGNAL);
        if (done <= 0) {
            return false;
        }
        sent += (size_t)done;
        for (ssize_t taken = 0; taken < done;) {
            ssize_t got = recv(ends[1], buffer, sizeof buffer, 0);
            if (got <= 0) {
                return false;
            }
            taken += got;
        }
    }
    return true;
}

static void send_by(struct ov_selftest_try *attempt, int family, int type, size_t piece) {
    int ends[2] = {-1, -1};
    bool is_ready = family == AF_UNIX ? socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0
                                      : connect_pair(type, ends);
    if (is_ready) {
        note_cookie(attempt, ends[0]);
        is_ready = send_all(ends, piece, 0);
    }
    finish(attempt, is_ready);
    ov_fd_close(&ends[0]);
    ov_fd_close(&ends[1]);
}

static void by_tcp(struct ov_selftest_try *attempt) {
    send_by(attempt, AF_INET, SOCK_STREAM, 16384);
}

static void by_udp(struct ov_selftest_try *attempt) {
    send_by(attempt, AF_INET, SOCK_DGRAM, 1000);
}

static void by_unix_stream(struct ov_selftest_try *attempt) {
    send_by(attempt, AF_UNIX, SOCK_STREAM, 16384);
}

static void by_unix_datagram(struct ov_selftest_try *attempt) {
    send_by(attempt, AF_UNIX, SOCK_DGRAM, 1000);
}

static void by_uring_send(struct ov_selftest_try *attempt) {
    int ends[2] = {-1, -1};
    struct uring ring = {.fd = -1};
    bool is_done = connect_pair(SOCK_STREAM, ends) && open_uring(&ring);
    note_cookie(attempt, ends[0]);
    for (size_t sent = 0; is_done && sent < OV_SELFTEST_BYTES;) {
        struct io_uring_sqe request = {
            .opcode = IORING_OP_SEND,
            .fd = ends[0],
            .addr = (uintptr_t)buffer,
            .len = PIECE < OV_SELFTEST_BYTES - sent ? PIECE : (uint32_t)(OV_SELFTEST_BYTES - sent)};
        int64_t size = 0;
        ov_fd_close(&ring.fd); // one answer a ring: none is taken out of it
        ring = (struct uring){.fd = -1};
        is_done = open_uring(&ring) && (size = ask_uring(&ring, &request)) > 0 &&
                  recv(ends[1], buffer, (size_t)size, MSG_WAITALL) == size;
        sent += size > 0 ? (size_t)size : 0;
    }
    finish(attempt, is_done);
    ov_fd_close(&ring.fd);
    ov_fd_close(&ends[0]);
    ov_fd_close(&ends[1]);
}

const struct ov_selftest_route ov_selftest_routes[] = {
    {"read", by_read},
    {"pread", by_pread},
    {"preadv2", by_preadv2},
    {"mmap", by_mmap},
    {"mmap-populate", by_populated_mmap},
    {"sendfile", by_sendfile},
    {"splice", by_splice},
    {"copy-file-range", by_copy_file_range},
    {"direct", by_direct_io},
    {"aio", by_aio},
    {"io-uring", by_uring},
    {"open-by-handle", by_handle},
    {"send-tcp", by_tcp},
    {"send-udp", by_udp},
    {"send-unix-stream", by_unix_stream},
    {"send-unix-datagram", by_unix_datagram},
    {"send-io-uring", by_uring_send},
};
const size_t ov_selftest_route_count = sizeof ov_selftest_routes / sizeof ov_selftest_routes[0];
