// SPDX-License-Identifier: Apache-2.0
//
// Counts what processes give to libraries of TLS before it is encrypted: a part of watch.bpf.c.
// Sizes alone: what the bytes say is not looked at. Loaded when it is asked for (--plaintext); each
// program is attached to a function of each library, whose number is its cookie.
#pragma once

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __type(key, struct watch_plain_key);
    __type(value, struct watch_plain);
} plaintexts SEC(".maps");

// Where SSL_write_ex will say how many bytes it took, of each thread that is in it.
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __type(key, __u64);
    __type(value, __u64);
} plain_calls SEC(".maps");

static const struct watch_plain no_plain;

static __always_inline void add_plain(__u64 library, __u64 bytes) {
    __u32 pid = current_pid();
    const struct watch_process *process = watched(pid);
    if (process == NULL) {
        return;
    }
    struct watch_plain_key key = {.start_ns = process->start_ns, .pid = pid, .library = library};
    struct watch_plain *plain = bpf_map_lookup_elem(&plaintexts, &key);
    if (plain == NULL) {
        bpf_map_update_elem(&plaintexts, &key, &no_plain, BPF_NOEXIST);
        plain = bpf_map_lookup_elem(&plaintexts, &key);
        if (plain == NULL) {
            count(WATCH_LOST_PLAINTEXTS);
            return;
        }
        plain->first_ns = bpf_ktime_get_boot_ns();
    }
    plain->last_ns = bpf_ktime_get_boot_ns();
    __sync_fetch_and_add(&plain->calls, 1);
    __sync_fetch_and_add(&plain->bytes, bytes);
}

// int SSL_write(SSL *, const void *, int): the bytes that it took, or less than one.
SEC("uretprobe")
int on_ssl_written(struct pt_regs *regs) {
    int result = (int)regs->ax;
    if (result > 0) {
        add_plain(bpf_get_attach_cookie(regs), result);
    }
    return 0;
}

// int SSL_write_ex(SSL *, const void *, size_t, size_t *written): 1 when it took some.
SEC("uprobe")
int on_ssl_write_ex(struct pt_regs *regs) {
    __u64 thread = bpf_get_current_pid_tgid();
    __u64 written = regs->cx;
    if (watched(thread >> 32) != NULL &&
        bpf_map_update_elem(&plain_calls, &thread, &written, BPF_ANY) < 0) {
        count(WATCH_LOST_PLAINTEXTS);
    }
    return 0;
}

SEC("uretprobe")
int on_ssl_written_ex(struct pt_regs *regs) {
    __u64 thread = bpf_get_current_pid_tgid();
    const __u64 *written = bpf_map_lookup_elem(&plain_calls, &thread);
    __u64 bytes = 0;
    if (written == NULL) {
        return 0;
    }
    if ((int)regs->ax == 1) {
        if (bpf_probe_read_user(&bytes, sizeof bytes, (const void *)*written) < 0) {
            count(WATCH_LOST_PLAINTEXTS);
        }
        add_plain(bpf_get_attach_cookie(regs), bytes);
    }
    bpf_map_delete_elem(&plain_calls, &thread);
    return 0;
}

// ssize_t gnutls_record_send(gnutls_session_t, const void *, size_t): the bytes that it took, or an
// error below 0.
SEC("uretprobe")
int on_gnutls_sent(struct pt_regs *regs) {
    long result = (long)regs->ax;
    if (result > 0) {
        add_plain(bpf_get_attach_cookie(regs), result);
    }
    return 0;
}
