// SPDX-License-Identifier: Apache-2.0
// Asks each socket for its counts before it is closed.
#include "fetch/sockets.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

// What was sent again is not counted twice.
static int close_socket(void *arg, curl_socket_t socket) {
    struct ov_fetch_bytes *bytes = arg;
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
        bytes->sent += info.tcpi_bytes_sent - info.tcpi_bytes_retrans;
        bytes->received += info.tcpi_bytes_received;
    }
    return close(socket);
}

enum ov_status ov_sockets_count(CURL *easy, struct ov_fetch_bytes *bytes) {
    bool is_set = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK &&
                  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, bytes) == CURLE_OK;
    return is_set ? OV_OK : OV_MEMORY;
}
