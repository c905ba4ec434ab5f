// SPDX-License-Identifier: Apache-2.0
//
// What a process that serves says of itself while it does: a page of memory that it shares with
// whoever started it, and is the only one to write to. Its word, that is, and none that has to be
// parsed.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// Only ever added to.
struct ov_serve_counts {
    _Atomic uint64_t cage;     // OV_SERVE_CAGED and what confines it (OV_CAGE() bits), once it does
    _Atomic uint64_t sent;     // bytes to its clients: of TCP's streams, with HTTP's headers
    _Atomic uint64_t received; // and from them
    _Atomic uint64_t has_ended; // 1: it has ended in good order, and these are all
};

#define OV_SERVE_CAGED (1ull << 32)

// What went over a socket so far, as the kernel counts it. What waits to be sent is counted, what
// was sent again is not.
struct ov_socket_bytes {
    uint64_t sent, received;
};

// Adds those of this socket, which is open.
void ov_socket_bytes_add(int socket, struct ov_socket_bytes *sum);
