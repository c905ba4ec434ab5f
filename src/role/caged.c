// SPDX-License-Identifier: Apache-2.0
// Fork, cage, one answer through a pipe.
#include "role/caged.h"

#include "base/fd.h"
#include "role/acts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_FD = 3 };

// Gives the layers that are up.
static uint32_t enter_cage(enum ov_role_id role) {
    struct ov_cage_spec spec = ov_role_cage(role);
    struct ov_cage_report report;
    ov_cage_enter(&spec, &report);
    return report.enforced;
}

static _Noreturn void live(enum ov_role_id role, ov_caged_fn *work, const void *question,
                           struct ov_span room) {
    void *answer = (void *)(uintptr_t)room.data;
    uint32_t layers = enter_cage(role);
    bool is_told = ov_fd_write_all(ANSWER_FD, ov_span_make(&layers, sizeof layers)) == OV_OK;
    work(question, answer);
    _exit(is_told && ov_fd_write_all(ANSWER_FD, room) == OV_OK ? 0 : 1);
}

static bool has_ended_well(pid_t pid, struct ov_acting *acting) {
    int end = 0;
    while (waitpid(pid, &end, 0) < 0) {
        if (errno != EINTR) {
            ov_acting_end(acting, -1);
            return false;
        }
    }
    ov_acting_end(acting, end);
    return WIFEXITED(end) && WEXITSTATUS(end) == 0;
}

static enum ov_status hear(int reading, struct ov_acting *acting, void *answer, size_t size) {
    uint32_t layers = 0;
    size_t got = 0;
    TRY(ov_fd_read_full(reading, &layers, sizeof layers, &got));
    TRY(got == sizeof layers ? OV_OK : OV_PEER);
    ov_acting_ready(acting, layers);
    TRY(ov_fd_read_full(reading, answer, size, &got));
    return got == size ? OV_OK : OV_PEER;
}

enum ov_status ov_caged_ask(enum ov_role_id role, ov_caged_fn *work, const void *question,
                            void *answer, size_t size) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return OV_SYSTEM;
    }
    OV_AUTO_FD reading = ends[0];
    OV_AUTO_FD writing = ends[1];
    OV_AUTO_FD pidfd = -1;
    struct ov_acting acting;
    pid_t pid = ov_cage_spawn(ov_role_get(role)->layers, &pidfd);
    if (pid < 0) {
        return OV_SYSTEM;
    }
    if (pid == 0) {
        if (writing != ANSWER_FD && dup2(writing, ANSWER_FD) < 0) {
            _exit(1);
        }
        live(role, work, question, ov_span_make(answer, size));
    }
    ov_acting_start(&acting, role, pid, -1);
    ov_fd_close(&writing);
    enum ov_status status = hear(reading, &acting, answer, size);
    bool is_whole = has_ended_well(pid, &acting) && status == OV_OK;
    return is_whole ? OV_OK : OV_PEER;
}
