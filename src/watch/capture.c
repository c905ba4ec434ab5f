// SPDX-License-Identifier: Apache-2.0
// Frames from the packet socket, and whose they are.
#include "watch/capture.h"

#include "base/cursor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    FRAME_BYTES = 256 << 10, // more than any frame, those included that are cut up later
    ETHERNET_BYTES = 14,
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    OTHER_PROTOCOLS = 65536, // EtherTypes stand behind
    REMOTES_MAX = 65536,
};

struct remote {
    struct { // the key
        uint32_t protocol;
        uint32_t family; // 0: no address
        uint8_t address[16];
        uint32_t port; // 0: none
        uint32_t reserved;
    } key;
    uint64_t first_ns, last_ns;
    uint64_t sent_packets, sent_bytes;
    uint64_t received_packets, received_bytes;
    uint64_t written; // packets
};

struct frame {
    struct ov_span bytes;
    uint64_t time_ns; // since 1970
    bool is_outbound;
};

static const char loss_name[] = "capture";

static enum ov_status write_loss(struct ov_capture *capture, struct ov_trace_writer *trace) {
    struct ov_trace_loss loss = {.name = ov_span_text(loss_name), .count = capture->lost};
    capture->written_lost = capture->lost;
    return ov_trace_write_loss(trace, &loss);
}

enum ov_status ov_capture_open(int socket, const struct ov_capture_file *file,
                               struct ov_trace_writer *trace, struct ov_capture *ret_capture) {
    *ret_capture = (struct ov_capture){.socket = socket, .path = file->path};
    ov_table_init(sizeof((struct remote *)NULL)->key, sizeof(struct remote), &ret_capture->remotes);
    enum ov_status status = ov_pcapng_open(file->fd, file->bytes_max, &ret_capture->file);
    ret_capture->frame = malloc(FRAME_BYTES);
    status = ret_capture->frame != NULL ? status : OV_MEMORY;
    status = status == OV_OK ? write_loss(ret_capture, trace) : status;
    if (status != OV_OK) {
        ov_capture_close(ret_capture);
    }
    return status;
}

void ov_capture_close(struct ov_capture *capture) {
    if (capture->path != NULL) {
        ov_pcapng_close(&capture->file);
        ov_table_release(&capture->remotes);
        free(capture->frame);
    }
    *capture = (struct ov_capture){.socket = -1};
}

// ---- whose a frame is ---------------------------------------------------------------------------

static bool has_ports(uint32_t protocol) {
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
           protocol == IPPROTO_DCCP || protocol == IPPROTO_UDPLITE;
}

static void read_port(struct ov_cursor *cursor, bool is_outbound, struct remote *remote) {
    if (has_ports(remote->key.protocol)) {
        uint16_t source = ov_cursor_u16be(cursor);
        uint16_t target = ov_cursor_u16be(cursor);
        remote->key.port = is_outbound ? target : source;
    }
}

// RFC 791, 3.1.
static void read_ipv4(struct ov_cursor *cursor, bool is_outbound, struct remote *remote) {
    uint8_t words = ov_cursor_u8(cursor) & 0x0f;
    ov_cursor_skip(cursor, 5);
    bool is_first = (ov_cursor_u16be(cursor) & 0x1fff) == 0; // of its fragments
    ov_cursor_skip(cursor, 1);
    remote->key.protocol = ov_cursor_u8(cursor);
    ov_cursor_skip(cursor, 2 + (is_outbound ? 4 : 0));
    struct ov_span address = ov_cursor_bytes(cursor, 4);
    ov_cursor_skip(cursor, (is_outbound ? 0u : 4u) + (words > 5 ? (words - 5u) * 4 : 0));
    if (address.size == 4) {
        remote->key.family = AF_INET;
        (void)memcpy(remote->key.address, address.data, 4);
    }
    if (is_first) {
        read_port(cursor, is_outbound, remote);
    }
}

// RFC 8200, 3. What has further headers is told by the first of them.
static void read_ipv6(struct ov_cursor *cursor, bool is_outbound, struct remote *remote) {
    ov_cursor_skip(cursor, 6);
    remote->key.protocol = ov_cursor_u8(cursor);
    ov_cursor_skip(cursor, is_outbound ? 17 : 1);
    struct ov_span address = ov_cursor_bytes(cursor, 16);
    ov_cursor_skip(cursor, is_outbound ? 0 : 16);
    if (address.size == 16) {
        remote->key.family = AF_INET6;
        (void)memcpy(remote->key.address, address.data, 16);
    }
    read_port(cursor, is_outbound, remote);
}

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum ov_status count_frame(struct ov_capture *capture, const struct frame *frame) {
    struct remote found;
    (void)memset(&found, 0, sizeof found);
    struct ov_cursor cursor = ov_cursor_init(frame->bytes);
    ov_cursor_skip(&cursor, ETHERNET_BYTES - 2);
    uint16_t type = ov_cursor_u16be(&cursor);
    found.key.protocol = OTHER_PROTOCOLS + type;
    if (type == TYPE_IPV4) {
        read_ipv4(&cursor, frame->is_outbound, &found);
    } else if (type == TYPE_IPV6) {
        read_ipv6(&cursor, frame->is_outbound, &found);
    }
    if (capture->remotes.count >= REMOTES_MAX) { // who speaks to ever new ones is told as one
        (void)memset(found.key.address, 0, sizeof found.key.address);
        found.key.family = 0;
        found.key.port = 0;
    }
    struct remote *remote = ov_table_get(&capture->remotes, &found.key);
    if (remote == NULL) {
        return OV_MEMORY;
    }
    remote->last_ns = now_ns();
    remote->first_ns = remote->first_ns == 0 ? remote->last_ns : remote->first_ns;
    if (frame->is_outbound) {
        remote->sent_packets++;
        remote->sent_bytes += frame->bytes.size;
    } else {
        remote->received_packets++;
        remote->received_bytes += frame->bytes.size;
    }
    capture->packets++;
    return OV_OK;
}

// ---- taking -------------------------------------------------------------------------------------

// OV_END: no more for now.
static enum ov_status receive(struct ov_capture *capture, struct frame *ret_frame) {
    struct sockaddr_ll from = {0};
    struct iovec space = {.iov_base = capture->frame, .iov_len = FRAME_BYTES};
    _Alignas(struct cmsghdr) uint8_t control[256];
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof from,
                             .msg_iov = &space,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t size = recvmsg(capture->socket, &message, MSG_DONTWAIT);
    if (size < 0) {
        bool is_empty = errno == EAGAIN || errno == EINTR || errno == ENETDOWN;
        return is_empty ? OV_END : OV_SYSTEM;
    }
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_REALTIME, &time);
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part != NULL;
         part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
            (void)memcpy(&time, CMSG_DATA(part), sizeof time);
        }
    }
    *ret_frame = (struct frame){
        .bytes = ov_span_make(capture->frame, (size_t)size),
        .time_ns = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec,
        .is_outbound = from.sll_pkttype != PACKET_OUTGOING,
    };
    return OV_OK;
}

static void take_drops(struct ov_capture *capture) {
    struct tpacket_stats stats = {0};
    socklen_t size = sizeof stats;
    // Asking sets them to 0.
    if (getsockopt(capture->socket, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) {
        capture->lost += stats.tp_drops;
    }
}

// Behind the first frame that had no room there is no other: the file has no holes.
static bool keep_frame(struct ov_capture *capture, const struct frame *frame) {
    if (capture->is_full || capture->has_failed) {
        return false;
    }
    enum ov_status status =
        ov_pcapng_add(&capture->file, frame->time_ns, frame->is_outbound, frame->bytes);
    capture->is_full = status == OV_LIMIT;
    capture->has_failed = status != OV_OK && status != OV_LIMIT;
    return status == OV_OK;
}

enum ov_status ov_capture_take(struct ov_capture *capture) {
    struct frame frame;
    enum ov_status status = capture->socket >= 0 ? OV_OK : OV_END;
    while (status == OV_OK && (status = receive(capture, &frame)) == OV_OK) {
        status = count_frame(capture, &frame);
        capture->lost += !keep_frame(capture, &frame);
    }
    return status == OV_END ? OV_OK : status;
}

// ---- writing ------------------------------------------------------------------------------------

static enum ov_status write_remote(struct remote *remote, struct ov_trace_writer *trace) {
    char address[INET6_ADDRSTRLEN] = "";
    char text[INET6_ADDRSTRLEN + 16] = "";
    bool is_v6 = remote->key.family == AF_INET6;
    if (remote->key.family != 0) {
        (void)inet_ntop((int)remote->key.family, remote->key.address, address, sizeof address);
        (void)snprintf(text, sizeof text, is_v6 ? "[%s]" : "%s", address);
    }
    if (remote->key.port != 0) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, ":%u", remote->key.port);
    }
    struct ov_trace_net record = {
        .protocol = remote->key.protocol,
        .remote = ov_span_text(text),
        .first_ns = remote->first_ns,
        .last_ns = remote->last_ns,
        .sent_packets = remote->sent_packets,
        .sent_bytes = remote->sent_bytes,
        .received_packets = remote->received_packets,
        .received_bytes = remote->received_bytes,
    };
    uint64_t packets = remote->sent_packets + remote->received_packets;
    if (packets == remote->written) {
        return OV_OK;
    }
    remote->written = packets;
    return ov_trace_write_net(trace, &record);
}

enum ov_status ov_capture_write(struct ov_capture *capture, struct ov_trace_writer *trace,
                                bool is_end) {
    if (capture->socket < 0) {
        return OV_OK;
    }
    take_drops(capture);
    for (size_t i = 0; i < capture->remotes.count; i++) {
        TRY(write_remote(ov_table_item(&capture->remotes, i), trace));
    }
    if (!capture->has_failed && ov_pcapng_flush(&capture->file) != OV_OK) {
        capture->has_failed = true;
        capture->lost++;
    }
    if (capture->lost != capture->written_lost) {
        TRY(write_loss(capture, trace));
    }
    if (!is_end && capture->packets == capture->written_packets) {
        return OV_OK;
    }
    struct ov_trace_capture record = {.path = ov_span_text(capture->path),
                                      .packets = capture->packets,
                                      .bytes = capture->file.bytes};
    if (is_end) {
        ov_pcapng_digest(&capture->file, record.sha256);
    }
    capture->written_packets = capture->packets;
    return ov_trace_write_capture(trace, &record);
}
