// SPDX-License-Identifier: Apache-2.0
// Asks the kernel what went over a socket.
#include "serve/counts.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

void ov_socket_bytes_add(int socket, struct ov_socket_bytes *sum) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
        sum->sent += info.tcpi_bytes_sent - info.tcpi_bytes_retrans + info.tcpi_notsent_bytes;
        sum->received += info.tcpi_bytes_received;
    }
}
