// SPDX-License-Identifier: Apache-2.0
// Preloaded by tests: something in overt, at its 15th look at its workers, that should not be: a
// child (INTRUDER=child), or a socket that listens (INTRUDER=listener).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

typedef int poll_function(struct pollfd *fds, nfds_t count, int timeout);

static void intrude(const char *how) {
    if (strcmp(how, "child") == 0) {
        pid_t parent = getpid();
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            while (getppid() == parent) {
                sleep(1);
            }
            _exit(0);
        }
    } else if (strcmp(how, "listener") == 0) {
        int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        if (bind(door, (struct sockaddr *)&any, sizeof any) == 0) {
            listen(door, 1);
        }
    }
}

int poll(struct pollfd *fds, nfds_t count, int timeout) {
    static poll_function *real;
    static unsigned calls;
    const char *how = getenv("INTRUDER");
    if (real == NULL) {
        real = (poll_function *)dlsym(RTLD_NEXT, "poll");
    }
    if (timeout == 200 && how != NULL && ++calls == 15) {
        intrude(how);
    }
    return real(fds, count, timeout);
}
