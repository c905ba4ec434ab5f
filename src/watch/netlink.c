// SPDX-License-Identifier: Apache-2.0
// Messages of rtnetlink and their answers.
#include "watch/netlink.h"

#include "base/fd.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Not in <linux/if.h> beside <net/if.h>.
unsigned if_nametoindex(const char *name);

enum { REQUEST_BYTES = 512 };

static const uint8_t hardware_address[] = {0x02, 0x6f, 0x76, 0x65, 0x72, 0x74}; // a local one

struct request {
    _Alignas(struct nlmsghdr) uint8_t bytes[REQUEST_BYTES];
    size_t size;
};

// Room for so many bytes at the end, aligned behind them. All requests here are far shorter than
// their room.
static size_t extend(struct request *request, const void *data, size_t size) {
    size_t at = request->size;
    if (size > 0) {
        (void)memcpy(request->bytes + at, data, size);
    }
    request->size = NLMSG_ALIGN(at + size);
    return at;
}

static void begin(struct request *request, uint16_t type, uint16_t flags) {
    struct nlmsghdr header = {.nlmsg_type = type,
                              .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags)};
    *request = (struct request){0};
    (void)extend(request, &header, sizeof header);
}

static size_t add_attribute(struct request *request, uint16_t type, const void *data, size_t size) {
    struct rtattr attribute = {.rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(size)};
    size_t at = extend(request, &attribute, sizeof attribute);
    (void)extend(request, data, size);
    return at;
}

// An attribute that holds all that was added since.
static void close_nest(struct request *request, size_t at) {
    uint16_t size = (uint16_t)(request->size - at);
    (void)memcpy(request->bytes + at + offsetof(struct rtattr, rta_len), &size, sizeof size);
}

static enum ov_status ask(struct request *request) {
    uint32_t size = (uint32_t)request->size;
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        uint8_t rest[1024];
    } answer;
    (void)memcpy(request->bytes + offsetof(struct nlmsghdr, nlmsg_len), &size, sizeof size);
    OV_AUTO_FD fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || send(fd, request->bytes, size, 0) < 0) {
        return OV_SYSTEM;
    }
    ssize_t got = recv(fd, &answer, sizeof answer, 0);
    if (got < 0) {
        return OV_SYSTEM;
    }
    bool is_answer = (size_t)got >= sizeof answer.header + sizeof answer.error &&
                     answer.header.nlmsg_type == NLMSG_ERROR;
    errno = is_answer ? -answer.error.error : EPROTO;
    return errno == 0 ? OV_OK : OV_SYSTEM;
}

enum ov_status ov_netlink_make_pair(const char *name, const char *peer, int peer_namespace) {
    struct request request;
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC};
    begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    (void)extend(&request, &link, sizeof link);
    (void)add_attribute(&request, IFLA_IFNAME, name, strlen(name) + 1);
    (void)add_attribute(&request, IFLA_ADDRESS, hardware_address, sizeof hardware_address);
    size_t info = add_attribute(&request, IFLA_LINKINFO, NULL, 0);
    (void)add_attribute(&request, IFLA_INFO_KIND, "veth", sizeof "veth");
    size_t data = add_attribute(&request, IFLA_INFO_DATA, NULL, 0);
    size_t other = add_attribute(&request, VETH_INFO_PEER, NULL, 0);
    (void)extend(&request, &link, sizeof link);
    (void)add_attribute(&request, IFLA_IFNAME, peer, strlen(peer) + 1);
    (void)add_attribute(&request, IFLA_ADDRESS, hardware_address, sizeof hardware_address);
    (void)add_attribute(&request, IFLA_NET_NS_FD, &peer_namespace, sizeof peer_namespace);
    close_nest(&request, other);
    close_nest(&request, data);
    close_nest(&request, info);
    return ask(&request);
}

enum ov_status ov_netlink_raise(const char *name, bool is_quiet) {
    struct request request;
    uint32_t flags = IFF_UP | (is_quiet ? IFF_NOARP : 0);
    struct ifinfomsg link = {.ifi_family = AF_UNSPEC,
                             .ifi_index = (int)if_nametoindex(name),
                             .ifi_flags = flags,
                             .ifi_change = flags};
    begin(&request, RTM_NEWLINK, 0);
    (void)extend(&request, &link, sizeof link);
    return ask(&request);
}

enum ov_status ov_netlink_add_address(const char *name, const uint8_t *address, uint8_t size,
                                      uint8_t prefix_bits) {
    struct request request;
    struct ifaddrmsg message = {.ifa_family = size == 4 ? AF_INET : AF_INET6,
                                .ifa_prefixlen = prefix_bits,
                                .ifa_flags = size == 4 ? 0 : IFA_F_NODAD,
                                .ifa_index = if_nametoindex(name)};
    begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    (void)extend(&request, &message, sizeof message);
    (void)add_attribute(&request, IFA_LOCAL, address, size);
    (void)add_attribute(&request, IFA_ADDRESS, address, size);
    return ask(&request);
}

enum ov_status ov_netlink_add_gateway(const uint8_t *address, uint8_t size) {
    struct request request;
    struct rtmsg message = {.rtm_family = size == 4 ? AF_INET : AF_INET6,
                            .rtm_table = RT_TABLE_MAIN,
                            .rtm_protocol = RTPROT_STATIC,
                            .rtm_scope = RT_SCOPE_UNIVERSE,
                            .rtm_type = RTN_UNICAST};
    begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
    (void)extend(&request, &message, sizeof message);
    (void)add_attribute(&request, RTA_GATEWAY, address, size);
    return ask(&request);
}
