// SPDX-License-Identifier: Apache-2.0
// Fork, cage; through a pipe the layers that are up, text, and at its end one byte: the number.
#include "role/caged.h"

#include "base/fd.h"
#include "role/acts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_FD = 3, NO_NUMBER = 255, PIECE_BYTES = 1 << 16 };
#define TEXT_BYTES_MAX (1ull << 30)

// Gives the layers that are up.
static uint32_t enter_cage(const struct ov_caged_work *work) {
    struct ov_cage_spec spec = ov_role_cage(work->role);
    struct ov_cage_report report;
    spec.mapped_bytes += work->mapped_bytes;
    ov_cage_enter(&spec, &report);
    return report.enforced;
}

static _Noreturn void live(const struct ov_caged_work *work, int writing) {
    struct ov_buf out = {0};
    if (writing != ANSWER_FD && dup2(writing, ANSWER_FD) < 0) {
        _exit(1);
    }
    uint32_t layers = enter_cage(work);
    bool is_told = ov_fd_write_all(ANSWER_FD, ov_span_make(&layers, sizeof layers)) == OV_OK;
    int code = work->tell(work->arg, &out);
    ov_buf_add_u8(&out, ov_buf_status(&out) == OV_OK ? (uint8_t)code : NO_NUMBER);
    is_told = is_told && ov_buf_status(&out) == OV_OK &&
              ov_fd_write_all(ANSWER_FD, ov_buf_span(&out)) == OV_OK;
    _exit(is_told ? 0 : 1);
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

static enum ov_status hear(int reading, struct ov_acting *acting, struct ov_buf *text) {
    static uint8_t piece[PIECE_BYTES];
    uint32_t layers = 0;
    size_t size = 0;
    TRY(ov_fd_read_full(reading, &layers, sizeof layers, &size));
    TRY(size == sizeof layers ? OV_OK : OV_PEER);
    ov_acting_ready(acting, layers);
    do {
        TRY(ov_fd_read_full(reading, piece, sizeof piece, &size));
        ov_buf_add(text, piece, size);
        TRY(ov_buf_status(text));
        TRY(text->size <= TEXT_BYTES_MAX ? OV_OK : OV_PEER);
    } while (size == sizeof piece);
    return OV_OK;
}

enum ov_status ov_caged_run(const struct ov_caged_work *work, struct ov_buf *ret_text,
                            int *ret_code) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return OV_SYSTEM;
    }
    OV_AUTO_FD reading = ends[0];
    OV_AUTO_FD writing = ends[1];
    OV_AUTO_FD pidfd = -1;
    struct ov_acting acting;
    pid_t pid = ov_cage_spawn(ov_role_get(work->role)->layers, &pidfd);
    if (pid < 0) {
        return OV_SYSTEM;
    }
    if (pid == 0) {
        live(work, writing);
    }
    ov_acting_start(&acting, work->role, pid, -1);
    ov_fd_close(&writing);
    enum ov_status status = hear(reading, &acting, &text);
    ov_fd_close(&reading); // one that goes on writing ends so
    bool is_whole = has_ended_well(pid, &acting) && text.size > 0;
    TRY(status);
    if (!is_whole || text.data[text.size - 1] == NO_NUMBER) {
        return OV_PEER;
    }
    *ret_code = text.data[text.size - 1];
    ov_buf_add(ret_text, text.data, text.size - 1);
    return ov_buf_status(ret_text);
}

// ---- answers of fixed size ----------------------------------------------------------------------

struct asking {
    ov_caged_fn *work;
    const void *question;
    void *answer;
    size_t size;
};

static int tell_answer(void *arg, struct ov_buf *out) {
    const struct asking *asking = arg;
    asking->work(asking->question, asking->answer);
    ov_buf_add(out, asking->answer, asking->size);
    return 0;
}

enum ov_status ov_caged_ask(enum ov_role_id role, ov_caged_fn *work, const void *question,
                            void *answer, size_t size) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct asking asking = {work, question, answer, size};
    const struct ov_caged_work telling = {.role = role, .tell = tell_answer, .arg = &asking};
    int code = 0;
    TRY(ov_caged_run(&telling, &text, &code));
    TRY(text.size == size ? OV_OK : OV_PEER);
    memcpy(answer, text.data, size);
    return OV_OK;
}
