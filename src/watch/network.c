// SPDX-License-Identifier: Apache-2.0
// Two network namespaces and the link between.
#include "watch/network.h"

#include "base/fd.h"
#include "watch/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CAPTURE_BYTES = 64 << 20 }; // that may wait to be taken

#define INSIDE_NAME "eth0"
#define FAR_NAME    "far0"

// Addresses for documentation (RFC 5737): no product has a reason to speak to these.
static const uint8_t inside_v4[] = {192, 0, 2, 2};
static const uint8_t far_v4[] = {192, 0, 2, 1};
// A local network's (RFC 4193).
static const uint8_t inside_v6[] = {0xfd, 0x6f, 0x76, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
static const uint8_t far_v6[] = {0xfd, 0x6f, 0x76, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

static int open_own(void) {
    return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

// Settings of the namespace that the writer is in; what this kernel does not have needs no setting.
static void set(const char *path, const char *value) {
    OV_AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)ov_fd_write_all(fd, ov_span_text(value)) /* noise stays, and is captured */;
    }
}

// The kernel's own talk is no product's.
static void silence(void) {
    set("/proc/sys/net/ipv6/conf/default/accept_ra", "0");
    set("/proc/sys/net/ipv6/conf/default/router_solicitations", "0");
    set("/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1");
    set("/proc/sys/net/ipv6/conf/default/dad_transmits", "0");
}

static enum ov_status open_capture(int *ret_fd) {
    static const int bytes = CAPTURE_BYTES;
    static const int one = 1;
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(FAR_NAME)};
    OV_AUTO_FD fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        return OV_SYSTEM;
    }
    *ret_fd = fd;
    fd = -1;
    return OV_OK;
}

// It answers at once that there is no way on: who waits for a connection learns it.
static enum ov_status set_up_far(int far, int *ret_capture) {
    if (setns(far, CLONE_NEWNET) != 0) {
        return OV_SYSTEM;
    }
    set("/proc/sys/net/ipv4/ip_forward", "1");
    set("/proc/sys/net/ipv6/conf/all/forwarding", "1");
    set("/proc/sys/net/ipv4/icmp_ratelimit", "0");
    set("/proc/sys/net/ipv4/icmp_msgs_per_sec", "1000000"); // a namespace's own since Linux 6.12
    set("/proc/sys/net/ipv6/icmp/ratelimit", "0");
    TRY(open_capture(ret_capture));
    TRY(ov_netlink_raise(FAR_NAME, true)); // before it has addresses to speak of
    (void)!ov_netlink_add_address(FAR_NAME, far_v6, sizeof far_v6, 64) /* no IPv6 here */;
    return ov_netlink_add_address(FAR_NAME, far_v4, sizeof far_v4, 30);
}

static enum ov_status set_up_inside(int inside) {
    if (setns(inside, CLONE_NEWNET) != 0) {
        return OV_SYSTEM;
    }
    TRY(ov_netlink_raise("lo", false));
    TRY(ov_netlink_raise(INSIDE_NAME, true));
    TRY(ov_netlink_add_address(INSIDE_NAME, inside_v4, sizeof inside_v4, 30));
    bool has_v6 = ov_netlink_add_address(INSIDE_NAME, inside_v6, sizeof inside_v6, 64) == OV_OK;
    TRY(ov_netlink_add_gateway(far_v4, sizeof far_v4));
    return has_v6 ? ov_netlink_add_gateway(far_v6, sizeof far_v6) : OV_OK;
}

static enum ov_status make(struct ov_network *network, const char **ret_what) {
    OV_AUTO_FD far = -1;
    *ret_what = "a network namespace";
    if (unshare(CLONE_NEWNET) != 0 || (far = open_own()) < 0) {
        return OV_SYSTEM;
    }
    silence();
    if (unshare(CLONE_NEWNET) != 0 || (network->inside = open_own()) < 0) {
        return OV_SYSTEM;
    }
    silence();
    *ret_what = "a pair of linked interfaces (veth)";
    TRY(ov_netlink_make_pair(INSIDE_NAME, FAR_NAME, far));
    *ret_what = "the capture at the far end";
    TRY(set_up_far(far, &network->capture));
    *ret_what = "the interface inside";
    return set_up_inside(network->inside);
}

enum ov_status ov_network_open(struct ov_network *ret_network, const char **ret_what) {
    struct ov_network network = {.inside = -1, .capture = -1};
    OV_AUTO_FD own = open_own();
    *ret_what = "the network namespace";
    if (own < 0) {
        return OV_SYSTEM;
    }
    enum ov_status status = make(&network, ret_what);
    int error = errno;
    if (setns(own, CLONE_NEWNET) != 0) {
        status = OV_SYSTEM;
        error = errno;
    }
    if (status != OV_OK) {
        ov_network_close(&network);
        errno = error;
        return status;
    }
    *ret_network = network;
    return OV_OK;
}

void ov_network_close(struct ov_network *network) {
    ov_fd_close(&network->inside);
    ov_fd_close(&network->capture);
}

enum ov_status ov_network_enter(const struct ov_network *network) {
    return setns(network->inside, CLONE_NEWNET) == 0 ? OV_OK : OV_SYSTEM;
}
