// SPDX-License-Identifier: Apache-2.0
// Asks the kernel for the rules of its audit, by netlink.
#include "watch/audit.h"

#include "base/fd.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 16384 };

static enum ov_status ask(int *ret_fd) {
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct timeval patience = {.tv_sec = 2};
    struct nlmsghdr request = {
        .nlmsg_len = sizeof request, .nlmsg_type = AUDIT_LIST_RULES, .nlmsg_flags = NLM_F_REQUEST};
    *ret_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
    bool is_asked = *ret_fd >= 0 &&
                    setsockopt(*ret_fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
                    sendto(*ret_fd, &request, sizeof request, 0, (struct sockaddr *)&kernel,
                           sizeof kernel) == (ssize_t)sizeof request;
    return is_asked ? OV_OK : OV_SYSTEM;
}

static enum ov_status tell_rule(struct ov_trace_writer *trace, struct ov_span rule) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    enum ov_status status = ov_audit_add_rule(rule, &text);
    if (status == OV_DAMAGED) { // of a kernel that has other ones
        ov_buf_add_text(&text, " (there is more, not understood)");
        status = ov_buf_status(&text);
    }
    TRY(status);
    struct ov_trace_audit record = {.rule = ov_buf_span(&text)};
    return ov_trace_write_audit(trace, &record);
}

// One datagram of answers. `ret_is_over`: there is no more. OV_SYSTEM with the kernel's error.
static enum ov_status take_answers(struct ov_trace_writer *trace, struct ov_span bytes,
                                   bool *ret_is_over) {
    struct nlmsghdr header;
    for (size_t at = 0; at + sizeof header <= bytes.size; at += NLMSG_ALIGN(header.nlmsg_len)) {
        memcpy(&header, bytes.data + at, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes.size - at) {
            return OV_DAMAGED;
        }
        struct ov_span body =
            ov_span_part(bytes, at + sizeof header, header.nlmsg_len - sizeof header);
        if (header.nlmsg_type == AUDIT_LIST_RULES) {
            TRY(tell_rule(trace, body));
        } else if (header.nlmsg_type == NLMSG_DONE) {
            *ret_is_over = true;
        } else if (header.nlmsg_type == NLMSG_ERROR && body.size >= sizeof(int)) {
            int error;
            memcpy(&error, body.data, sizeof error);
            errno = -error;
            TRY(error == 0 ? OV_OK : OV_SYSTEM);
        }
    }
    return OV_OK;
}

static enum ov_status list(struct ov_trace_writer *trace) {
    _Alignas(struct nlmsghdr) uint8_t room[ROOM];
    OV_AUTO_FD fd = -1;
    bool is_over = false;
    TRY(ask(&fd));
    while (!is_over) {
        ssize_t got = recv(fd, room, sizeof room, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        TRY(got > 0 ? OV_OK : OV_SYSTEM);
        TRY(take_answers(trace, ov_span_make(room, (size_t)got), &is_over));
    }
    return OV_OK;
}

enum ov_status ov_audit_list(struct ov_trace_writer *trace) {
    char why[128] = "";
    struct timespec now;
    enum ov_status status = list(trace);
    if (status == OV_SYSTEM) {
        bool is_absent = errno == EPROTONOSUPPORT || errno == ECONNREFUSED;
        (void)snprintf(why, sizeof why, "%s: %s",
                       is_absent ? "this kernel has no audit"
                                 : "the kernel does not tell its rules",
                       strerror(errno));
    } else if (status == OV_DAMAGED) {
        (void)snprintf(why, sizeof why, "the kernel's answer has another form");
    }
    TRY(status == OV_SYSTEM || status == OV_DAMAGED ? OV_OK : status);
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    struct ov_trace_sensor sensor = {
        .at_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
        .name = ov_span_text("audit-rules"),
        .state = why[0] == 0 ? OV_TRACE_STATE_ON : OV_TRACE_STATE_MISSING,
        .why = ov_span_text(why),
    };
    return ov_trace_write_sensor(trace, &sensor);
}
