// SPDX-License-Identifier: Apache-2.0
// Fork, cage, text through a pipe, and at its end one byte: the number.
#include "role/evidence_job.h"

#include "base/fd.h"
#include "role/roles.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER_FD = 3, NO_NUMBER = 255, PIECE_BYTES = 1 << 16 };
#define TEXT_BYTES_MAX (1ull << 30)

// Never returns.
static void live(ov_evidence_fn *tell, void *arg, uint64_t mapped_bytes, int writing) {
    struct ov_cage_spec spec = ov_role_cage(OV_ROLE_AUDITOR);
    struct ov_cage_report report;
    struct ov_buf out = {0};
    if (writing != ANSWER_FD && dup2(writing, ANSWER_FD) < 0) {
        _exit(1);
    }
    spec.mapped_bytes += mapped_bytes;
    ov_cage_enter(&spec, &report);
    int code = tell(arg, &out);
    ov_buf_add_u8(&out, ov_buf_status(&out) == OV_OK ? (uint8_t)code : NO_NUMBER);
    bool is_told =
        ov_buf_status(&out) == OV_OK && ov_fd_write_all(ANSWER_FD, ov_buf_span(&out)) == OV_OK;
    _exit(is_told ? 0 : 1);
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

static enum ov_status hear(int reading, struct ov_buf *text) {
    static uint8_t piece[PIECE_BYTES];
    ssize_t size;
    while ((size = read(reading, piece, sizeof piece)) != 0) {
        if (size < 0 && errno != EINTR) {
            return OV_SYSTEM;
        }
        ov_buf_add(text, piece, size > 0 ? (size_t)size : 0);
        TRY(ov_buf_status(text));
        TRY(text->size <= TEXT_BYTES_MAX ? OV_OK : OV_PEER);
    }
    return OV_OK;
}

enum ov_status ov_evidence_job_run(ov_evidence_fn *tell, void *arg, uint64_t mapped_bytes,
                                   struct ov_buf *ret_text, int *ret_code) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return OV_SYSTEM;
    }
    OV_AUTO_FD reading = ends[0];
    OV_AUTO_FD writing = ends[1];
    OV_AUTO_FD pidfd = -1;
    pid_t pid = ov_cage_spawn(ov_role_get(OV_ROLE_AUDITOR)->layers, &pidfd);
    if (pid < 0) {
        return OV_SYSTEM;
    }
    if (pid == 0) {
        live(tell, arg, mapped_bytes, writing);
    }
    ov_fd_close(&writing);
    enum ov_status status = hear(reading, &text);
    ov_fd_close(&reading); // one that goes on writing ends so
    bool is_whole = has_ended_well(pid) && text.size > 0;
    TRY(status);
    if (!is_whole || text.data[text.size - 1] == NO_NUMBER) {
        return OV_PEER;
    }
    *ret_code = text.data[text.size - 1];
    ov_buf_add(ret_text, text.data, text.size - 1);
    return ov_buf_status(ret_text);
}
