// SPDX-License-Identifier: Apache-2.0
// Routes to the content of a file. Those at the end reach none.
#include "routes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

uint8_t routes_room[ROOM_BYTES] __attribute__((aligned(4096)));

static void tell(struct attempt *attempt, int64_t bytes) {
    attempt->bytes = bytes < 0 ? -errno : bytes;
}

static int64_t read_all(int fd) {
    int64_t sum = 0;
    ssize_t got = 1;
    while (fd >= 0 && got > 0) {
        got = read(fd, routes_room, sizeof routes_room);
        sum += got > 0 ? got : 0;
    }
    return fd < 0 || got < 0 ? -1 : sum;
}

static void read_fd(struct attempt *attempt, int fd) {
    tell(attempt, read_all(fd));
    (void)close(fd);
}

static void by_read(struct attempt *attempt) {
    read_fd(attempt, open(attempt->path, O_RDONLY));
}

static void by_preadv2(struct attempt *attempt) {
    int fd = open(attempt->path, O_RDONLY);
    struct iovec part = {routes_room, ROUTE_BYTES};
    tell(attempt, preadv2(fd, &part, 1, 0, RWF_NOWAIT));
    (void)close(fd);
}

// ---- mapped -------------------------------------------------------------------------------------

static volatile uint8_t *map_file(struct attempt *attempt, int flags) {
    int fd = open(attempt->path, O_RDONLY);
    volatile uint8_t *bytes = mmap(NULL, ROUTE_BYTES, PROT_READ, MAP_PRIVATE | flags, fd, 0);
    (void)close(fd);
    tell(attempt, bytes != MAP_FAILED ? ROUTE_BYTES : -1);
    return bytes;
}

static void by_mmap(struct attempt *attempt) {
    volatile uint8_t *bytes = map_file(attempt, 0);
    for (size_t at = 0; attempt->bytes > 0 && at < ROUTE_BYTES; at += 4096) {
        routes_room[0] = bytes[at];
    }
}

static void by_mmap_populate(struct attempt *attempt) {
    (void)map_file(attempt, MAP_POPULATE);
}

static void by_madvise_populate(struct attempt *attempt) {
    volatile uint8_t *bytes = map_file(attempt, 0);
    if (attempt->bytes > 0 && madvise((void *)bytes, ROUTE_BYTES, MADV_POPULATE_READ) != 0) {
        tell(attempt, -1);
    }
}

static void by_mmap_one_page(struct attempt *attempt) {
    volatile uint8_t *bytes = map_file(attempt, 0);
    if (attempt->bytes > 0) {
        routes_room[0] = bytes[5 * 4096];
        attempt->bytes = 4096;
    }
}

// ---- io_uring and its elder
// -----------------------------------------------------------------------

static void ask_ring(struct attempt *attempt, uint32_t setup, uint8_t flags) {
    struct uring ring;
    int fd = open(attempt->path, O_RDONLY);
    struct io_uring_sqe request = {.opcode = IORING_OP_READ,
                                   .flags = flags,
                                   .fd = fd,
                                   .addr = (uintptr_t)routes_room,
                                   .len = ROUTE_BYTES};
    bool is_open = uring_open(&ring, setup);
    tell(attempt, is_open ? 0 : -1);
    attempt->bytes = is_open ? uring_ask(&ring, &request) : attempt->bytes;
    (void)close(ring.fd);
    (void)close(fd);
}

static void by_uring(struct attempt *attempt) {
    ask_ring(attempt, 0, 0);
}

static void by_uring_worker(struct attempt *attempt) {
    ask_ring(attempt, 0, IOSQE_ASYNC);
}

static void by_uring_poll(struct attempt *attempt) {
    ask_ring(attempt, IORING_SETUP_SQPOLL, 0);
}

// Neither a descriptor nor a buffer stands in the request; the descriptor is closed before.
static void by_uring_registered(struct attempt *attempt) {
    struct uring ring;
    int fd = open(attempt->path, O_RDONLY);
    struct iovec room = {routes_room, sizeof routes_room};
    struct io_uring_sqe request = {.opcode = IORING_OP_READ_FIXED,
                                   .flags = IOSQE_FIXED_FILE,
                                   .addr = (uintptr_t)routes_room,
                                   .len = ROUTE_BYTES};
    bool is_open = uring_open(&ring, 0) &&
                   syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &fd, 1) == 0 &&
                   syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &room, 1) == 0;
    tell(attempt, is_open ? 0 : -1);
    (void)close(fd);
    attempt->bytes = is_open ? uring_ask(&ring, &request) : attempt->bytes;
    (void)close(ring.fd);
}

static void by_aio(struct attempt *attempt) {
    int fd = open(attempt->path, O_RDONLY);
    aio_context_t context = 0;
    struct iocb request = {.aio_lio_opcode = IOCB_CMD_PREAD,
                           .aio_fildes = (uint32_t)fd,
                           .aio_buf = (uintptr_t)routes_room,
                           .aio_nbytes = ROUTE_BYTES};
    struct iocb *requests[] = {&request};
    struct io_event event = {0};
    bool is_done = syscall(SYS_io_setup, 1, &context) == 0 &&
                   syscall(SYS_io_submit, context, 1, requests) == 1 &&
                   syscall(SYS_io_getevents, context, 1, 1, &event, NULL) == 1;
    tell(attempt, is_done ? event.res : -1);
    (void)syscall(SYS_io_destroy, context);
    (void)close(fd);
}

static void by_direct(struct attempt *attempt) {
    int fd = open(attempt->path, O_RDONLY | O_DIRECT);
    tell(attempt, fd >= 0 ? read(fd, routes_room, sizeof routes_room) : -1);
    (void)close(fd);
}

// ---- within the kernel --------------------------------------------------------------------------

static void by_splice(struct attempt *attempt) {
    int fd = open(attempt->path, O_RDONLY);
    int sink = open("/dev/null", O_WRONLY);
    int ends[2] = {-1, -1};
    ssize_t got = pipe(ends) == 0 ? 1 : -1;
    int64_t sum = 0;
    while (got > 0) {
        got = splice(fd, NULL, ends[1], NULL, ROUTE_BYTES, 0);
        sum += got > 0 ? splice(ends[0], NULL, sink, NULL, (size_t)got, 0) : 0;
    }
    tell(attempt, got == 0 ? sum : -1);
    const int fds[] = {fd, sink, ends[0], ends[1]};
    for (size_t i = 0; i < 4; i++) {
        (void)close(fds[i]);
    }
}

static void by_sendfile(struct attempt *attempt) {
    int fd = open(attempt->path, O_RDONLY);
    int sink = open("/dev/null", O_WRONLY);
    tell(attempt, sendfile(sink, fd, NULL, ROUTE_BYTES));
    (void)close(fd);
    (void)close(sink);
}

static void by_copy_file_range(struct attempt *attempt) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%.4000s.copy", attempt->path);
    int fd = open(attempt->path, O_RDONLY);
    int copy = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    tell(attempt, copy_file_range(fd, NULL, copy, NULL, ROUTE_BYTES, 0));
    (void)close(fd);
    (void)close(copy);
}

// ---- descriptors from elsewhere -----------------------------------------------------------------

static void by_handle(struct attempt *attempt) {
    union {
        struct file_handle handle;
        uint8_t bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } named = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
    int mount = 0;
    int folder = open(".", O_RDONLY | O_DIRECTORY);
    int named_status = name_to_handle_at(AT_FDCWD, attempt->path, &named.handle, &mount, 0);
    read_fd(attempt, named_status == 0 ? open_by_handle_at(folder, &named.handle, O_RDONLY) : -1);
    (void)close(folder);
}

// A child that opens the file, and waits until its end of the socket is closed.
static pid_t start_opener(const char *path, int *ret_end) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        int fd = open(path, O_RDONLY);
        char control[CMSG_SPACE(sizeof fd)] = {0};
        struct iovec part = {&fd, sizeof fd};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control};
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        *head = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(head), &fd, sizeof fd);
        (void)sendmsg(ends[1], &message, 0);
        (void)!read(ends[1], routes_room, 1);
        _exit(0);
    }
    (void)close(ends[1]);
    *ret_end = ends[0];
    return pid;
}

// What the child says: the number of its descriptor, with a copy of it.
static int take_fd(int end, int *ret_number) {
    int fd = -1;
    char control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec part = {ret_number, sizeof *ret_number};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t got = recvmsg(end, &message, 0);
    struct cmsghdr *head = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head != NULL) {
        memcpy(&fd, CMSG_DATA(head), sizeof fd);
    }
    return fd;
}

enum way { BY_RIGHTS, BY_PIDFD, BY_PROC };

static void read_passed(struct attempt *attempt, enum way way) {
    char path[64];
    int end = -1;
    int number = -1;
    pid_t pid = start_opener(attempt->path, &end);
    int fd = take_fd(end, &number);
    if (way != BY_RIGHTS) {
        (void)close(fd);
        (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, number);
        int process = (int)syscall(SYS_pidfd_open, pid, 0);
        fd = way == BY_PROC ? open(path, O_RDONLY)
                            : (int)syscall(SYS_pidfd_getfd, process, number, 0);
        (void)close(process);
    }
    read_fd(attempt, fd);
    (void)close(end);
    (void)waitpid(pid, NULL, 0);
}

static void by_rights(struct attempt *attempt) {
    read_passed(attempt, BY_RIGHTS);
}

static void by_pidfd(struct attempt *attempt) {
    read_passed(attempt, BY_PIDFD);
}

static void by_proc_fd(struct attempt *attempt) {
    read_passed(attempt, BY_PROC);
}

// ---- through others -----------------------------------------------------------------------------

// Read through another file system: in a namespace of mounts of its own.
static void by_overlay(struct attempt *attempt) {
    char options[4096];
    const char *name = strrchr(attempt->path, '/') + 1;
    pid_t pid = fork();
    attempt->reader = pid;
    if (pid == 0) {
        bool is_ready =
            unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
            mkdir("up", 0700) == 0 && mkdir("work", 0700) == 0 && mkdir("over", 0700) == 0;
        (void)snprintf(options, sizeof options, "lowerdir=%.*s,upperdir=up,workdir=work",
                       (int)(name - 1 - attempt->path), attempt->path);
        is_ready =
            is_ready && mount("none", "over", "overlay", 0, options) == 0 && chdir("over") == 0;
        int64_t bytes = is_ready ? read_all(open(name, O_RDONLY)) : -1;
        _exit(bytes == ROUTE_BYTES ? 0 : errno);
    }
    int status = 0;
    (void)waitpid(pid, &status, 0);
    attempt->bytes = status == 0 ? ROUTE_BYTES : -(status >> 8);
}

// Two forks away, by a program that is not ours.
static void by_double_fork(struct attempt *attempt) {
    int ends[2];
    if (pipe(ends) != 0) {
        tell(attempt, -1);
        return;
    }
    pid_t pid = fork();
    if (pid == 0 && fork() == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        (void)execlp("cat", "cat", attempt->path, (char *)NULL);
        _exit(1);
    }
    if (pid == 0) {
        _exit(0);
    }
    (void)close(ends[1]);
    (void)waitpid(pid, NULL, 0);
    read_fd(attempt, ends[0]);
    attempt->reader = -1; // whoever it was
}

// The kernel reads its first bytes, the shell reads all.
static void by_script(struct attempt *attempt) {
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl(attempt->path, attempt->path, (char *)NULL);
        _exit(1);
    }
    int status = -1;
    (void)waitpid(pid, &status, 0);
    attempt->reader = pid;
    attempt->bytes = status == 0 ? ROUTE_BYTES : -ENOEXEC;
}

// The kernel's own worker reads the file; `help` attached it.
static void by_loop(struct attempt *attempt) {
    const char *device = getenv("ROUTES_LOOP");
    attempt->reader = -1;
    read_fd(attempt, device != NULL ? open(device, O_RDONLY) : -1);
}

// A process that is not watched reads it, since we ask it to.
static void by_helper(struct attempt *attempt) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", attempt->help);
    bool is_done = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                   send(fd, attempt->path, strlen(attempt->path), 0) > 0 &&
                   shutdown(fd, SHUT_WR) == 0;
    attempt->reader = -1;
    tell(attempt, is_done ? read_all(fd) : -1);
    (void)close(fd);
}

// ---- no content ---------------------------------------------------------------------------------

static void by_stat(struct attempt *attempt) {
    struct stat info;
    tell(attempt, stat(attempt->path, &info) == 0 ? 0 : -1);
}

static void by_link(struct attempt *attempt) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%.4000s.link", attempt->path);
    tell(attempt, link(attempt->path, path) == 0 ? 0 : -1);
}

static void by_readahead(struct attempt *attempt) {
    int fd = open(attempt->path, O_RDONLY);
    tell(attempt, readahead(fd, 0, ROUTE_BYTES) == 0 ? 0 : -1);
    (void)close(fd);
}

const struct route read_routes[] = {
    {"read", by_read},
    {"preadv2-nowait", by_preadv2},
    {"mmap", by_mmap},
    {"mmap-populate", by_mmap_populate},
    {"madvise-populate", by_madvise_populate},
    {"mmap-one-page", by_mmap_one_page},
    {"io-uring", by_uring},
    {"io-uring-worker", by_uring_worker},
    {"io-uring-sqpoll", by_uring_poll},
    {"io-uring-registered", by_uring_registered},
    {"splice", by_splice},
    {"sendfile", by_sendfile},
    {"copy-file-range", by_copy_file_range},
    {"open-by-handle", by_handle},
    {"scm-rights", by_rights},
    {"pidfd-getfd", by_pidfd},
    {"proc-fd", by_proc_fd},
    {"direct", by_direct},
    {"aio", by_aio},
    {"overlay", by_overlay},
    {"double-fork", by_double_fork},
    {"script", by_script},
    {"loop", by_loop},
    {"helper", by_helper},
    {"stat", by_stat},
    {"link", by_link},
    {"readahead", by_readahead},
    {NULL, NULL},
};
