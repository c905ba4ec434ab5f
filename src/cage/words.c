// SPDX-License-Identifier: Apache-2.0
// The system calls behind the words CLIENT, SERVE, READ, MAKE and EDIT.
#include "cage/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { NET = OV_CAGE_CLIENT | OV_CAGE_SERVE, FILES = OV_CAGE_READ | OV_CAGE_MAKE };

// Calls whose arguments are left alone: they act on descriptors, or on what Landlock guards.
static const struct {
    uint32_t words; // any of them
    int call;
} free_calls[] = {
    {NET | FILES, SCMP_SYS(read)},
    {NET | OV_CAGE_MAKE, SCMP_SYS(write)},
    {NET | FILES, SCMP_SYS(fstat)},
    {NET | FILES, SCMP_SYS(newfstatat)}, // glibc's fstat
    {NET, SCMP_SYS(recvfrom)},
    {NET, SCMP_SYS(recvmsg)},
    {NET, SCMP_SYS(sendto)},
    {NET, SCMP_SYS(sendmsg)},
    {NET, SCMP_SYS(sendmmsg)}, // glibc's resolver
    {NET, SCMP_SYS(shutdown)},
    {NET, SCMP_SYS(getsockname)},
    {NET, SCMP_SYS(getpeername)},
    {NET, SCMP_SYS(getsockopt)},
    {NET, SCMP_SYS(poll)},
    {NET, SCMP_SYS(ppoll)},
    {NET, SCMP_SYS(rt_sigaction)}, // libcurl and others set SIGPIPE aside
    {NET, SCMP_SYS(clock_nanosleep)},
    {NET, SCMP_SYS(gettimeofday)}, // where the vdso has no clock
    {NET, SCMP_SYS(time)},
    {NET, SCMP_SYS(getpid)}, // libcrypto asks whether it has been forked
    {NET, SCMP_SYS(uname)},
    {OV_CAGE_CLIENT, SCMP_SYS(connect)}, // where to: Landlock
    {OV_CAGE_SERVE, SCMP_SYS(accept4)},
    {OV_CAGE_SERVE, SCMP_SYS(epoll_create1)},
    {OV_CAGE_SERVE, SCMP_SYS(epoll_ctl)},
    {OV_CAGE_SERVE, SCMP_SYS(epoll_wait)},
    {OV_CAGE_SERVE, SCMP_SYS(epoll_pwait)},
    {NET, SCMP_SYS(writev)}, // the resolver, over TCP
    {OV_CAGE_SERVE, SCMP_SYS(sendfile)},
    {OV_CAGE_SERVE, SCMP_SYS(munlock)}, // libsodium lets a key go
    {FILES, SCMP_SYS(lseek)},
    {FILES, SCMP_SYS(pread64)},
    {FILES, SCMP_SYS(getdents64)},
    {OV_CAGE_MAKE, SCMP_SYS(openat)}, // in any way: Landlock
    {OV_CAGE_MAKE, SCMP_SYS(pwrite64)},
    {OV_CAGE_EDIT, SCMP_SYS(renameat)},
    {OV_CAGE_EDIT, SCMP_SYS(renameat2)},
    {OV_CAGE_EDIT, SCMP_SYS(unlinkat)},
    {OV_CAGE_EDIT, SCMP_SYS(mkdirat)},
    {OV_CAGE_EDIT, SCMP_SYS(ftruncate)},
    {OV_CAGE_EDIT, SCMP_SYS(flock)},
    {OV_CAGE_EDIT, SCMP_SYS(fsync)},
    {OV_CAGE_EDIT, SCMP_SYS(fdatasync)},
    {OV_CAGE_EDIT, SCMP_SYS(fchmod)},
    {OV_CAGE_EDIT, SCMP_SYS(mlock)},   // of secret keys that are read again, which are not to be
    {OV_CAGE_EDIT, SCMP_SYS(munlock)}, // swapped out
};

// Calls that are allowed with these two arguments alone.
static const struct {
    uint32_t words;
    int call;
    unsigned first;          // the place of the first of the two arguments
    uint32_t mask[2];        // which of their bits are looked at
    scmp_datum_t allowed[2]; // and what these must be
} bound_calls[] = {
    {OV_CAGE_CLIENT, SCMP_SYS(socket), 0, {~0u, 15}, {AF_INET, SOCK_STREAM}},
    {OV_CAGE_CLIENT, SCMP_SYS(socket), 0, {~0u, 15}, {AF_INET, SOCK_DGRAM}},
    {OV_CAGE_CLIENT, SCMP_SYS(socket), 0, {~0u, 15}, {AF_INET6, SOCK_STREAM}},
    {OV_CAGE_CLIENT, SCMP_SYS(socket), 0, {~0u, 15}, {AF_INET6, SOCK_DGRAM}},
    {NET, SCMP_SYS(setsockopt), 1, {~0u, ~0u}, {SOL_SOCKET, SO_KEEPALIVE}},
    {NET, SCMP_SYS(setsockopt), 1, {~0u, ~0u}, {IPPROTO_TCP, TCP_NODELAY}},
    {NET, SCMP_SYS(setsockopt), 1, {~0u, ~0u}, {IPPROTO_TCP, TCP_CORK}},
    {NET, SCMP_SYS(setsockopt), 1, {~0u, ~0u}, {IPPROTO_TCP, TCP_KEEPIDLE}},
    {NET, SCMP_SYS(setsockopt), 1, {~0u, ~0u}, {IPPROTO_TCP, TCP_KEEPINTVL}},
    {OV_CAGE_CLIENT, SCMP_SYS(setsockopt), 1, {~0u, ~0u}, {IPPROTO_IP, IP_RECVERR}},
    {OV_CAGE_CLIENT, SCMP_SYS(setsockopt), 1, {~0u, ~0u}, {IPPROTO_IPV6, IPV6_RECVERR}},
    {NET, SCMP_SYS(ioctl), 1, {~0u, 0}, {FIONBIO, 0}},
    {NET, SCMP_SYS(ioctl), 1, {~0u, 0}, {FIONREAD, 0}},
    {NET | FILES, SCMP_SYS(fcntl), 1, {~0u, 0}, {F_GETFD, 0}},
    {NET | FILES, SCMP_SYS(fcntl), 1, {~0u, 0}, {F_SETFD, 0}},
    {NET | FILES, SCMP_SYS(fcntl), 1, {~0u, 0}, {F_GETFL, 0}},
    {NET | FILES, SCMP_SYS(fcntl), 1, {~0u, O_ASYNC}, {F_SETFL, 0}},
    {NET | FILES, SCMP_SYS(fcntl), 1, {~0u, 0}, {F_DUPFD_CLOEXEC, 0}},
    {FILES, SCMP_SYS(openat), 2, {O_ACCMODE | O_CREAT | O_TRUNC, 0}, {O_RDONLY, 0}},
};

// What libraries ask for on the way, and get along without: an error, not the end. Name lookups ask
// a cache behind a local socket, and for the machine's addresses.
static const struct {
    int call;
    scmp_datum_t first;
    int error;
} declined_calls[] = {
    {SCMP_SYS(socket), AF_UNIX, EAFNOSUPPORT},
    {SCMP_SYS(socket), AF_NETLINK, EAFNOSUPPORT},
    {SCMP_SYS(socketpair), AF_UNIX, EAFNOSUPPORT},
};

static const char *const word_names[OV_CAGE_WORD_COUNT] = {"talk", "write", "client", "serve",
                                                           "read", "make",  "edit"};

const char *ov_cage_word_name(unsigned bit) {
    return bit < OV_CAGE_WORD_COUNT ? word_names[bit] : "unknown";
}

static int allow_free(const struct ov_cage_list *list, uint32_t calls) {
    int error = 0;
    for (size_t i = 0; i < sizeof free_calls / sizeof free_calls[0] && error == 0; i++) {
        if ((free_calls[i].words & calls) != 0) {
            error = ov_cage_list_add(list, free_calls[i].call, 0, NULL, 0);
        }
    }
    return error;
}

static int allow_bound(const struct ov_cage_list *list, uint32_t calls) {
    int error = 0;
    for (size_t i = 0; i < sizeof bound_calls / sizeof bound_calls[0] && error == 0; i++) {
        unsigned at = bound_calls[i].first;
        const uint32_t *mask = bound_calls[i].mask;
        const scmp_datum_t *allowed = bound_calls[i].allowed;
        if ((bound_calls[i].words & calls) == 0) {
            continue;
        }
        // One that is free anyhow needs no second rule, which would be another list to look
        // through.
        if (bound_calls[i].call == SCMP_SYS(openat) && (calls & OV_CAGE_MAKE) != 0) {
            continue;
        }
        struct ov_cage_condition conditions[] = {{at, mask[0], allowed[0]},
                                                 {at + 1, mask[1], allowed[1]}};
        error = ov_cage_list_add(list, bound_calls[i].call, 0, conditions, mask[1] == 0 ? 1 : 2);
    }
    return error;
}

static int decline_some(const struct ov_cage_list *list) {
    int error = 0;
    for (size_t i = 0; i < sizeof declined_calls / sizeof declined_calls[0] && error == 0; i++) {
        struct ov_cage_condition condition = {0, ~0ull, declined_calls[i].first};
        error =
            ov_cage_list_add(list, declined_calls[i].call, declined_calls[i].error, &condition, 1);
    }
    return error;
}

int ov_cage_allow_words(const struct ov_cage_list *list, uint32_t calls) {
    int error = allow_free(list, calls);
    error = error != 0 ? error : allow_bound(list, calls);
    return error == 0 && (calls & OV_CAGE_CLIENT) != 0 ? decline_some(list) : error;
}
