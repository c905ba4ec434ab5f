// SPDX-License-Identifier: Apache-2.0
// The two ends of a socket as text.
#include "watch/recorder_state.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void add_internet(int family, const uint8_t *address, unsigned port, struct ov_buf *buf) {
    char text[INET6_ADDRSTRLEN];
    (void)inet_ntop(family, address, text, sizeof text);
    ov_buf_printf(buf, family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
}

// A name that begins with 0 stands in no folder.
static void add_unix(const char *path, uint32_t length, struct ov_buf *buf) {
    size_t size = length < WATCH_UNIX_BYTES ? length : WATCH_UNIX_BYTES;
    if (size == 0) {
        return;
    }
    if (path[0] == 0) {
        ov_buf_add_text(buf, "unix:@");
        ov_buf_add(buf, path + 1, size - 1);
    } else {
        ov_buf_add_text(buf, "unix:");
        ov_buf_add(buf, path, strnlen(path, size));
    }
}

void ov_address_add(const struct watch_socket *socket, bool is_remote, struct ov_buf *buf) {
    switch (socket->family) {
    case AF_INET:
    case AF_INET6:
        add_internet(socket->family, is_remote ? socket->remote : socket->local,
                     is_remote ? socket->remote_port : socket->local_port, buf);
        break;
    case AF_UNIX:
        add_unix(is_remote ? socket->remote_path : socket->local_path,
                 is_remote ? socket->remote_length : socket->local_length, buf);
        break;
    case AF_NETLINK:
        if (is_remote) {
            ov_buf_printf(buf, "netlink:%u", socket->number);
        }
        break;
    case AF_PACKET:
        if (is_remote) {
            ov_buf_printf(buf, "packet:%u", socket->number);
        }
        break;
    default:
        break;
    }
}

enum ov_status ov_inode_generation(const char *path, uint32_t *ret_generation) {
    OV_AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int generation = 0;
    if (fd < 0 || ioctl(fd, FS_IOC_GETVERSION, &generation) != 0) {
        return OV_SYSTEM;
    }
    *ret_generation = (uint32_t)generation;
    return OV_OK;
}
