// SPDX-License-Identifier: Apache-2.0
// Routes out by a socket, each over the loopback interface or within the machine. What is told as
// sent is what the calls returned.
#include "routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIECE = 1000, ETHERTYPE_FOR_TESTS = 0x88b5, PROTOCOL_FOR_TESTS = 253 };

struct pair {
    int out, in;
    struct sockaddr_in address; // of `in`
    pthread_t drain;
};

static void *take_everything(void *arg) {
    const struct pair *pair = arg;
    static __thread char room[65536];
    while (recv(pair->in, room, sizeof room, 0) > 0) {
    }
    return NULL;
}

static void note(struct attempt *attempt, int fd) {
    socklen_t size = sizeof attempt->cookie;
    (void)getsockopt(fd, SOL_SOCKET, SO_COOKIE, &attempt->cookie, &size);
}

static bool open_stream(struct attempt *attempt, struct pair *pair) {
    socklen_t size = sizeof pair->address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    *pair = (struct pair){.address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    bool is_ready = bind(listener, (struct sockaddr *)&pair->address, size) == 0 &&
                    listen(listener, 1) == 0 &&
                    getsockname(listener, (struct sockaddr *)&pair->address, &size) == 0;
    pair->out = socket(AF_INET, SOCK_STREAM, 0);
    is_ready = is_ready && connect(pair->out, (struct sockaddr *)&pair->address, size) == 0;
    pair->in = accept(listener, NULL, NULL);
    (void)close(listener);
    note(attempt, pair->out);
    return is_ready && pthread_create(&pair->drain, NULL, take_everything, pair) == 0;
}

static void close_stream(struct pair *pair) {
    (void)shutdown(pair->out, SHUT_WR);
    (void)pthread_join(pair->drain, NULL);
    (void)close(pair->in);
    (void)close(pair->out);
}

static void add(struct attempt *attempt, ssize_t sent) {
    attempt->bytes = sent < 0 || attempt->bytes < 0 ? -errno : attempt->bytes + sent;
}

// ---- streams ------------------------------------------------------------------------------------

static void by_send(struct attempt *attempt) {
    struct pair pair;
    if (!open_stream(attempt, &pair)) {
        attempt->bytes = -errno;
        return;
    }
    add(attempt, send(pair.out, routes_room, SEND_BYTES, 0));
    close_stream(&pair);
}

static void by_zerocopy(struct attempt *attempt) {
    struct pair pair;
    int one = 1;
    bool is_ready = open_stream(attempt, &pair);
    add(attempt, is_ready ? setsockopt(pair.out, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one) : -1);
    add(attempt, send(pair.out, routes_room, SEND_BYTES, MSG_ZEROCOPY));
    close_stream(&pair);
}

static void by_writev(struct attempt *attempt) {
    struct pair pair;
    struct iovec parts[2] = {{routes_room, SEND_BYTES - PIECE}, {routes_room, PIECE}};
    bool is_ready = open_stream(attempt, &pair);
    add(attempt, is_ready ? writev(pair.out, parts, 2) : -1);
    close_stream(&pair);
}

static void by_sendfile(struct attempt *attempt) {
    struct pair pair;
    int fd = open(attempt->path, O_RDONLY);
    bool is_ready = open_stream(attempt, &pair);
    add(attempt, is_ready ? sendfile(pair.out, fd, NULL, SEND_BYTES) : -1);
    close_stream(&pair);
    (void)close(fd);
}

static void by_splice(struct attempt *attempt) {
    struct pair pair;
    int ends[2];
    int fd = open(attempt->path, O_RDONLY);
    bool is_ready = open_stream(attempt, &pair) && pipe(ends) == 0;
    ssize_t got = is_ready ? splice(fd, NULL, ends[1], NULL, SEND_BYTES, 0) : -1;
    add(attempt, got > 0 ? splice(ends[0], NULL, pair.out, NULL, (size_t)got, 0) : -1);
    close_stream(&pair);
    (void)close(fd);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void ask_ring(struct attempt *attempt, uint8_t opcode) {
    struct pair pair;
    struct uring ring;
    bool is_ready = open_stream(attempt, &pair) && uring_open(&ring, 0);
    struct io_uring_sqe request = {
        .opcode = opcode, .fd = pair.out, .addr = (uintptr_t)routes_room, .len = SEND_BYTES};
    attempt->bytes = is_ready ? uring_ask(&ring, &request) : -errno;
    close_stream(&pair);
    (void)close(ring.fd);
}

static void by_uring(struct attempt *attempt) {
    ask_ring(attempt, IORING_OP_SEND);
}

static void by_uring_zerocopy(struct attempt *attempt) {
    ask_ring(attempt, IORING_OP_SEND_ZC);
}

// ---- datagrams ----------------------------------------------------------------------------------

static void send_datagrams(struct attempt *attempt, bool is_connected) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int in = socket(AF_INET, SOCK_DGRAM, 0);
    int out = socket(AF_INET, SOCK_DGRAM, 0);
    bool is_ready = bind(in, (struct sockaddr *)&address, size) == 0 &&
                    getsockname(in, (struct sockaddr *)&address, &size) == 0;
    is_ready = is_ready && (!is_connected || connect(out, (struct sockaddr *)&address, size) == 0);
    note(attempt, out);
    add(attempt, is_ready ? 0 : -1);
    for (int sent = 0; is_ready && sent < SEND_BYTES; sent += PIECE) {
        add(attempt, is_connected
                         ? send(out, routes_room, PIECE, 0)
                         : sendto(out, routes_room, PIECE, 0, (struct sockaddr *)&address, size));
    }
    (void)close(in);
    (void)close(out);
}

static void by_udp(struct attempt *attempt) {
    send_datagrams(attempt, true);
}

static void by_udp_unconnected(struct attempt *attempt) {
    send_datagrams(attempt, false);
}

static void by_sendmmsg(struct attempt *attempt) {
    struct iovec part = {routes_room, PIECE};
    struct mmsghdr messages[SEND_BYTES / PIECE] = {0};
    int ends[2];
    bool is_ready = socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0;
    for (size_t i = 0; i < SEND_BYTES / PIECE; i++) {
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
    }
    note(attempt, ends[0]);
    int count = is_ready ? sendmmsg(ends[0], messages, SEND_BYTES / PIECE, 0) : -1;
    add(attempt, count < 0 ? -1 : 0);
    for (int i = 0; i < count; i++) {
        add(attempt, (ssize_t)messages[i].msg_len);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void send_unix(struct attempt *attempt, int type, size_t piece) {
    int ends[2];
    bool is_ready = socketpair(AF_UNIX, type, 0, ends) == 0;
    note(attempt, ends[0]);
    add(attempt, is_ready ? 0 : -1);
    for (size_t sent = 0; is_ready && sent < SEND_BYTES; sent += piece) {
        add(attempt, send(ends[0], routes_room, piece, 0));
        (void)!recv(ends[1], routes_room, sizeof routes_room, 0);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void by_unix_stream(struct attempt *attempt) {
    send_unix(attempt, SOCK_STREAM, SEND_BYTES);
}

static void by_unix_datagram(struct attempt *attempt) {
    send_unix(attempt, SOCK_DGRAM, PIECE);
}

static void by_unix_packets(struct attempt *attempt) {
    send_unix(attempt, SOCK_SEQPACKET, PIECE);
}

static void by_raw(struct attempt *attempt) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_RAW, PROTOCOL_FOR_TESTS);
    note(attempt, fd);
    for (int sent = 0; sent < SEND_BYTES; sent += PIECE) {
        add(attempt,
            sendto(fd, routes_room, PIECE, 0, (struct sockaddr *)&address, sizeof address));
    }
    (void)close(fd);
}

// ---- frames -------------------------------------------------------------------------------------

static struct sockaddr_ll loopback(void) {
    return (struct sockaddr_ll){.sll_family = AF_PACKET,
                                .sll_protocol = htons(ETHERTYPE_FOR_TESTS),
                                .sll_ifindex = (int)if_nametoindex("lo"),
                                .sll_halen = ETH_ALEN};
}

static void by_packet(struct attempt *attempt) {
    struct sockaddr_ll address = loopback();
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    note(attempt, fd);
    for (int sent = 0; sent < SEND_BYTES; sent += PIECE) {
        add(attempt,
            sendto(fd, routes_room, PIECE, 0, (struct sockaddr *)&address, sizeof address));
    }
    (void)close(fd);
}

// Frames are put into a ring that is shared with the kernel; the call that sends names none.
static void by_packet_ring(struct attempt *attempt) {
    struct sockaddr_ll address = loopback();
    int version = TPACKET_V2;
    struct tpacket_req request = {.tp_block_size = 4096,
                                  .tp_block_nr = SEND_BYTES / PIECE,
                                  .tp_frame_size = 2048,
                                  .tp_frame_nr = 2 * SEND_BYTES / PIECE};
    size_t size = (size_t)request.tp_block_size * request.tp_block_nr;
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    note(attempt, fd);
    bool is_ready = setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) == 0 &&
                    setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &request, sizeof request) == 0 &&
                    bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    uint8_t *ring = is_ready ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : NULL;
    add(attempt, ring != NULL && ring != MAP_FAILED ? 0 : -1);
    for (size_t i = 0; attempt->bytes == 0 && i < SEND_BYTES / PIECE; i++) {
        struct tpacket2_hdr *head = (void *)(ring + i * request.tp_frame_size);
        head->tp_len = PIECE;
        head->tp_snaplen = PIECE;
        memset((uint8_t *)head + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll), 0, PIECE);
        __atomic_store_n(&head->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
    }
    add(attempt, send(fd, NULL, 0, 0));
    (void)close(fd);
}

const struct route send_routes[] = {
    {"send", by_send},
    {"msg-zerocopy", by_zerocopy},
    {"writev", by_writev},
    {"sendfile", by_sendfile},
    {"splice", by_splice},
    {"io-uring", by_uring},
    {"io-uring-zerocopy", by_uring_zerocopy},
    {"udp", by_udp},
    {"udp-unconnected", by_udp_unconnected},
    {"sendmmsg", by_sendmmsg},
    {"unix-stream", by_unix_stream},
    {"unix-datagram", by_unix_datagram},
    {"unix-packets", by_unix_packets},
    {"raw-ip", by_raw},
    {"packet", by_packet},
    {"packet-ring", by_packet_ring},
    {NULL, NULL},
};
