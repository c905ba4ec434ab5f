// SPDX-License-Identifier: Apache-2.0
// Fork, cage, one answer through a pipe.
#include "role/caged.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_FD = 3 };

static void enter_cage(enum ov_role_id role) {
    struct ov_cage_spec spec = ov_role_cage(role);
    struct ov_cage_report report;
    ov_cage_enter(&spec, &report);
}

static bool has_ended_well(pid_t pid) {
    int end = 0;
    while (waitpid(pid, &end, 0) < 0) {
        if (errno != EINTR) {
            return false;
        }
    }
    return WIFEXITED(end) && WEXITSTATUS(end) == 0;
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
    size_t got = 0;
    pid_t pid = ov_cage_spawn(ov_role_get(role)->layers, &pidfd);
    if (pid < 0) {
        return OV_SYSTEM;
    }
    if (pid == 0) {
        if (writing != ANSWER_FD && dup2(writing, ANSWER_FD) < 0) {
            _exit(1);
        }
        enter_cage(role);
        work(question, answer);
        _exit(ov_fd_write_all(ANSWER_FD, ov_span_make(answer, size)) == OV_OK ? 0 : 1);
    }
    ov_fd_close(&writing);
    enum ov_status status = ov_fd_read_full(reading, answer, size, &got);
    bool is_whole = has_ended_well(pid) && status == OV_OK && got == size;
    return is_whole ? OV_OK : OV_PEER;
}
