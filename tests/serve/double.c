// SPDX-License-Identifier: Apache-2.0
// What a process that serves would try when it is taken over: linked into overt-serve around what
// answers for a log's folder and for a witness, it does what the path of a request asks, /act/NAME.
// Any other path is answered as ever. tests/log_serve_test.py and tests/log_witness_test.py read
// from the table here how each act must end: "killed" by the system-call filter, "refused", or
// "possible" (what the role is for).
#include "role/roles.h"
#include "serve/files.h"
#include "serve/submit.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static long call(long number, long a, long b, long c, long d) {
    return syscall(number, a, b, c, d, 0, 0);
}

static bool can_open(int folder, const char *path, int flags) {
    return call(SYS_openat, folder, (long)path, flags, 0600) >= 0;
}

// ---- its own work, so that a test that sees refusals everywhere is seen to be wrong -------------

static bool try_own_folder(void) {
    return can_open(OV_SERVE_FOLDER, ".", O_RDONLY | O_DIRECTORY);
}

// ---- paths --------------------------------------------------------------------------------------

static bool try_shadow(void) {
    return can_open(AT_FDCWD, "/etc/shadow", O_RDONLY);
}

static bool try_passwd(void) {
    return can_open(AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static bool try_proc(void) {
    return can_open(AT_FDCWD, "/proc/self/environ", O_RDONLY);
}

static bool try_beside(void) {
    return can_open(OV_SERVE_FOLDER, "../beside", O_RDONLY);
}

static bool try_far_up(void) {
    return can_open(OV_SERVE_FOLDER, "../../../../../../../../../etc/passwd", O_RDONLY);
}

static bool try_outside_write(void) {
    return can_open(OV_SERVE_FOLDER, "../made-by-double", O_WRONLY | O_CREAT);
}

static bool try_tmp_write(void) {
    return can_open(AT_FDCWD, "/tmp/made-by-double", O_WRONLY | O_CREAT);
}

static bool try_make(void) {
    return can_open(OV_SERVE_FOLDER, "made-by-double", O_WRONLY | O_CREAT);
}

static bool try_open_writable(void) {
    return can_open(OV_SERVE_FOLDER, "checkpoint", O_RDWR);
}

static bool try_unlink(void) {
    return call(SYS_unlinkat, OV_SERVE_FOLDER, (long)"checkpoint", 0, 0) == 0;
}

static bool try_rename(void) {
    return call(SYS_renameat, OV_SERVE_FOLDER, (long)"checkpoint", OV_SERVE_FOLDER, (long)"x") == 0;
}

static bool try_mkdir(void) {
    return call(SYS_mkdirat, OV_SERVE_FOLDER, (long)"made-by-double", 0700, 0) == 0;
}

static bool try_symlink(void) {
    return call(SYS_symlinkat, (long)"/etc/passwd", OV_SERVE_FOLDER, (long)"made-by-double", 0) ==
           0;
}

static bool try_chmod(void) {
    return call(SYS_fchmodat, OV_SERVE_FOLDER, (long)"checkpoint", 0777, 0) == 0;
}

static bool try_chown(void) {
    return call(SYS_fchown, OV_SERVE_FOLDER, 0, 0, 0) == 0;
}

static bool try_chroot(void) {
    return call(SYS_chroot, (long)".", 0, 0, 0) == 0;
}

// ---- network ------------------------------------------------------------------------------------

static bool try_socket(void) {
    return call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0) >= 0;
}

static bool try_socket_udp(void) {
    return call(SYS_socket, AF_INET6, SOCK_DGRAM, 0, 0) >= 0;
}

static bool try_socket_unix(void) {
    return call(SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0) >= 0;
}

static bool try_connect(void) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return call(SYS_connect, OV_SERVE_LISTENER, (long)&address, sizeof address, 0) == 0;
}

static bool try_bind(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    return call(SYS_bind, OV_SERVE_LISTENER, (long)&address, sizeof address, 0) == 0;
}

static bool try_sendto(void) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return syscall(SYS_sendto, OV_SERVE_LISTENER, "x", 1, MSG_NOSIGNAL, &address, sizeof address) ==
           1;
}

// ---- processes and memory -----------------------------------------------------------------------

static bool try_execve(void) {
    char *arguments[] = {(char *)(uintptr_t) "sh", NULL};
    return call(SYS_execve, (long)"/bin/sh", (long)arguments, 0, 0) == 0;
}

static bool try_fork(void) {
    return call(SYS_clone, SIGCHLD, 0, 0, 0) >= 0;
}

static bool try_thread(void) {
    return call(SYS_clone3, 0, 0, 0, 0) >= 0;
}

static bool try_ptrace(void) {
    return call(SYS_ptrace, PTRACE_ATTACH, 1, 0, 0) == 0;
}

static bool try_kill(void) {
    return call(SYS_kill, -1, 0, 0, 0) == 0;
}

static bool try_read_other(void) {
    char room[8];
    struct iovec here = {.iov_base = room, .iov_len = sizeof room};
    return syscall(SYS_process_vm_readv, 1, &here, 1, &here, 1, 0) > 0;
}

static bool try_map_code(void) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, flags, -1, 0) != MAP_FAILED;
}

static bool try_memfd(void) {
    return call(SYS_memfd_create, (long)"x", 0, 0, 0) >= 0;
}

static bool try_io_uring(void) {
    char room[256] = {0};
    return call(SYS_io_uring_setup, 1, (long)room, 0, 0) >= 0;
}

static bool try_unshare(void) {
    return call(SYS_unshare, CLONE_NEWUSER, 0, 0, 0) == 0;
}

static bool try_mount(void) {
    return call(SYS_mount, (long)"none", (long)"/", (long)"tmpfs", 0) == 0;
}

static bool try_setuid(void) {
    return call(SYS_setuid, 0, 0, 0, 0) == 0;
}

struct act {
    const char *name;
    const char *server;  // how it must end there
    const char *witness; // and there
    bool (*run)(void);
};

static const struct act acts[] = {
    {"own-folder", "possible", "possible", try_own_folder},
    {"shadow", "refused", "refused", try_shadow},
    {"passwd", "refused", "refused", try_passwd},
    {"proc", "refused", "refused", try_proc},
    {"beside", "refused", "refused", try_beside},
    {"far-up", "refused", "refused", try_far_up},
    {"outside-write", "killed", "refused", try_outside_write},
    {"tmp-write", "killed", "refused", try_tmp_write},
    {"make", "killed", "possible", try_make},
    {"open-writable", "killed", "refused", try_open_writable},
    {"unlink", "killed", "refused", try_unlink},
    {"rename", "killed", "refused", try_rename},
    {"mkdir", "killed", "possible", try_mkdir},
    {"symlink", "killed", "killed", try_symlink},
    {"chmod", "killed", "killed", try_chmod},
    {"chown", "killed", "killed", try_chown},
    {"chroot", "killed", "killed", try_chroot},
    {"socket", "killed", "killed", try_socket},
    {"socket-udp", "killed", "killed", try_socket_udp},
    {"socket-unix", "killed", "killed", try_socket_unix},
    {"connect", "killed", "killed", try_connect},
    {"bind", "killed", "killed", try_bind},
    {"sendto", "refused", "refused", try_sendto},
    {"execve", "killed", "killed", try_execve},
    {"fork", "killed", "killed", try_fork},
    {"thread", "killed", "killed", try_thread},
    {"ptrace", "killed", "killed", try_ptrace},
    {"kill", "killed", "killed", try_kill},
    {"read-other", "killed", "killed", try_read_other},
    {"map-code", "killed", "killed", try_map_code},
    {"memfd", "killed", "killed", try_memfd},
    {"io-uring", "killed", "killed", try_io_uring},
    {"unshare", "killed", "killed", try_unshare},
    {"mount", "killed", "killed", try_mount},
    {"setuid", "killed", "killed", try_setuid},
};

// Whether the path asks for an act, which has then been tried.
static bool try_act(const struct ov_http_request *request, struct ov_http_reply *reply) {
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        char target[64];
        (void)snprintf(target, sizeof target, "/act/%s", acts[i].name);
        if (ov_span_is_text(request->target, target)) {
            ov_http_reply_text(reply, 200, acts[i].run() ? "possible" : "refused");
            return true;
        }
    }
    return false;
}

void __real_ov_log_files_answer(void *arg, const struct ov_http_request *request,
                                struct ov_http_reply *reply);
void __wrap_ov_log_files_answer(void *arg, const struct ov_http_request *request,
                                struct ov_http_reply *reply);
void __real_ov_submit_answer(void *arg, const struct ov_http_request *request,
                             struct ov_http_reply *reply);
void __wrap_ov_submit_answer(void *arg, const struct ov_http_request *request,
                             struct ov_http_reply *reply);

void __wrap_ov_log_files_answer(void *arg, const struct ov_http_request *request,
                                struct ov_http_reply *reply) {
    if (!try_act(request, reply)) {
        __real_ov_log_files_answer(arg, request, reply);
    }
}

void __wrap_ov_submit_answer(void *arg, const struct ov_http_request *request,
                             struct ov_http_reply *reply) {
    if (!try_act(request, reply)) {
        __real_ov_submit_answer(arg, request, reply);
    }
}
