// SPDX-License-Identifier: Apache-2.0
// One message at a time over a SOCK_SEQPACKET pair. The only file of this room that calls the
// system.
#include "wire/channel.h"

#include "wire/message.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

// Room for the control data of the most descriptors that a message may carry.
union control_room {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(int) * OV_WIRE_DESCRIPTORS_MAX)];
};

enum ov_status ov_channel_open(int ret_ends[2]) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return OV_SYSTEM;
    }
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return OV_SYSTEM;
    }
    ret_ends[0] = ends[0];
    ret_ends[1] = ends[1];
    return OV_OK;
}

enum ov_status ov_channel_send(int channel, struct ov_span message, const int *descriptors,
                               size_t count) {
    struct iovec part = {.iov_base = (void *)(uintptr_t)message.data, .iov_len = message.size};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    union control_room control = {0};
    if (count > OV_WIRE_DESCRIPTORS_MAX) {
        return OV_INVALID;
    }
    if (count > 0) {
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *item = CMSG_FIRSTHDR(&header);
        item->cmsg_level = SOL_SOCKET;
        item->cmsg_type = SCM_RIGHTS;
        item->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(item), descriptors, sizeof(int) * count);
    }
    ssize_t sent;
    do {
        sent = sendmsg(channel, &header, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)message.size ? OV_OK : OV_PEER;
}

enum ov_status ov_channel_receive(int channel, void *buffer, size_t room, size_t *ret_size) {
    struct iovec part = {.iov_base = buffer, .iov_len = room};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t size;
    do {
        size = recvmsg(channel, &header, MSG_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return OV_END;
    }
    if (size <= 0 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        return OV_PEER;
    }
    *ret_size = (size_t)size;
    return OV_OK;
}

// Takes the descriptors out of a received header. More than asked for were cut off by the kernel.
static size_t take_descriptors(struct msghdr *header, int *ret_descriptors) {
    struct cmsghdr *item = CMSG_FIRSTHDR(header);
    if (item == NULL || item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) {
        return 0;
    }
    size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(ret_descriptors, CMSG_DATA(item), count * sizeof(int));
    return count;
}

enum ov_status ov_channel_receive_descriptors(int channel, void *buffer, size_t room,
                                              size_t *ret_size, int *ret_descriptors,
                                              size_t *count) {
    union control_room control = {0};
    struct iovec part = {.iov_base = buffer, .iov_len = room};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (*count > OV_WIRE_DESCRIPTORS_MAX) {
        return OV_INVALID;
    }
    header.msg_control = &control;
    header.msg_controllen = CMSG_SPACE(sizeof(int) * *count);
    ssize_t size;
    do {
        size = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size == 0) {
        return OV_END;
    }
    if (size < 0) {
        return OV_PEER;
    }
    *count = take_descriptors(&header, ret_descriptors);
    *ret_size = (size_t)size;
    return (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? OV_PEER : OV_OK;
}
