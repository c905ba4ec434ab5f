// SPDX-License-Identifier: Apache-2.0
// Runs the routes in a fork that is watched, and compares.
#include "watch/selftest.h"

#include "base/fd.h"
#include "watch/recorder_state.h"
#include "watch/selftest_routes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUTES_MAX = 64, FILE_PATH_BYTES = 32, POLL_MS = 20, POLLS_MAX = 1000 };

struct trial {
    struct ov_recorder *recorder;
    int folder;
    int files[ROUTES_MAX];
    char paths[ROUTES_MAX][FILE_PATH_BYTES];
    uint64_t inodes[ROUTES_MAX];
    struct ov_selftest_try *tries; // shared with the fork
    size_t tries_bytes;
};

// ---- files --------------------------------------------------------------------------------------

// A file without a name, so that none is left however this process ends. Where the file system has
// none of these, its name is gone at once.
static int open_unnamed(const char *folder) {
    char path[PATH_MAX];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
        (void)snprintf(path, sizeof path, "%.3900s/overt-watch-XXXXXX", folder);
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0) {
            (void)unlink(path);
        }
    }
    return fd;
}

static enum ov_status make_file(struct trial *trial, const char *folder, size_t route) {
    static const uint8_t zeros[OV_SELFTEST_BYTES];
    struct stat info;
    int fd = open_unnamed(folder);
    trial->files[route] = fd;
    if (fd < 0) {
        return OV_SYSTEM;
    }
    (void)snprintf(trial->paths[route], FILE_PATH_BYTES, "/proc/self/fd/%d", fd);
    TRY(ov_fd_write_all(fd, ov_span_make(zeros, sizeof zeros)));
    if (fsync(fd) != 0 || fstat(fd, &info) != 0) { // direct I/O would else write it back itself
        return OV_SYSTEM;
    }
    trial->inodes[route] = info.st_ino;
    return OV_OK;
}

static enum ov_status make_files(struct trial *trial, const char *folder) {
    trial->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (trial->folder < 0) {
        return OV_SYSTEM;
    }
    for (size_t i = 0; i < ov_selftest_route_count; i++) {
        TRY(make_file(trial, folder, i));
    }
    return OV_OK;
}

static void remove_files(struct trial *trial) {
    for (size_t i = 0; i < ov_selftest_route_count; i++) {
        ov_fd_close(&trial->files[i]);
    }
    ov_fd_close(&trial->folder);
}

// ---- the fork -----------------------------------------------------------------------------------

static void run_routes(const struct trial *trial, int gate) {
    char byte;
    (void)!read(gate, &byte, 1);
    for (size_t i = 0; i < ov_selftest_route_count; i++) {
        struct ov_selftest_try *attempt = &trial->tries[i];
        attempt->folder = trial->folder;
        attempt->file = trial->paths[i];
        ov_selftest_routes[i].run(attempt);
    }
    _exit(0);
}

static enum ov_status wait_for(struct ov_recorder *recorder, pid_t pid) {
    for (int i = 0; i < POLLS_MAX; i++) {
        TRY(ov_recorder_poll(recorder, POLL_MS));
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            return OV_OK;
        }
    }
    (void)kill(pid, SIGKILL); // the routes that it did not come to stay `skipped`
    (void)waitpid(pid, NULL, 0);
    return OV_OK;
}

static enum ov_status run_fork(struct trial *trial) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return OV_SYSTEM;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[1]);
        run_routes(trial, ends[0]);
    }
    (void)close(ends[0]);
    OV_AUTO_FD gate = ends[1];
    if (pid < 0) {
        return OV_SYSTEM;
    }
    enum ov_status status = ov_recorder_watch(trial->recorder, pid, OV_TRACE_BY_TARGET);
    ov_fd_close(&gate);
    enum ov_status waited = wait_for(trial->recorder, pid);
    status = status == OV_OK ? waited : status;
    return status == OV_OK ? ov_recorder_drain(trial->recorder) : status;
}

// ---- what was counted ---------------------------------------------------------------------------

static uint64_t covered_bytes(const struct watch_file *file) {
    uint64_t pages = 0;
    for (unsigned i = 0; i < WATCH_COVERAGE_WORDS; i++) {
        pages += (uint64_t)__builtin_popcountll(file->coverage[i]);
    }
    uint64_t bytes = (pages << file->shift) * (uint64_t)sysconf(_SC_PAGESIZE);
    return bytes < file->size_bytes ? bytes : file->size_bytes;
}

static uint64_t seen_of_file(const struct trial *trial, size_t route) {
    const struct ov_table *totals = &trial->recorder->totals;
    for (size_t i = 0; i < totals->count; i++) {
        const struct ov_total *total = ov_table_item(totals, i);
        if (total->key.inode.inode == trial->inodes[route]) {
            return covered_bytes(&total->sum);
        }
    }
    return 0;
}

static uint64_t seen_of_socket(const struct trial *trial, uint64_t cookie) {
    const struct ov_table *sockets = &trial->recorder->sockets;
    for (size_t i = 0; i < sockets->count; i++) {
        const struct ov_known_socket *socket = ov_table_item(sockets, i);
        if (socket->key.cookie == cookie) {
            return socket->sum.sent_bytes;
        }
    }
    return 0;
}

static enum ov_status tell(const struct trial *trial, size_t route) {
    const struct ov_selftest_try *attempt = &trial->tries[route];
    struct ov_trace_selftest record = {
        .route = ov_span_text(ov_selftest_routes[route].name),
        .expected = OV_TRACE_OUTCOME_SEEN,
        .outcome = attempt->outcome,
        .want = OV_SELFTEST_BYTES,
        .most = OV_SELFTEST_BYTES,
        .why = ov_span_text(attempt->error != 0 ? strerror(attempt->error) : ""),
    };
    if (attempt->outcome == OV_TRACE_OUTCOME_SEEN) {
        record.seen = attempt->cookie != 0 ? seen_of_socket(trial, attempt->cookie)
                                           : seen_of_file(trial, route);
    }
    return ov_trace_write_selftest(trial->recorder->trace, &record);
}

static enum ov_status run(struct trial *trial, const char *folder) {
    trial->tries_bytes = ov_selftest_route_count * sizeof *trial->tries;
    trial->tries =
        mmap(NULL, trial->tries_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (trial->tries == MAP_FAILED) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < ov_selftest_route_count; i++) {
        trial->tries[i].outcome = OV_TRACE_OUTCOME_SKIPPED;
        trial->files[i] = -1;
    }
    enum ov_status status = make_files(trial, folder);
    status = status == OV_OK ? run_fork(trial) : status;
    int error = errno;
    remove_files(trial);
    for (size_t i = 0; i < ov_selftest_route_count && status == OV_OK; i++) {
        status = tell(trial, i);
    }
    (void)munmap(trial->tries, trial->tries_bytes);
    errno = error;
    return status;
}

enum ov_status ov_selftest_run(struct ov_recorder *recorder, const char *folder) {
    static struct trial trial;
    trial = (struct trial){.recorder = recorder, .folder = -1};
    recorder->is_trial = true;
    enum ov_status status = run(&trial, folder);
    ov_recorder_end_trial(recorder);
    return status;
}
