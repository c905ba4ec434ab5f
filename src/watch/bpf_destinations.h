// SPDX-License-Identifier: Apache-2.0
//
// Where sockets of UDP without another end send to: a part of watch.bpf.c. The kernel asks here
// with each address, before it sends; when it has sent, on_send counts for that address.
#pragma once

struct destination {
    __u64 cookie;
    struct watch_address address;
};

// What each thread is about to send.
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __type(key, __u64); // process and thread
    __type(value, struct destination);
} destinations SEC(".maps");

static __always_inline __u64 current_thread(void) {
    struct task_struct *task = bpf_get_current_task_btf();
    return (__u64)task->tgid << 32 | (__u32)task->pid;
}

static __always_inline int note_destination(struct bpf_sock_addr *asked, bool is_ipv6) {
    __u64 thread = current_thread();
    struct destination destination = {0};
    if (watched(thread >> 32) == NULL) {
        return 1;
    }
    destination.cookie = bpf_get_socket_cookie(asked);
    destination.address.port = bpf_ntohs((__u16)asked->user_port);
    if (is_ipv6) {
        destination.address.words[0] = asked->user_ip6[0];
        destination.address.words[1] = asked->user_ip6[1];
        destination.address.words[2] = asked->user_ip6[2];
        destination.address.words[3] = asked->user_ip6[3];
    } else if (asked->family == AF_INET6) { // ::ffff:192.0.2.1
        destination.address.words[2] = bpf_htonl(0xffff);
        destination.address.words[3] = asked->user_ip4;
    } else {
        destination.address.words[0] = asked->user_ip4;
    }
    destination.address.is_there = 1;
    bpf_map_update_elem(&destinations, &thread, &destination, BPF_ANY);
    return 1; // it may
}

SEC("cgroup/sendmsg4")
int on_destination4(struct bpf_sock_addr *asked) {
    return note_destination(asked, false);
}

SEC("cgroup/sendmsg6")
int on_destination6(struct bpf_sock_addr *asked) {
    return note_destination(asked, true);
}

// That of what this thread has sent by this socket; none when the socket has another end.
static __always_inline void take_destination(struct sock *sock, struct watch_socket_key *key) {
    __u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);
    if ((family != AF_INET && family != AF_INET6) || BPF_CORE_READ(sock, sk_type) != SOCK_DGRAM ||
        BPF_CORE_READ(sock, __sk_common.skc_dport) != 0) {
        return;
    }
    __u64 thread = current_thread();
    const struct destination *destination = bpf_map_lookup_elem(&destinations, &thread);
    if (destination != NULL && destination->cookie == key->cookie) {
        key->remote = destination->address;
    }
}
