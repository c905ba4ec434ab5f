// SPDX-License-Identifier: Apache-2.0
// Asks the kernel for the rules of its audit, by netlink.
#include "base/audit_rules.h"

#include "base/fd.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
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

struct listing {
    void *arg;
    enum ov_status (*each)(void *arg, struct ov_span rule);
};

static enum ov_status tell_rule(const struct listing *listing, struct ov_span rule) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    enum ov_status status = ov_audit_rule_add(rule, &text);
    if (status == OV_DAMAGED) { // of a kernel that has other ones
        ov_buf_add_text(&text, " (there is more, not understood)");
        status = ov_buf_status(&text);
    }
    TRY(status);
    return listing->each(listing->arg, ov_buf_span(&text));
}

// One datagram of answers. `ret_is_over`: there is no more. OV_SYSTEM with the kernel's error.
static enum ov_status take_answers(const struct listing *listing, struct ov_span bytes,
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
            TRY(tell_rule(listing, body));
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

static enum ov_status list(const struct listing *listing) {
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
        TRY(take_answers(listing, ov_span_make(room, (size_t)got), &is_over));
    }
    return OV_OK;
}

enum ov_status ov_audit_rules_each(void *arg,
                                   enum ov_status (*each)(void *arg, struct ov_span rule)) {
    const struct listing listing = {arg, each};
    return list(&listing);
}
