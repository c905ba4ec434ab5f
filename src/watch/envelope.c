// SPDX-License-Identifier: Apache-2.0
// The layers in their order, and what the trace says of each.
#include "watch/envelope.h"

#include "base/fd.h"
#include "watch/confine.h"
#include "watch/exceptions.h"
#include "watch/shield.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WHY_BYTES = 256 };

// What the command's process tells of the layers that it put up itself.
enum { NETWORK, TRACE, CAPABILITIES, LANDLOCK, SECCOMP, ENTERED };

struct entered {
    int errors[ENTERED]; // 0: it is up
    bool has_listener;
    char landlock[OV_CONFINE_WHY_BYTES];
};

static enum ov_status write_layer(struct ov_envelope *envelope, const char *name,
                                  enum ov_trace_state state, const char *why) {
    struct ov_trace_layer layer = {
        .name = ov_span_text(name), .state = state, .why = ov_span_text(why)};
    return ov_trace_write_layer(envelope->trace, &layer);
}

static bool is_allowed(const struct ov_envelope *envelope, enum ov_exception exception) {
    return (envelope->allowed & 1u << exception) != 0;
}

// ---- before the command -------------------------------------------------------------------------

static enum ov_status write_exceptions(struct ov_envelope *envelope) {
    for (unsigned i = 0; i < OV_ALLOW_COUNT; i++) {
        struct ov_trace_exception exception = {.name = ov_span_text(ov_exception_name(i)),
                                               .why = ov_span_text(ov_exception_meaning(i))};
        if (is_allowed(envelope, i)) {
            TRY(ov_trace_write_exception(envelope->trace, &exception));
        }
    }
    return OV_OK;
}

static enum ov_status open_network(struct ov_envelope *envelope,
                                   const struct ov_capture_file *capture) {
    char why[WHY_BYTES] = "";
    const char *what = "";
    OV_AUTO_FD file = capture->fd;
    if (is_allowed(envelope, OV_ALLOW_NETWORK)) {
        return write_layer(envelope, "network", OV_TRACE_STATE_OFF, "--allow network");
    }
    if (file < 0 || ov_network_open(&envelope->network, &what) != OV_OK) {
        (void)snprintf(why, sizeof why, "%s: %s", what, strerror(errno));
        envelope->network = (struct ov_network){.inside = -1, .capture = -1};
        return write_layer(envelope, "network", OV_TRACE_STATE_MISSING, why);
    }
    file = -1;
    return ov_capture_open(envelope->network.capture, capture, envelope->trace, &envelope->capture);
}

static enum ov_status open_group(struct ov_envelope *envelope, int processes) {
    char why[WHY_BYTES];
    bool has_devices = !is_allowed(envelope, OV_ALLOW_DEVICES);
    enum ov_status status = ov_group_open(has_devices, processes, &envelope->group);
    if (status != OV_OK) {
        (void)snprintf(why, sizeof why, "%s",
                       status == OV_UNSUPPORTED ? "no cgroup v2 is mounted" : strerror(errno));
        return write_layer(envelope, "cgroup", OV_TRACE_STATE_MISSING, why);
    }
    return write_layer(envelope, "cgroup", OV_TRACE_STATE_ON,
                       has_devices ? "" : "devices are not refused (--allow devices)");
}

enum ov_status ov_envelope_open(const struct ov_envelope_wish *wish, struct ov_trace_writer *trace,
                                struct ov_envelope *ret_envelope) {
    *ret_envelope = (struct ov_envelope){
        .allowed = wish->allowed,
        .trace = trace,
        .network = {.inside = -1, .capture = -1},
        .group = {.devices = -1, .reaper_gate = -1},
        .capture = {.socket = -1},
        .listener = -1,
        .channel = {-1, -1},
    };
    for (size_t i = 0; i < OV_ENVELOPE_FILES && wish->files[i] != NULL; i++) {
        ret_envelope->files[i] = wish->files[i];
    }
    ov_denials_init(&ret_envelope->denials);
    // The reaper first: it must not inherit the network.
    enum ov_status status = write_exceptions(ret_envelope);
    status = status == OV_OK ? open_group(ret_envelope, wish->processes) : status;
    if (status != OV_OK) {
        int fd = wish->capture->fd;
        ov_fd_close(&fd);
    } else {
        status = open_network(ret_envelope, wish->capture);
    }
    if (status == OV_OK &&
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_envelope->channel) != 0) {
        status = OV_SYSTEM;
    }
    return status;
}

// ---- the command's process ----------------------------------------------------------------------

static enum ov_status tell(int channel, const struct entered *entered, int listener) {
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof listener)] = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)entered, .iov_len = sizeof *entered};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (listener >= 0) {
        struct cmsghdr *header = (struct cmsghdr *)(void *)control;
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof listener);
        (void)memcpy(CMSG_DATA(header), &listener, sizeof listener);
        message.msg_control = control;
        message.msg_controllen = sizeof control;
    }
    return sendmsg(channel, &message, MSG_NOSIGNAL) == (ssize_t)sizeof *entered ? OV_OK : OV_SYSTEM;
}

static int error_of(enum ov_status status) {
    return status == OV_OK ? 0 : errno != 0 ? errno : EINVAL;
}

enum ov_status ov_envelope_enter(struct ov_envelope *envelope) {
    struct entered entered = {0};
    int listener = -1;
    errno = 0;
    if (envelope->network.inside >= 0) {
        entered.errors[NETWORK] = error_of(ov_network_enter(&envelope->network));
    }
    entered.errors[TRACE] = error_of(ov_shield_enter(envelope->files));
    entered.errors[CAPABILITIES] = error_of(ov_confine_capabilities(envelope->allowed));
    entered.errors[LANDLOCK] = error_of(ov_confine_enter(envelope->allowed, entered.landlock));
    entered.errors[SECCOMP] = error_of(ov_filter_load(envelope->allowed, &listener));
    entered.has_listener = listener >= 0;
    enum ov_status status = tell(envelope->channel[1], &entered, listener);
    ov_fd_close(&listener);
    return status;
}

// ---- the recorder -------------------------------------------------------------------------------

static enum ov_status write_entered(struct ov_envelope *envelope, const struct entered *entered) {
    static const char *const names[ENTERED] = {"network", "trace", "capabilities", "landlock",
                                               "seccomp"};
    for (unsigned i = 0; i < ENTERED; i++) {
        bool is_on = entered->errors[i] == 0;
        const char *why = is_on ? "" : strerror(entered->errors[i]);
        if (i == NETWORK && envelope->network.inside < 0) {
            continue; // was told before
        }
        if (is_on && i == TRACE && is_allowed(envelope, OV_ALLOW_MOUNTS)) {
            why = "it can undo this (--allow mounts)";
        }
        if (is_on && i == LANDLOCK) {
            why = entered->landlock;
        }
        if (is_on && i == SECCOMP && !entered->has_listener) {
            why = "what is refused is not told: another list has the listener";
        }
        TRY(write_layer(envelope, names[i], is_on ? OV_TRACE_STATE_ON : OV_TRACE_STATE_MISSING,
                        why));
    }
    return OV_OK;
}

static enum ov_status hear(struct ov_envelope *envelope, struct entered *ret_entered) {
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {.iov_base = ret_entered, .iov_len = sizeof *ret_entered};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t size;
    while ((size = recvmsg(envelope->channel[0], &message, MSG_CMSG_CLOEXEC)) < 0 &&
           errno == EINTR) {
    }
    if (size != (ssize_t)sizeof *ret_entered) {
        errno = size < 0 ? errno : EPIPE;
        return OV_SYSTEM;
    }
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS) {
        (void)memcpy(&envelope->listener, CMSG_DATA(header), sizeof envelope->listener);
    }
    return OV_OK;
}

enum ov_status ov_envelope_await(struct ov_envelope *envelope, pid_t command) {
    struct entered entered = {0};
    ov_fd_close(&envelope->channel[1]);
    TRY(hear(envelope, &entered));
    if (envelope->group.path[0] != 0 && ov_group_add(&envelope->group, command) != OV_OK) {
        TRY(write_layer(envelope, "cgroup", OV_TRACE_STATE_MISSING, strerror(errno)));
    }
    return write_entered(envelope, &entered);
}

size_t ov_envelope_fds(const struct ov_envelope *envelope, int ret_fds[OV_ENVELOPE_FDS]) {
    size_t count = 0;
    if (envelope->listener >= 0) {
        ret_fds[count++] = envelope->listener;
    }
    if (envelope->capture.socket >= 0) {
        ret_fds[count++] = envelope->capture.socket;
    }
    return count;
}

enum ov_status ov_envelope_take(struct ov_envelope *envelope, ov_start_fn *start_of, void *arg) {
    if (envelope->listener >= 0) {
        enum ov_status status =
            ov_denials_take(&envelope->denials, envelope->listener, start_of, arg);
        if (status == OV_END) {
            ov_fd_close(&envelope->listener);
            status = OV_OK;
        }
        TRY(status);
    }
    return ov_capture_take(&envelope->capture);
}

enum ov_status ov_envelope_write(struct ov_envelope *envelope, bool is_end) {
    TRY(ov_denials_write(&envelope->denials, envelope->trace));
    return ov_capture_write(&envelope->capture, envelope->trace, is_end);
}

void ov_envelope_close(struct ov_envelope *envelope) {
    ov_fd_close(&envelope->listener);
    ov_fd_close(&envelope->channel[0]);
    ov_fd_close(&envelope->channel[1]);
    ov_group_close(&envelope->group);
    ov_capture_close(&envelope->capture);
    ov_network_close(&envelope->network);
    ov_denials_release(&envelope->denials);
}
