// SPDX-License-Identifier: Apache-2.0
// Cages children like the processes of a role, and lets them try what they must not be able to do.
#include "cmd/status_probe.h"

#include "base/fd.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REPORT = 3, DESCRIPTORS = 4 };

static bool can_open(void) {
    return syscall(SYS_openat, AT_FDCWD, "/etc/hostname", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool can_make_socket(void) {
    return syscall(SYS_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool can_fork(void) {
    long pid = syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L);
    if (pid == 0) {
        _exit(0);
    }
    return pid > 0;
}

static bool can_execute(void) {
    char *arguments[] = {NULL};
    return syscall(SYS_execve, "/bin/true", arguments, arguments) == 0;
}

static bool can_signal(void) {
    return syscall(SYS_kill, getppid() != 0 ? getppid() : 1, 0) == 0;
}

static bool can_map_code(void) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, flags, -1, 0) != MAP_FAILED;
}

static const struct {
    const char *name;
    bool (*run)(void);
    uint32_t words; // a role with one of these does it for a living
} trials[OV_TRIALS] = {
    {"open a file", can_open, 0},         {"make a socket", can_make_socket, OV_CAGE_CLIENT},
    {"start a process", can_fork, 0},     {"run a program", can_execute, 0},
    {"signal its parent", can_signal, 0}, {"map code", can_map_code, 0},
};

// In the child: the report goes out as a message on a socket or as bytes into a pipe, whichever the
// role may use.
static bool send_report(const struct ov_role *role, const struct ov_cage_report *report) {
    struct iovec part = {.iov_base = (void *)(uintptr_t)report, .iov_len = sizeof *report};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t size = (role->calls & OV_CAGE_TALK) != 0 ? sendmsg(REPORT, &header, MSG_NOSIGNAL)
                                                     : write(REPORT, report, sizeof *report);
    return size == (ssize_t)sizeof *report;
}

// The paths that the role names. Folders that it is handed are not here, and not needed.
static void choose_paths(struct ov_cage_spec *spec, struct ov_cage_path *paths) {
    size_t count = 0;
    for (size_t i = 0; i < spec->path_count && i < OV_CAGE_PATHS_MAX; i++) {
        if (spec->paths[i].path != NULL) {
            paths[count++] = spec->paths[i];
        }
    }
    spec->paths = paths;
    spec->path_count = count;
}

static _Noreturn void run_child(enum ov_role_id id, int report_fd, bool (*attempt)(void)) {
    const struct ov_role *role = ov_role_get(id);
    struct ov_cage_spec spec = ov_role_cage(id);
    struct ov_cage_path paths[OV_CAGE_PATHS_MAX];
    struct ov_cage_report report;
    choose_paths(&spec, paths);
    if (dup2(report_fd, REPORT) != REPORT) {
        _exit(2);
    }
    if ((role->calls & OV_CAGE_TALK) != 0) {
        spec.channel = REPORT;
    } else {
        spec.outputs[0] = REPORT;
    }
    spec.descriptors_below = DESCRIPTORS;
    ov_cage_enter(&spec, &report);
    if (!send_report(role, &report)) {
        _exit(2);
    }
    _exit(attempt() ? 1 : 0);
}

static enum ov_trial_result judge(int status) {
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGSYS ? OV_TRIAL_KILLED : OV_TRIAL_UNKNOWN;
    }
    switch (WEXITSTATUS(status)) {
    case 0:
        return OV_TRIAL_REFUSED;
    case 1:
        return OV_TRIAL_DONE;
    default:
        return OV_TRIAL_UNKNOWN;
    }
}

static enum ov_status try_one(enum ov_role_id role, unsigned index, struct ov_cage_report *ret_cage,
                              enum ov_trial_result *ret_result) {
    int ends[2];
    int pidfd = -1;
    int status = 0;
    size_t size = 0;
    struct ov_cage_report cage;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return OV_SYSTEM;
    }
    pid_t pid = ov_cage_spawn(ov_role_get(role)->layers, &pidfd);
    if (pid == 0) {
        run_child(role, ends[1], trials[index].run);
    }
    (void)close(ends[1]);
    enum ov_status result = pid > 0 ? OV_OK : OV_SYSTEM;
    if (result == OV_OK) {
        result = ov_fd_read_full(ends[0], &cage, sizeof cage, &size);
        (void)waitpid(pid, &status, 0);
        *ret_result = judge(status);
    }
    if (size == sizeof cage) {
        *ret_cage = cage;
    }
    (void)close(ends[0]);
    ov_fd_close(&pidfd);
    return result;
}

enum ov_status ov_status_probe(enum ov_role_id role, struct ov_probe *ret_probe) {
    struct ov_probe probe = {0};
    for (unsigned i = 0; i < OV_TRIALS; i++) {
        probe.trials[i] = (struct ov_trial){.name = trials[i].name, .result = OV_TRIAL_UNKNOWN};
        TRY(try_one(role, i, &probe.cage, &probe.trials[i].result));
        bool is_work = (trials[i].words & ov_role_get(role)->calls) != 0;
        if (is_work && probe.trials[i].result != OV_TRIAL_UNKNOWN) {
            probe.trials[i].result = OV_TRIAL_WORK;
        }
    }
    *ret_probe = probe;
    return OV_OK;
}

const char *ov_trial_text(enum ov_trial_result result) {
    static const char *const texts[] = {"killed", "refused", "POSSIBLE", "not tried", "its work"};
    return texts[result];
}
