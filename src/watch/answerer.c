// SPDX-License-Identifier: Apache-2.0
// Answers, and tells what was asked. Whatever the recorder does, nobody waits for more than this.
#include "watch/answerer.h"

#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

static_assert(PIPE_BUF % sizeof(struct ov_answerer_event) == 0, "none is written in two parts");

// <linux/fanotify.h> since Linux 6.14.
#define PRE_ACCESS 0x00100000u
enum { INFO_RANGE = 6 };

struct info_range {
    struct fanotify_event_info_header header;
    uint32_t reserved;
    uint64_t offset, count;
};

// Its descriptors.
enum { GATE, EVENTS, GROUP, DESCRIPTORS, SPARE = 10 };

enum { BUFFER_BYTES = 16384, PENDING_BYTES_MAX = 64 << 20 };

struct state {
    const struct ov_answerer *answerer;
    struct ov_buf pending; // events that the pipe had no room for
    size_t written;        // of these
};

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// ---- the beginning ------------------------------------------------------------------------------

// Of all that the recorder holds it keeps two pipes, so that none of it lives longer.
static void settle(const struct ov_answerer *answerer) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != answerer->recorder) { // it was quicker
        _exit(0);
    }
    (void)setsid(); // keys of the terminal are not for it
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_DFL);
    int gate = fcntl(answerer->gate, F_DUPFD, SPARE);
    int events = fcntl(answerer->events, F_DUPFD, SPARE);
    if (gate < 0 || events < 0 || dup2(gate, GATE) < 0 || dup2(events, EVENTS) < 0) {
        _exit(1);
    }
    (void)syscall(SYS_close_range, GROUP, ~0u, 0);
}

static void mark_all(const struct ov_answerer *answerer) {
    struct ov_answerer_letter letter = {0};
    int group = fanotify_init(FAN_CLASS_PRE_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK |
                                  FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS,
                              O_RDONLY | O_LARGEFILE | O_CLOEXEC);
    if (group != GROUP) { // the first that is free
        letter = (struct ov_answerer_letter){.error = (uint32_t)errno, .path = UINT32_MAX};
    }
    for (size_t i = 0; i < answerer->path_count && letter.path != UINT32_MAX; i++) {
        if (fanotify_mark(GROUP, FAN_MARK_ADD, PRE_ACCESS, AT_FDCWD, answerer->paths[i]) != 0 &&
            letter.error == 0) {
            letter = (struct ov_answerer_letter){.error = (uint32_t)errno, .path = (uint32_t)i};
        }
    }
    if (write(EVENTS, &letter, sizeof letter) != sizeof letter) {
        _exit(1);
    }
}

// ---- events -------------------------------------------------------------------------------------

// What the pipe has no room for waits here. The recorder may be slow; this is never.
static void hand_on(struct state *state) {
    while (state->written < state->pending.size) {
        size_t size = state->pending.size - state->written;
        ssize_t done =
            write(EVENTS, state->pending.data + state->written, size < PIPE_BUF ? size : PIPE_BUF);
        if (done < 0) {
            return;
        }
        state->written += (size_t)done;
    }
    ov_buf_reset(&state->pending);
    state->written = 0;
}

static void note(struct state *state, const struct ov_answerer_event *event) {
    bool has_room = state->pending.size + sizeof *event <= PENDING_BYTES_MAX;
    if (has_room) {
        ov_buf_add(&state->pending, event, sizeof *event);
    }
    if (!has_room || state->pending.has_failed) {
        __atomic_fetch_add(&state->answerer->count->lost, 1, __ATOMIC_RELAXED);
    }
}

static void read_range(const uint8_t *event, size_t size, struct ov_answerer_event *ret_event) {
    struct fanotify_event_info_header header;
    size_t at = sizeof(struct fanotify_event_metadata);
    while (at + sizeof header <= size) {
        struct info_range range;
        memcpy(&header, event + at, sizeof header);
        if (header.info_type == INFO_RANGE && at + sizeof range <= size) {
            memcpy(&range, event + at, sizeof range);
            bool is_far = range.count > UINT64_MAX - range.offset;
            ret_event->from = range.offset;
            ret_event->to = is_far ? UINT64_MAX : range.offset + range.count;
        }
        if (header.len < sizeof header) {
            return;
        }
        at += header.len;
    }
}

// Allowed first, looked at afterwards.
static void answer(struct state *state, const struct fanotify_event_metadata *asked,
                   const uint8_t *bytes) {
    struct fanotify_response response = {.fd = asked->fd, .response = FAN_ALLOW};
    struct ov_answerer_event event = {.at_ns = now_ns(), .pid = (uint32_t)asked->pid};
    struct stat info;
    (void)!write(GROUP, &response, sizeof response);
    if (fstat(asked->fd, &info) == 0) {
        event.inode = info.st_ino;
        event.device = major(info.st_dev) << 20 | minor(info.st_dev);
    }
    (void)close(asked->fd);
    read_range(bytes, asked->event_len, &event);
    note(state, &event);
}

static void take_all(struct state *state) {
    uint8_t buffer[BUFFER_BYTES];
    ssize_t got;
    while ((got = read(GROUP, buffer, sizeof buffer)) > 0) {
        struct fanotify_event_metadata asked;
        for (size_t at = 0; at + sizeof asked <= (size_t)got; at += asked.event_len) {
            memcpy(&asked, buffer + at, sizeof asked);
            bool is_whole = asked.event_len >= sizeof asked && at + asked.event_len <= (size_t)got;
            if (!is_whole || asked.vers != FANOTIFY_METADATA_VERSION) {
                _exit(1); // a kernel of another time: it lets all through
            }
            if (asked.fd >= 0) {
                answer(state, &asked, buffer + at);
            } else { // more than the kernel's queue holds
                __atomic_fetch_add(&state->answerer->count->lost, 1, __ATOMIC_RELAXED);
            }
        }
        hand_on(state);
    }
}

_Noreturn void ov_answerer_run(const struct ov_answerer *answerer) {
    struct state state = {.answerer = answerer};
    settle(answerer);
    mark_all(answerer);
    (void)fcntl(EVENTS, F_SETFL, O_NONBLOCK);
    for (bool is_over = false; !is_over;) {
        bool has_more = state.pending.size > state.written;
        struct pollfd waiting[DESCRIPTORS] = {
            {.fd = GATE, .events = POLLIN},
            {.fd = EVENTS, .events = has_more ? POLLOUT : 0},
            {.fd = GROUP, .events = POLLIN},
        };
        (void)poll(waiting, DESCRIPTORS, -1);
        take_all(&state);
        hand_on(&state);
        is_over = waiting[GATE].revents != 0 || (waiting[EVENTS].revents & POLLERR) != 0;
    }
    (void)fanotify_mark(GROUP, FAN_MARK_REMOVE | FAN_MARK_FLUSH, 0, AT_FDCWD, NULL);
    take_all(&state);
    (void)close(GROUP);
    (void)fcntl(EVENTS, F_SETFL, 0);
    hand_on(&state);
    _exit(0);
}
