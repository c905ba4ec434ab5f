// SPDX-License-Identifier: Apache-2.0
// One function for each thing that a caged process must not be able to do.
#include "double.h"

#include "role/roles.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

enum { FIRST_PASSED = OV_WORKER_DESCRIPTORS }; // where the descriptor of a large file arrives

static long call(long number, long a, long b, long c, long d) {
    return syscall(number, a, b, c, d, 0, 0);
}

static bool do_open(void) {
    return call(SYS_open, (long)"/etc/passwd", O_RDONLY, 0, 0) >= 0;
}

static bool do_openat(void) {
    return call(SYS_openat, AT_FDCWD, (long)"/etc/passwd", O_RDONLY, 0) >= 0;
}

static bool do_stat(void) {
    char room[512];
    return call(SYS_newfstatat, AT_FDCWD, (long)"/etc/passwd", (long)room, 0) == 0;
}

static bool do_socket(void) {
    return call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0) >= 0;
}

static bool do_connect(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = 80 << 8};
    return call(SYS_connect, OV_WORKER_CHANNEL, (long)&address, sizeof address, 0) == 0;
}

static bool do_sendto(void) {
    return call(SYS_sendto, OV_WORKER_CHANNEL, (long)"x", 1, 0) >= 0;
}

static bool do_execve(void) {
    char *arguments[] = {(char *)(uintptr_t) "sh", NULL};
    return call(SYS_execve, (long)"/bin/sh", (long)arguments, 0, 0) == 0;
}

static bool do_ptrace(void) {
    return call(SYS_ptrace, PTRACE_ATTACH, 1, 0, 0) == 0;
}

static bool do_kill(void) {
    return call(SYS_kill, -1, 0, 0, 0) == 0;
}

static bool do_write_job(void) {
    return call(SYS_write, FIRST_PASSED, (long)"x", 1, 0) == 1;
}

static bool do_pwrite_job(void) {
    return call(SYS_pwrite64, FIRST_PASSED, (long)"x", 1, 0) == 1;
}

static bool do_ftruncate_job(void) {
    return call(SYS_ftruncate, FIRST_PASSED, 0, 0, 0) == 0;
}

static bool do_ftruncate_ring(void) {
    return call(SYS_ftruncate, OV_WORKER_RING, 0, 0, 0) == 0;
}

static bool do_pwrite_ring(void) {
    return call(SYS_pwrite64, OV_WORKER_RING, (long)"x", 1, 0) == 1;
}

static bool do_write_image(void) {
    return call(SYS_write, OV_WORKER_IMAGE, (long)"x", 1, 0) == 1;
}

static bool do_write_stdout(void) {
    return call(SYS_write, 1, (long)"x", 1, 0) == 1;
}

// A caged process dies of these at once.
static bool do_map_ring_writable(void) {
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, OV_WORKER_RING, 0);
    return at != MAP_FAILED;
}

// Here the refusal is the kernel's: the ring is open for reading alone, and sealed.
static bool do_protect_ring_writable(void) {
    void *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, OV_WORKER_RING, 0);
    return at != MAP_FAILED && mprotect(at, 4096, PROT_READ | PROT_WRITE) == 0;
}

static bool do_protect_job_writable(void) {
    void *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, FIRST_PASSED, 0);
    return at != MAP_FAILED && mprotect(at, 4096, PROT_READ | PROT_WRITE) == 0;
}

static bool do_map_executable(void) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, flags, -1, 0) != MAP_FAILED;
}

static bool do_protect_executable(void) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
    return at != MAP_FAILED && mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool do_io_uring(void) {
    char room[256] = {0};
    return call(SYS_io_uring_setup, 1, (long)room, 0, 0) >= 0;
}

static bool do_memfd(void) {
    return call(SYS_memfd_create, (long)"x", 0, 0, 0) >= 0;
}

static bool do_bpf(void) {
    union bpf_attr attributes = {0};
    return call(SYS_bpf, BPF_PROG_LOAD, (long)&attributes, sizeof attributes, 0) >= 0;
}

static bool do_unshare(void) {
    return call(SYS_unshare, CLONE_NEWUSER, 0, 0, 0) == 0;
}

static bool do_mount(void) {
    return syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL) == 0;
}

static bool do_process_vm_readv(void) {
    char byte;
    struct iovec here = {&byte, 1};
    struct iovec there = {&byte, 1};
    return syscall(SYS_process_vm_readv, getppid(), &here, 1, &there, 1, 0) == 1;
}

static bool do_fork(void) {
    return call(SYS_clone, SIGCHLD, 0, 0, 0) >= 0;
}

static bool do_clone3(void) {
    char room[88] = {0};
    return call(SYS_clone3, (long)room, sizeof room, 0, 0) >= 0;
}

static bool do_pidfd_open(void) {
    return call(SYS_pidfd_open, 1, 0, 0, 0) >= 0;
}

static bool do_prctl(void) {
    return call(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0) == 0;
}

static bool do_setrlimit(void) {
    struct rlimit limit = {1, 1};
    return call(SYS_setrlimit, RLIMIT_NPROC, (long)&limit, 0, 0) == 0;
}

static bool do_ioctl(void) {
    int size;
    return call(SYS_ioctl, OV_WORKER_IMAGE, FIONREAD, (long)&size, 0) == 0;
}

static bool do_recv_other(void) {
    struct msghdr header = {0};
    return call(SYS_recvmsg, OV_WORKER_IMAGE, (long)&header, 0, 0) >= 0;
}

static long send_on_channel(const void *data, size_t size, int flags, void *control,
                            size_t control_size) {
    struct iovec part = {(void *)(uintptr_t)data, size};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    header.msg_control = control;
    header.msg_controllen = control_size;
    return call(SYS_sendmsg, OV_WORKER_CHANNEL, (long)&header, flags, 0);
}

static bool do_send_flags(void) {
    return send_on_channel("x", 1, MSG_NOSIGNAL | MSG_OOB, NULL, 0) >= 0;
}

// The next acts do reach the broker: it must answer by ending us. Sending is allowed, so these
// never say that they failed; the verdict that follows comes too late.
static bool do_send_large(void) {
    static char message[100000];
    (void)send_on_channel(message, sizeof message, MSG_NOSIGNAL, NULL, 0);
    return false;
}

static bool do_send_garbage(void) {
    (void)send_on_channel("garbage!", 8, MSG_NOSIGNAL, NULL, 0);
    return false;
}

static bool do_send_descriptor(void) {
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    int image = OV_WORKER_IMAGE;
    control.align.cmsg_level = SOL_SOCKET;
    control.align.cmsg_type = SCM_RIGHTS;
    control.align.cmsg_len = CMSG_LEN(sizeof image);
    memcpy(CMSG_DATA(&control.align), &image, sizeof image);
    (void)send_on_channel("x", 1, MSG_NOSIGNAL, &control, sizeof control.bytes);
    return false;
}

static bool do_memory(void) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    return mmap(NULL, (size_t)64 << 30, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED;
}

static const struct {
    const char *name;
    bool (*run)(void);
} acts[] = {
    {"open", do_open},
    {"openat", do_openat},
    {"stat", do_stat},
    {"socket", do_socket},
    {"connect", do_connect},
    {"sendto", do_sendto},
    {"execve", do_execve},
    {"ptrace", do_ptrace},
    {"kill", do_kill},
    {"write-job", do_write_job},
    {"pwrite-job", do_pwrite_job},
    {"ftruncate-job", do_ftruncate_job},
    {"ftruncate-ring", do_ftruncate_ring},
    {"pwrite-ring", do_pwrite_ring},
    {"write-image", do_write_image},
    {"write-stdout", do_write_stdout},
    {"map-ring-writable", do_map_ring_writable},
    {"protect-ring-writable", do_protect_ring_writable},
    {"protect-job-writable", do_protect_job_writable},
    {"map-executable", do_map_executable},
    {"protect-executable", do_protect_executable},
    {"io_uring", do_io_uring},
    {"memfd", do_memfd},
    {"bpf", do_bpf},
    {"unshare", do_unshare},
    {"mount", do_mount},
    {"process_vm_readv", do_process_vm_readv},
    {"fork", do_fork},
    {"clone3", do_clone3},
    {"pidfd_open", do_pidfd_open},
    {"prctl", do_prctl},
    {"setrlimit", do_setrlimit},
    {"ioctl", do_ioctl},
    {"recv-other", do_recv_other},
    {"send-flags", do_send_flags},
    {"send-large", do_send_large},
    {"send-garbage", do_send_garbage},
    {"send-descriptor", do_send_descriptor},
    {"memory", do_memory},
};

bool try_act(const char *name, struct ov_span bytes) {
    (void)bytes;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        if (strcmp(acts[i].name, name) == 0) {
            return acts[i].run();
        }
    }
    return false;
}
