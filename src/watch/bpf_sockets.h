// SPDX-License-Identifier: Apache-2.0
//
// Counts what goes through sockets: a part of watch.bpf.c, which has its maps.
#pragma once

static __always_inline __u32 unix_name(struct unix_address *address, char *path) {
    if (address == NULL) {
        return 0;
    }
    int length = BPF_CORE_READ(address, len) - 2; // its family comes before
    if (length <= 0) {
        return 0;
    }
    bpf_core_read(path, WATCH_UNIX_BYTES, &address->name[0].sun_path);
    return length < WATCH_UNIX_BYTES ? length : WATCH_UNIX_BYTES;
}

static __always_inline void describe_unix(struct sock *sock, struct watch_socket *socket) {
    struct unix_sock *own = (struct unix_sock *)sock;
    struct unix_sock *peer = (struct unix_sock *)BPF_CORE_READ(own, peer);
    struct pid *pid = BPF_CORE_READ(sock, sk_peer_pid);
    socket->local_length = unix_name(BPF_CORE_READ(own, addr), socket->local_path);
    if (peer != NULL) {
        socket->remote_length = unix_name(BPF_CORE_READ(peer, addr), socket->remote_path);
    }
    if (pid != NULL) {
        socket->peer = BPF_CORE_READ(pid, numbers[0].nr);
    }
}

static __always_inline void describe(struct sock *sock, struct watch_socket *socket) {
    socket->family = BPF_CORE_READ(sock, __sk_common.skc_family);
    socket->type = BPF_CORE_READ(sock, sk_type);
    socket->protocol = BPF_CORE_READ(sock, sk_protocol);
    if (socket->family == AF_INET) {
        bpf_core_read(socket->local, 4, &sock->__sk_common.skc_rcv_saddr);
        bpf_core_read(socket->remote, 4, &sock->__sk_common.skc_daddr);
    } else if (socket->family == AF_INET6) {
        bpf_core_read(socket->local, 16, &sock->__sk_common.skc_v6_rcv_saddr);
        bpf_core_read(socket->remote, 16, &sock->__sk_common.skc_v6_daddr);
    } else if (socket->family == AF_UNIX) {
        describe_unix(sock, socket);
    } else if (socket->family == AF_NETLINK) {
        socket->number = BPF_CORE_READ((struct netlink_sock *)sock, dst_portid);
    } else if (socket->family == AF_PACKET) {
        socket->number = BPF_CORE_READ((struct packet_sock *)sock, ifindex);
    }
    if (socket->family == AF_INET || socket->family == AF_INET6) {
        socket->local_port = BPF_CORE_READ(sock, __sk_common.skc_num);
        socket->remote_port = bpf_ntohs(BPF_CORE_READ(sock, __sk_common.skc_dport));
    }
}

static __always_inline struct watch_socket *socket_of(struct sock *sock, bool is_send) {
    __u32 pid = current_pid();
    __u32 zero = 0;
    struct watch_process *process = watched(pid);
    if (process == NULL) {
        return NULL;
    }
    struct watch_socket_key key = {
        .cookie = bpf_get_socket_cookie(sock),
        .start_ns = process->start_ns,
        .pid = pid,
    };
    if (is_send) {
        take_destination(sock, &key);
    }
    void *map = bpf_map_lookup_elem(&sockets, &zero);
    if (map == NULL) {
        return NULL;
    }
    struct watch_socket *socket = bpf_map_lookup_elem(map, &key);
    if (socket == NULL) {
        struct watch_socket *fresh = bpf_map_lookup_elem(&socket_scratch, &zero);
        if (fresh == NULL) {
            return NULL;
        }
        __builtin_memset(fresh, 0, sizeof *fresh);
        describe(sock, fresh);
        if (key.remote.is_there != 0) {
            __builtin_memcpy(fresh->remote, key.remote.words, sizeof fresh->remote);
            fresh->remote_port = key.remote.port;
        }
        fresh->first_ns = bpf_ktime_get_boot_ns();
        bpf_map_update_elem(map, &key, fresh, BPF_NOEXIST);
        socket = bpf_map_lookup_elem(map, &key);
        if (socket == NULL) {
            count(WATCH_LOST_SOCKETS);
            return NULL;
        }
    }
    socket->last_ns = bpf_ktime_get_boot_ns();
    return socket;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_send, struct sock *sock, int result) {
    struct watch_socket *socket = result > 0 ? socket_of(sock, true) : NULL;
    if (socket != NULL) {
        __sync_fetch_and_add(&socket->sends, 1);
        __sync_fetch_and_add(&socket->sent_bytes, result);
    }
    return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive, struct sock *sock, int result) {
    struct watch_socket *socket = result > 0 ? socket_of(sock, false) : NULL;
    if (socket != NULL) {
        __sync_fetch_and_add(&socket->receives, 1);
        __sync_fetch_and_add(&socket->received_bytes, result);
    }
    return 0;
}
