// SPDX-License-Identifier: Apache-2.0
// The trace as a canary of its own.
#include "watch/sentinel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "watch/recorder_state.h"

enum { EVENTS_BYTES = 4096 };

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum ov_status mark(int file, int *ret_fd) {
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    OV_AUTO_FD fd =
        fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC);
    if (fd < 0 ||
        fanotify_mark(fd, FAN_MARK_ADD, FAN_MODIFY | FAN_CLOSE_WRITE, AT_FDCWD, path) != 0) {
        return OV_SYSTEM;
    }
    *ret_fd = fd;
    fd = -1;
    return OV_OK;
}

// The inode as other records have it.
static enum ov_status look(struct ov_sentinel *sentinel) {
    struct stat info;
    struct watch_inode key;
    char path[32];
    if (fstat(sentinel->file, &info) != 0) {
        return OV_SYSTEM;
    }
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", sentinel->file);
    key = (struct watch_inode){.inode = info.st_ino,
                               .device = major(info.st_dev) << 20 | minor(info.st_dev)};
    if (ov_inode_generation(path, &key.generation) != OV_OK) {
        key.generation = 0;
    }
    sentinel->inode = ov_record_inode(&key);
    sentinel->size_bytes = (uint64_t)info.st_size;
    return OV_OK;
}

enum ov_status ov_sentinel_open(int file, const char *path, struct ov_trace_writer *trace,
                                struct ov_sentinel *ret_sentinel) {
    *ret_sentinel = (struct ov_sentinel){.fd = -1, .file = file};
    TRY(look(ret_sentinel));
    bool is_on = mark(file, &ret_sentinel->fd) == OV_OK;
    struct ov_trace_sensor sensor = {
        .at_ns = now_ns(),
        .name = ov_span_text("trace_writes"),
        .state = is_on ? OV_TRACE_STATE_ON : OV_TRACE_STATE_MISSING,
        .why = ov_span_text(is_on ? "" : strerror(errno)),
    };
    struct ov_trace_planted planted = {.inode = ret_sentinel->inode,
                                       .size_bytes = ret_sentinel->size_bytes,
                                       .path = ov_span_text(path)};
    TRY(ov_trace_write_sensor(trace, &sensor));
    return is_on ? ov_trace_write_planted(trace, &planted) : OV_OK;
}

// One that is not watched is told as such, or it would be taken for one that is.
static enum ov_status tell_writer(const struct ov_sentinel *sentinel, uint32_t pid,
                                  const struct ov_recorder *recorder,
                                  struct ov_trace_writer *trace) {
    uint64_t start_ns = ov_recorder_start_of(recorder, pid);
    struct ov_trace_process process = {
        .at_ns = now_ns(),
        .event = OV_TRACE_EVENT_FOUND,
        .process = {.pid = pid, .start_ns = start_ns},
        .reason = OV_TRACE_BY_CANARY,
    };
    struct ov_trace_canary canary = {
        .at_ns = process.at_ns,
        .process = process.process,
        .inode = sentinel->inode,
        .route = OV_TRACE_ROUTE_WRITTEN,
        .to = sentinel->size_bytes, // where it wrote is not told
    };
    if (start_ns == 0) {
        TRY(ov_trace_write_process(trace, &process));
    }
    return ov_trace_write_canary(trace, &canary);
}

enum ov_status ov_sentinel_take(struct ov_sentinel *sentinel, const struct ov_recorder *recorder,
                                struct ov_trace_writer *trace) {
    _Alignas(struct fanotify_event_metadata) char bytes[EVENTS_BYTES];
    pid_t own = getpid();
    ssize_t size = 0;
    while (sentinel->fd >= 0 && (size = read(sentinel->fd, bytes, sizeof bytes)) > 0) {
        const struct fanotify_event_metadata *event = (const void *)bytes;
        for (; FAN_EVENT_OK(event, size); event = FAN_EVENT_NEXT(event, size)) {
            if (event->fd >= 0) {
                (void)close(event->fd);
            }
            bool is_other = event->pid != own && (event->mask & FAN_Q_OVERFLOW) == 0;
            if (is_other) {
                TRY(look(sentinel));
                TRY(tell_writer(sentinel, (uint32_t)event->pid, recorder, trace));
            }
        }
    }
    return OV_OK;
}

void ov_sentinel_close(struct ov_sentinel *sentinel) {
    ov_fd_close(&sentinel->fd);
}
