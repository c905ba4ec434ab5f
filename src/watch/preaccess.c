// SPDX-License-Identifier: Apache-2.0
// The recorder's side of the sensor: starts the process that answers, and writes what it tells.
#include "watch/preaccess.h"

#include "base/fd.h"
#include "watch/answerer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 256, WHY_BYTES = 512, LETTER_MS = 5000, PIPE_BYTES = 1 << 20 };

static const char sensor_name[] = "pre-access";
static const char loss_name[] = "pre-access";

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// ---- the beginning ------------------------------------------------------------------------------

void ov_preaccess_open(const char *const *paths, size_t count, struct ov_preaccess *ret_preaccess) {
    int events[2];
    int gate[2];
    *ret_preaccess =
        (struct ov_preaccess){.events = -1, .gate = -1, .paths = paths, .path_count = count};
    if (count == 0 || pipe2(events, O_CLOEXEC) != 0) {
        return;
    }
    void *memory = mmap(NULL, sizeof(struct ov_preaccess_count), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ret_preaccess->count = memory != MAP_FAILED ? memory : NULL;
    ret_preaccess->events = events[0];
    if (memory == MAP_FAILED || pipe2(gate, O_CLOEXEC) != 0) {
        (void)close(events[1]);
        return;
    }
    (void)fcntl(events[1], F_SETPIPE_SZ, PIPE_BYTES);
    struct ov_answerer answerer = {.recorder = getpid(),
                                   .gate = gate[0],
                                   .events = events[1],
                                   .paths = paths,
                                   .path_count = count,
                                   .count = ret_preaccess->count};
    pid_t pid = fork();
    if (pid == 0) {
        ov_answerer_run(&answerer);
    }
    (void)close(gate[0]);
    (void)close(events[1]);
    ret_preaccess->gate = gate[1];
    ret_preaccess->answerer = pid > 0 ? pid : 0;
}

static void explain(const struct ov_preaccess *preaccess, const struct ov_answerer_letter *letter,
                    char ret_why[WHY_BYTES]) {
    const char *path =
        letter->path < preaccess->path_count ? preaccess->paths[letter->path] : "fanotify";
    const char *why = strerror((int)letter->error);
    if (letter->error == EINVAL) {
        why = "this kernel has no FAN_PRE_ACCESS for it: it came with Linux 6.14";
    } else if (letter->error == EOPNOTSUPP) {
        why = "its file system asks nobody before an access";
    }
    (void)snprintf(ret_why, WHY_BYTES, "%.400s: %s", path, why);
}

static enum ov_status write_sensor(struct ov_trace_writer *trace, enum ov_trace_state state,
                                   const char *why) {
    struct ov_trace_sensor sensor = {.at_ns = now_ns(),
                                     .name = ov_span_text(sensor_name),
                                     .state = state,
                                     .why = ov_span_text(why)};
    return ov_trace_write_sensor(trace, &sensor);
}

static enum ov_status write_loss(struct ov_preaccess *preaccess, struct ov_trace_writer *trace) {
    struct ov_trace_loss loss = {.name = ov_span_text(loss_name), .count = preaccess->lost};
    return ov_trace_write_loss(trace, &loss);
}

// What the answerer says when it has marked them.
static bool read_letter(const struct ov_preaccess *preaccess, struct ov_answerer_letter *letter) {
    struct pollfd waiting = {.fd = preaccess->events, .events = POLLIN};
    size_t got = 0;
    return preaccess->answerer > 0 && poll(&waiting, 1, LETTER_MS) == 1 &&
           ov_fd_read_full(preaccess->events, letter, sizeof *letter, &got) == OV_OK &&
           got == sizeof *letter;
}

enum ov_status ov_preaccess_begin(struct ov_preaccess *preaccess, struct ov_trace_writer *trace) {
    char why[WHY_BYTES] = "the process that answers could not be started";
    struct ov_answerer_letter letter = {0};
    if (preaccess->path_count == 0) {
        return OV_OK;
    }
    preaccess->begin_ns = now_ns();
    bool has_letter = read_letter(preaccess, &letter);
    preaccess->is_on = has_letter && letter.error == 0;
    if (!has_letter) {
        ov_preaccess_close(preaccess);
        preaccess->path_count = 0;
        return write_sensor(trace, OV_TRACE_STATE_MISSING, why);
    }
    (void)fcntl(preaccess->events, F_SETFL, O_NONBLOCK);
    TRY(write_loss(preaccess, trace));
    if (!preaccess->is_on) {
        explain(preaccess, &letter, why);
    }
    return write_sensor(trace, preaccess->is_on ? OV_TRACE_STATE_ON : OV_TRACE_STATE_MISSING,
                        preaccess->is_on ? "" : why);
}

// ---- the round ----------------------------------------------------------------------------------

static enum ov_status write_event(const struct ov_answerer_event *event,
                                  struct ov_recorder *recorder, struct ov_trace_writer *trace) {
    struct ov_trace_canary record = {
        .at_ns = event->at_ns,
        .process = {.pid = event->pid, .start_ns = ov_recorder_start_of(recorder, event->pid)},
        .inode = ov_recorder_canary(recorder, event->device, event->inode),
        .route = OV_TRACE_ROUTE_PRE_ACCESS,
        .from = event->from,
        .to = event->to,
    };
    return ov_trace_write_canary(trace, &record);
}

// What is in the pipe; `ret_has_ended`: nobody writes to it any more.
static enum ov_status take_pipe(const struct ov_preaccess *preaccess, uint64_t until_ns,
                                struct ov_recorder *recorder, struct ov_trace_writer *trace,
                                bool *ret_has_ended) {
    struct ov_answerer_event events[BATCH];
    *ret_has_ended = false;
    for (;;) {
        ssize_t got = read(preaccess->events, events, sizeof events); // whole ones: see PIPE_BUF
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            *ret_has_ended = got == 0;
            return got == 0 || errno == EAGAIN ? OV_OK : OV_SYSTEM;
        }
        for (size_t i = 0; i < (size_t)got / sizeof *events; i++) {
            if (events[i].at_ns >= preaccess->begin_ns && events[i].at_ns <= until_ns) {
                TRY(write_event(&events[i], recorder, trace));
            }
        }
    }
}

static enum ov_status take_losses(struct ov_preaccess *preaccess, struct ov_trace_writer *trace) {
    uint64_t lost = __atomic_load_n(&preaccess->count->lost, __ATOMIC_RELAXED);
    if (lost == preaccess->lost) {
        return OV_OK;
    }
    preaccess->lost = lost;
    return write_loss(preaccess, trace);
}

enum ov_status ov_preaccess_take(struct ov_preaccess *preaccess, struct ov_recorder *recorder,
                                 struct ov_trace_writer *trace) {
    bool has_ended = false;
    if (preaccess->answerer == 0) {
        return OV_OK;
    }
    TRY(take_pipe(preaccess, UINT64_MAX, recorder, trace, &has_ended));
    TRY(take_losses(preaccess, trace));
    if (has_ended) { // by somebody else's hand
        ov_preaccess_close(preaccess);
        return write_sensor(trace, OV_TRACE_STATE_MISSING, "the process that answers has ended");
    }
    return OV_OK;
}

enum ov_status ov_preaccess_end(struct ov_preaccess *preaccess, uint64_t until_ns,
                                struct ov_recorder *recorder, struct ov_trace_writer *trace) {
    bool has_ended = false;
    if (preaccess->answerer == 0) {
        return OV_OK;
    }
    ov_fd_close(&preaccess->gate);
    (void)fcntl(preaccess->events, F_SETFL, 0); // it writes what it has, and ends
    enum ov_status status = take_pipe(preaccess, until_ns, recorder, trace, &has_ended);
    status = status == OV_OK ? take_losses(preaccess, trace) : status;
    ov_preaccess_close(preaccess);
    return status;
}

void ov_preaccess_close(struct ov_preaccess *preaccess) {
    ov_fd_close(&preaccess->gate);
    ov_fd_close(&preaccess->events); // it ends at once when it has something to say
    while (preaccess->answerer > 0 && waitpid(preaccess->answerer, NULL, 0) < 0 && errno == EINTR) {
    }
    preaccess->answerer = 0;
    if (preaccess->count != NULL) {
        (void)munmap(preaccess->count, sizeof *preaccess->count);
        preaccess->count = NULL;
    }
}
