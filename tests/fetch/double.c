// SPDX-License-Identifier: Apache-2.0
// A fetcher that was taken over: caged like the real one (it is the real one's main function), it
// tries what the path of the first item names. It answers GOT when that was possible, MISSING when
// it was refused. The body of a second item, a POST, is a path outside that it tries to reach.
#include "fetch/fetcher.h"

#include "role/roles.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const struct ov_fetcher_setup *job;
static char outside[4096]; // a path that is not the fetcher's

static bool is_good(long result) {
    return result >= 0;
}

// ---- acts: true when it was possible ----------------------------------------------------------

static bool open_at(int folder, const char *path, int flags) {
    return is_good(syscall(SYS_openat, folder, path, flags, 0600));
}

static bool do_read_shadow(void) {
    return open_at(AT_FDCWD, "/etc/shadow", O_RDONLY);
}

static bool do_read_passwd(void) {
    return open_at(AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static bool do_read_outside(void) {
    return open_at(AT_FDCWD, outside, O_RDONLY);
}

static bool do_write_outside(void) {
    return open_at(AT_FDCWD, outside, O_WRONLY | O_TRUNC) || open_at(AT_FDCWD, outside, O_RDWR);
}

// The folder that it was given, and up from there.
static bool do_climb(void) {
    char path[4200] = "";
    for (size_t up = 1; up < 20; up++) {
        memcpy(path + 3 * (up - 1), "../", 4);
        (void)snprintf(path + 3 * up, sizeof path - 3 * up, "%s", outside + 1);
        if (open_at(OV_FETCHER_FOLDER, path, O_RDONLY)) {
            return true;
        }
    }
    return false;
}

static bool do_make_beside(void) {
    return open_at(OV_FETCHER_FOLDER, "../made-beside", O_WRONLY | O_CREAT);
}

static bool do_write_hosts(void) {
    return open_at(AT_FDCWD, "/etc/hosts", O_WRONLY);
}

static bool do_read_memory(void) {
    return open_at(AT_FDCWD, "/proc/self/mem", O_RDWR) || open_at(AT_FDCWD, "/proc/1/mem", O_RDWR);
}

static bool do_list_root(void) {
    char names[4096];
    int root = (int)syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY);
    return is_good(root) && syscall(SYS_getdents64, root, names, sizeof names) > 0;
}

static bool do_symlink(void) {
    return is_good(syscall(SYS_symlinkat, "/etc/passwd", OV_FETCHER_FOLDER, "0"));
}

static bool do_link(void) {
    return is_good(syscall(SYS_linkat, AT_FDCWD, "/etc/hosts", OV_FETCHER_FOLDER, "0", 0));
}

static bool do_mkfifo(void) {
    return is_good(syscall(SYS_mknodat, OV_FETCHER_FOLDER, "0", 010600, 0));
}

static bool do_mkdir(void) {
    return is_good(syscall(SYS_mkdirat, OV_FETCHER_FOLDER, "0", 0700));
}

static bool do_rename(void) {
    return is_good(syscall(SYS_renameat, OV_FETCHER_FOLDER, "0", OV_FETCHER_FOLDER, "1"));
}

static bool do_unlink(void) {
    return is_good(syscall(SYS_unlinkat, AT_FDCWD, outside, 0));
}

static bool do_chmod(void) {
    return is_good(syscall(SYS_fchmodat, AT_FDCWD, outside, 0777));
}

static bool do_execve(void) {
    char *arguments[] = {NULL};
    return is_good(syscall(SYS_execve, "/bin/sh", arguments, arguments));
}

static bool do_fork(void) {
    return is_good(syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L));
}

static bool do_thread(void) {
    return is_good(syscall(SYS_clone, 0x10f00L, 0L, 0L, 0L, 0L));
}

static bool do_ptrace(void) {
    return is_good(syscall(SYS_ptrace, 16L, (long)getppid(), 0L, 0L));
}

static bool do_kill_parent(void) {
    return is_good(syscall(SYS_kill, (long)getppid(), (long)SIGKILL));
}

static bool do_kill_all(void) {
    return is_good(syscall(SYS_kill, -1L, (long)SIGKILL));
}

static bool do_vm_read(void) {
    char byte;
    struct iovec here = {.iov_base = &byte, .iov_len = 1};
    return is_good(syscall(SYS_process_vm_readv, (long)getppid(), &here, 1L, &here, 1L, 0L));
}

static bool do_mount(void) {
    return is_good(syscall(SYS_mount, "none", "/", "tmpfs", 0L, NULL));
}

static bool do_unshare(void) {
    return is_good(syscall(SYS_unshare, 0x10000000L));
}

static bool do_map_code(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
}

static bool do_io_uring(void) {
    return is_good(syscall(425, 1L, NULL));
}

static bool do_local_socket(void) {
    return is_good(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
}

static bool do_raw_socket(void) {
    return is_good(syscall(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static bool do_packet_socket(void) {
    return is_good(syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0));
}

static bool do_bind(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return is_good(syscall(SYS_bind, fd, &address, sizeof address));
}

static bool connect_to(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return is_good(connect(fd, (struct sockaddr *)&address, sizeof address));
}

// The port in the path of what is outside: a server listens there that the job does not name.
static bool do_connect_other(void) {
    return connect_to((uint16_t)strtoul(outside, NULL, 10));
}

static bool do_memory(void) {
    return mmap(NULL, 2ul << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
}

static bool do_large_file(void) {
    static char bytes[1 << 20];
    int fd = openat(OV_FETCHER_FOLDER, "large", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return is_good(fd) && write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes;
}

static bool do_send_descriptor(void) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
                            .cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS}};
    int fd = OV_FETCHER_FOLDER;
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    char bytes[OV_FETCH_ANSWER_BYTES] = "OVUA";
    struct iovec part = {.iov_base = bytes, .iov_len = sizeof bytes};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    (void)!sendmsg(OV_FETCHER_CHANNEL, &message, MSG_NOSIGNAL);
    return false;
}

static bool do_say_garbage(void) {
    (void)!write(OV_FETCHER_CHANNEL, "garbage", 7);
    return false;
}

static bool do_say_long(void) {
    static char bytes[10000] = "OVUA";
    (void)!write(OV_FETCHER_CHANNEL, bytes, sizeof bytes);
    return false;
}

static void tell(uint32_t number, enum ov_fetch_end end, uint32_t status, uint64_t size) {
    struct ov_fetch_answer answer = {
        .number = number, .end = end, .http_status = status, .size_bytes = size};
    job->on_answer(job->arg, &answer);
}

static bool do_say_twice(void) {
    tell(0, OV_FETCH_GOT, 200, 0);
    return true;
}

static bool do_say_larger(void) {
    tell(0, OV_FETCH_GOT, 200, 1u << 30);
    return true;
}

static bool do_hang(void) {
    while (poll(NULL, 0, 1000) == 0) {
    }
    return false;
}

static bool do_crash(void) {
    abort();
}

static bool do_leave(void) {
    _exit(0);
}

// Possible, and meant to be.
static bool do_make_many(void) {
    char name[16];
    bool is_done = true;
    for (int i = 100; i < 150; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        int fd = openat(OV_FETCHER_FOLDER, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        is_done = is_done && is_good(fd) && close(fd) == 0;
    }
    return is_done;
}

static const struct {
    const char *name;
    bool (*run)(void);
} acts[] = {
    {"read-shadow", do_read_shadow},
    {"read-passwd", do_read_passwd},
    {"read-outside", do_read_outside},
    {"write-outside", do_write_outside},
    {"climb", do_climb},
    {"make-beside", do_make_beside},
    {"write-hosts", do_write_hosts},
    {"read-memory", do_read_memory},
    {"list-root", do_list_root},
    {"symlink", do_symlink},
    {"link", do_link},
    {"mkfifo", do_mkfifo},
    {"mkdir", do_mkdir},
    {"rename", do_rename},
    {"unlink", do_unlink},
    {"chmod", do_chmod},
    {"execve", do_execve},
    {"fork", do_fork},
    {"thread", do_thread},
    {"ptrace", do_ptrace},
    {"kill-parent", do_kill_parent},
    {"kill-all", do_kill_all},
    {"vm-read", do_vm_read},
    {"mount", do_mount},
    {"unshare", do_unshare},
    {"map-code", do_map_code},
    {"io-uring", do_io_uring},
    {"local-socket", do_local_socket},
    {"raw-socket", do_raw_socket},
    {"packet-socket", do_packet_socket},
    {"bind", do_bind},
    {"connect-other", do_connect_other},
    {"memory", do_memory},
    {"large-file", do_large_file},
    {"send-descriptor", do_send_descriptor},
    {"say-garbage", do_say_garbage},
    {"say-long", do_say_long},
    {"say-twice", do_say_twice},
    {"say-larger", do_say_larger},
    {"hang", do_hang},
    {"crash", do_crash},
    {"leave", do_leave},
    {"make-many", do_make_many},
};

// ---- in place of the room fetch ---------------------------------------------------------------

enum ov_status ov_fetcher_prepare(void) {
    return OV_OK;
}

size_t ov_fetcher_ports(const struct ov_fetcher_setup *setup, uint16_t *ret_ports, size_t room) {
    struct ov_fetch_url url;
    (void)room;
    ret_ports[0] = ov_fetch_url_parse(setup->job->base, &url) == OV_OK ? url.port : 0;
    return 1;
}

bool ov_fetcher_needs_trust(const struct ov_fetcher_setup *setup) {
    (void)setup;
    return false;
}

enum ov_status ov_fetcher_run(const struct ov_fetcher_setup *setup) {
    struct ov_span path = setup->items[1].body;
    job = setup;
    memcpy(outside, path.data, path.size < sizeof outside ? path.size : 0);
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        if (ov_span_is_text(setup->items[0].name, acts[i].name)) {
            bool is_possible = acts[i].run();
            tell(0, is_possible ? OV_FETCH_GOT : OV_FETCH_MISSING, is_possible ? 200 : 404, 0);
            tell(1, OV_FETCH_UNTRIED, 0, 0);
            return OV_OK;
        }
    }
    return OV_INVALID;
}
