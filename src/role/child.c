// SPDX-License-Identifier: Apache-2.0
// Starts and ends caged processes.
#include "role/child.h"

#include "base/fd.h"
#include "base/install.h"
#include "cage/cage.h"
#include "role/roles.h"
#include "wire/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEATH_MS = 200 }; // one that the kernel holds longer is not waited for

// ---- ring -------------------------------------------------------------------------------------

// A second, read-only opening of the same memory; the seal keeps it from being opened for writing.
static enum ov_status open_read_only(int memory, int *ret_fd) {
    char path[32];
    int seals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    if (fcntl(memory, F_ADD_SEALS, seals | F_SEAL_FUTURE_WRITE) != 0 &&
        fcntl(memory, F_ADD_SEALS, seals) != 0) {
        return OV_SYSTEM;
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fd = fcntl(memory, F_DUPFD_CLOEXEC, 0); // no /proc: the seal alone protects it
    }
    if (fd < 0) {
        return OV_SYSTEM;
    }
    *ret_fd = fd;
    return OV_OK;
}

enum ov_status ov_ring_open(struct ov_ring *ret_ring) {
    OV_AUTO_FD memory = memfd_create("overt-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (memory < 0 || ftruncate(memory, OV_RING_BYTES) != 0) {
        return OV_SYSTEM;
    }
    void *bytes = mmap(NULL, OV_RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (bytes == MAP_FAILED) {
        return OV_SYSTEM;
    }
    int fd = -1;
    enum ov_status status = open_read_only(memory, &fd);
    if (status != OV_OK) {
        (void)munmap(bytes, OV_RING_BYTES);
        return status;
    }
    *ret_ring = (struct ov_ring){.bytes = bytes, .fd = fd};
    return OV_OK;
}

void ov_ring_close(struct ov_ring *ring) {
    if (ring->bytes != NULL) {
        (void)munmap(ring->bytes, OV_RING_BYTES);
        ov_fd_close(&ring->fd);
    }
    ring->bytes = NULL;
}

// ---- process ----------------------------------------------------------------------------------

enum ov_status ov_child_program(const char *name, int *ret_fd, char *ret_reason, size_t size) {
    char path[PATH_MAX];
    if (name == NULL) {
        enum ov_status found = ov_install_find(OV_PART_WORKER, path, sizeof path);
        if (found != OV_OK) {
            (void)snprintf(ret_reason, size, "%.180s: scanner program is missing", path);
            return found;
        }
        name = path;
    }
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        (void)snprintf(ret_reason, size, "%.180s: %s", name, strerror(errno));
        return OV_SYSTEM;
    }
    *ret_fd = fd;
    return OV_OK;
}

enum { PASSED_FIRST = OV_WORKER_CHANNEL + 1, PLACES = PASSED_FIRST + OV_CHILD_PASSED_MAX };

// In the child: puts descriptors at 0 to 5. They are first lifted out of the way of one another.
static bool place_descriptors(int channel, const int passed[OV_CHILD_PASSED_MAX]) {
    int null = open("/dev/null", O_RDWR);
    int wanted[PLACES] = {null, null, null, channel};
    int lifted[PLACES];
    for (int i = 0; i < OV_CHILD_PASSED_MAX; i++) {
        wanted[PASSED_FIRST + i] = passed[i];
    }
    for (int i = 0; i < PLACES; i++) {
        lifted[i] = wanted[i] < 0 ? -1 : fcntl(wanted[i], F_DUPFD_CLOEXEC, PLACES);
    }
    // Sanitizers tell of their findings on standard error; the cage closes this door otherwise.
    bool keeps_stderr = getenv("OVERT_WORKER_STDERR") != NULL;
    bool is_done = true;
    for (int i = 0; i < PLACES; i++) {
        bool is_kept = i == STDERR_FILENO && keeps_stderr;
        if (i >= PASSED_FIRST && wanted[i] < 0) {
            (void)close(i); // whatever it was, it is not for the child
        } else {
            is_done = is_done && (is_kept || dup2(lifted[i], i) == i);
        }
    }
    return is_done;
}

static _Noreturn void become_role(enum ov_role_id role, int program_fd, int channel,
                                  const int passed[OV_CHILD_PASSED_MAX]) {
    char *arguments[] = {(char *)(uintptr_t)ov_role_get(role)->program,
                         (char *)(uintptr_t)ov_role_get(role)->name, NULL};
    char *environment[] = {(char *)(uintptr_t)OV_CHILD_SANITIZERS, NULL};
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGINT, SIG_IGN); // Ctrl-C is for the broker, which ends us in its own time
    (void)signal(SIGQUIT, SIG_IGN);
    if (place_descriptors(channel, passed)) {
        (void)fexecve(program_fd, arguments, environment);
    }
    _exit(127);
}

enum ov_status ov_child_start(enum ov_role_id role, int program_fd,
                              const int passed[OV_CHILD_PASSED_MAX], struct ov_child *ret_child) {
    int ends[2];
    int pidfd = -1;
    // Above the numbers that the child's descriptors are moved to.
    OV_AUTO_FD program = fcntl(program_fd, F_DUPFD_CLOEXEC, PLACES * 4);
    TRY(ov_channel_open(ends));
    pid_t pid = program < 0 ? -1 : ov_cage_spawn(ov_role_get(role)->layers, &pidfd);
    if (pid == 0) {
        become_role(role, program, ends[1], passed);
    }
    int error = errno;
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        errno = error;
        return OV_SYSTEM;
    }
    *ret_child = (struct ov_child){.pid = pid, .pidfd = pidfd, .channel = ends[0], .end = -1};
    ov_acting_start(&ret_child->acting, role, pid, program);
    return OV_OK;
}

void ov_child_ready(struct ov_child *child, uint32_t layers) {
    ov_acting_ready(&child->acting, layers);
}

static void send_kill(const struct ov_child *child) {
    if (child->pidfd < 0 || syscall(SYS_pidfd_send_signal, child->pidfd, SIGKILL, NULL, 0) != 0) {
        (void)kill(child->pid, SIGKILL); // not reaped yet, so the number is still its own
    }
}

// Whether it has ended, and is reaped, within so many milliseconds.
static bool wait_for_end(struct ov_child *child, int most_ms) {
    for (int waited = 0; waitpid(child->pid, &child->end, WNOHANG) == 0; waited++) {
        if (waited >= most_ms) {
            return false;
        }
        // Where there is no pidfd, poll sleeps for its time and we look again.
        struct pollfd end = {.fd = child->pidfd, .events = POLLIN};
        (void)poll(&end, 1, 1);
    }
    return true;
}

void ov_child_dismiss(struct ov_child *child) {
    ov_fd_close(&child->channel);
}

void ov_child_end(struct ov_child *child, int patience_ms) {
    if (child->pid == 0) {
        return;
    }
    if (!wait_for_end(child, patience_ms)) {
        send_kill(child);
        (void)wait_for_end(child, DEATH_MS);
    }
    ov_acting_end(&child->acting, child->end);
    ov_fd_close(&child->channel);
    ov_fd_close(&child->pidfd);
    child->pid = 0;
}

void ov_child_reap(void) {
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
}
