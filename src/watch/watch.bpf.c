/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
// Counts, in the kernel, what watched processes read, write and send.
//
// It stands where every read ends up, whatever call it came by: at the page cache, at direct I/O
// and at sockets. Counters lie in maps of two generations; the recorder changes the generation,
// waits until nobody is in the old one, and empties that. The ring has rare events alone.
#include "watch/kernel.h"

#include "watch/event.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

// The numbers of enum ov_trace_route, which the recorder holds them against.
enum {
    ROUTE_CALL,
    ROUTE_PAGES,
    ROUTE_MAPPED,
    ROUTE_FAULTED,
    ROUTE_DIRECT,
    ROUTE_URING,
    ROUTE_SPLICED,
    ROUTE_PASSED,
    ROUTE_HANDLE,
    ROUTE_PRE_ACCESS,
    ROUTE_WRITTEN,
    ROUTE_DIRTIED,
};

enum {
    MODE_TYPE = 0170000,
    MODE_REGULAR = 0100000,
    MODE_FOLDER = 0040000,
    MODE_SOCKET = 0140000,
    MODE_LINK = 0120000,
    AF_UNIX = 1,
    AF_INET = 2,
    AF_INET6 = 10,
    AF_NETLINK = 16,
    AF_PACKET = 17,
    PAGE_SHIFT_MAX = 30,
};

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 page_shift = 12;
const volatile bool has_canaries = false;
const volatile bool has_envelope = false;

struct files {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 131072);
    __type(key, struct watch_file_key);
    __type(value, struct watch_file);
};

struct names {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, struct watch_inode);
    __type(value, struct watch_name);
};

struct sockets {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __type(key, struct watch_socket_key);
    __type(value, struct watch_socket);
};

struct files files_0 SEC(".maps"), files_1 SEC(".maps");
struct names names_0 SEC(".maps"), names_1 SEC(".maps");
struct sockets sockets_0 SEC(".maps"), sockets_1 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct files);
} files SEC(".maps") = {.values = {&files_0}};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct names);
} names SEC(".maps") = {.values = {&names_0}};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, __u32);
    __type(value, struct watch_process);
} processes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct sockets);
} sockets SEC(".maps") = {.values = {&sockets_0}};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, struct watch_inode);
    __type(value, __u32);
} canaries SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 16 << 20);
} ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, WATCH_COUNTERS);
    __type(key, __u32);
    __type(value, __u64);
} counters SEC(".maps");

// Where values are put together: they are too large for the stack.
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct watch_name);
} name_scratch SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct watch_socket);
} socket_scratch SEC(".maps");

static const struct watch_file no_file;

// ---- small things -------------------------------------------------------------------------------

static __always_inline void count(__u32 counter) {
    __u64 *value = bpf_map_lookup_elem(&counters, &counter);
    if (value != NULL) {
        (*value)++;
    }
}

static __always_inline __u32 current_pid(void) {
    return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline struct watch_process *watched(__u32 pid) {
    return bpf_map_lookup_elem(&processes, &pid);
}

static __always_inline struct watch_inode inode_key(const struct inode *inode) {
    struct watch_inode key = {
        .inode = BPF_CORE_READ(inode, i_ino),
        .device = BPF_CORE_READ(inode, i_sb, s_dev),
        .generation = BPF_CORE_READ(inode, i_generation),
    };
    return key;
}

// ---- names --------------------------------------------------------------------------------------

static __always_inline struct dentry *dentry_of(struct inode *inode) {
    struct hlist_node *node = BPF_CORE_READ(inode, i_dentry.first);
    if (node == NULL) {
        return NULL;
    }
    return (struct dentry *)((char *)node - bpf_core_field_offset(struct dentry, d_u.d_alias));
}

static __noinline void add_name(struct inode *inode, struct dentry *dentry,
                                const struct watch_inode *key) {
    __u32 zero = 0;
    void *map = bpf_map_lookup_elem(&names, &zero);
    struct watch_name *name = bpf_map_lookup_elem(&name_scratch, &zero);
    if (map == NULL || name == NULL || key == NULL) {
        return;
    }
    const struct watch_name *known = bpf_map_lookup_elem(map, key);
    if (known != NULL && (known->is_opened != 0 || dentry == NULL)) {
        return;
    }
    __u32 used = 0;
    name->size_bytes = BPF_CORE_READ(inode, i_size);
    name->mode = BPF_CORE_READ(inode, i_mode);
    name->is_opened = dentry != NULL;
    name->is_cut = 1;
    const char *filesystem = BPF_CORE_READ(inode, i_sb, s_type, name);
    bpf_probe_read_kernel_str(name->filesystem, sizeof name->filesystem, filesystem);
    if (dentry == NULL) {
        dentry = dentry_of(inode);
    }
    for (int i = 0; i < WATCH_DEPTH_MAX; i++) {
        struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
        if (dentry == NULL || parent == NULL || parent == dentry) {
            name->is_cut = dentry == NULL;
            break;
        }
        if (used >= WATCH_PATH_BYTES) {
            break;
        }
        const unsigned char *part = BPF_CORE_READ(dentry, d_name.name);
        long length = bpf_probe_read_kernel_str(&name->path[used], WATCH_PART_BYTES, part);
        if (length <= 0 || length > WATCH_PART_BYTES) {
            break;
        }
        used += length;
        dentry = parent;
    }
    name->used = used;
    if (bpf_map_update_elem(map, key, name, BPF_ANY) < 0 &&
        bpf_map_lookup_elem(map, key) == NULL) { // and no other processor was quicker
        count(WATCH_LOST_NAMES);
    }
}

// ---- files --------------------------------------------------------------------------------------

// The counters of this process and inode, made when there are none.
static __always_inline struct watch_file *file_of(__u32 pid, const struct watch_process *process,
                                                  struct inode *inode, struct dentry *dentry) {
    __u32 zero = 0;
    struct watch_file_key key = {
        .inode = inode_key(inode),
        .start_ns = process->start_ns,
        .pid = pid,
    };
    __u64 size = BPF_CORE_READ(inode, i_size);
    void *map = bpf_map_lookup_elem(&files, &zero);
    if (map == NULL) {
        return NULL;
    }
    struct watch_file *file = bpf_map_lookup_elem(map, &key);
    if (file == NULL) {
        bpf_map_update_elem(map, &key, &no_file, BPF_NOEXIST);
        file = bpf_map_lookup_elem(map, &key);
        if (file == NULL) {
            count(WATCH_LOST_FILES);
            return NULL;
        }
        __u64 pages = (size + (1ull << page_shift) - 1) >> page_shift;
        __u32 shift = 0;
        for (int i = 0; i < PAGE_SHIFT_MAX; i++) {
            if (pages >> shift <= WATCH_COVERAGE_BITS) {
                break;
            }
            shift++;
        }
        // Exact for what divides evenly; one more where a part of a bit is left.
        if (shift > 0 && (pages + (1ull << shift) - 1) >> shift > WATCH_COVERAGE_BITS) {
            shift++;
        }
        file->shift = shift;
        file->first_ns = bpf_ktime_get_boot_ns();
        add_name(inode, dentry, &key.inode);
    }
    if (size > file->size_bytes) {
        file->size_bytes = size;
    }
    file->last_ns = bpf_ktime_get_boot_ns();
    return file;
}

// Pages [from, to], as far as there are some.
static __always_inline void cover(struct watch_file *file, __u64 from, __u64 to) {
    __u64 last = file->size_bytes > 0 ? (file->size_bytes - 1) >> page_shift : 0;
    __u32 shift = file->shift & 31;
    to = (to > last ? last : to) >> shift;
    from >>= shift;
    from = from >= WATCH_COVERAGE_BITS ? WATCH_COVERAGE_BITS - 1 : from;
    to = to >= WATCH_COVERAGE_BITS ? WATCH_COVERAGE_BITS - 1 : to;
    if (from > to) {
        return;
    }
    __u32 from_word = from >> 6;
    __u32 to_word = to >> 6;
#pragma unroll
    for (__u32 word = 0; word < WATCH_COVERAGE_WORDS; word++) {
        if (word >= from_word && word <= to_word) {
            __u64 mask = ~0ull;
            if (word == from_word) {
                mask &= ~0ull << (from & 63);
            }
            if (word == to_word) {
                mask &= ~0ull >> (63 - (to & 63));
            }
            if ((file->coverage[word] & mask) != mask) {
                __sync_fetch_and_or(&file->coverage[word], mask);
            }
        }
    }
}

static __always_inline void add_route(struct watch_file *file, __u32 route) {
    if ((file->routes & 1ull << route) == 0) {
        __sync_fetch_and_or(&file->routes, 1ull << route);
    }
}

// Canaries are looked for in all processes: helpers and the kernel's own workers as well.
static __always_inline void touch(struct inode *inode, __u32 route, __u64 from, __u64 to) {
    if (!has_canaries) {
        return;
    }
    struct watch_inode key = inode_key(inode);
    if (bpf_map_lookup_elem(&canaries, &key) == NULL) {
        return;
    }
    struct watch_touch *event = bpf_ringbuf_reserve(&ring, sizeof *event, 0);
    if (event == NULL) {
        count(WATCH_LOST_EVENTS);
        return;
    }
    struct task_struct *task = bpf_get_current_task_btf();
    event->head.at_ns = bpf_ktime_get_boot_ns();
    const struct watch_process *process = watched(task->tgid);
    event->head.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
    if (process != NULL) {
        event->head.start_ns = process->start_ns;
    }
    event->head.type = WATCH_CANARY;
    event->head.pid = task->tgid;
    event->inode = key;
    event->route = route;
    event->reserved = 0;
    event->from = from;
    event->to = to;
    bpf_ringbuf_submit(event, 0);
    add_name(inode, NULL, &key);
}

SEC("tp_btf/mm_filemap_get_pages")
int BPF_PROG(on_get_pages, struct address_space *mapping, unsigned long from, unsigned long to) {
    struct inode *inode = mapping->host;
    __u32 pid = current_pid();
    touch(inode, ROUTE_PAGES, (__u64)from << page_shift, ((__u64)to + 1) << page_shift);
    struct watch_process *process = watched(pid);
    struct watch_file *file = process != NULL ? file_of(pid, process, inode, NULL) : NULL;
    if (file == NULL) {
        return 0;
    }
    count(WATCH_SEEN_PAGES);
    __u64 last = file->size_bytes > 0 ? (file->size_bytes - 1) >> page_shift : 0;
    __u64 end = to > last ? last : to;
    __sync_fetch_and_add(&file->page_events, 1);
    if (end >= from) {
        __sync_fetch_and_add(&file->page_bytes, (end - from + 1) << page_shift);
    }
    add_route(file, ROUTE_PAGES);
    cover(file, from, to);
    return 0;
}

static __always_inline int mapped(struct address_space *mapping, __u64 from, __u64 to,
                                  __u32 route) {
    struct inode *inode = mapping->host;
    __u32 pid = current_pid();
    touch(inode, route, from << page_shift, (to + 1) << page_shift);
    struct watch_process *process = watched(pid);
    struct watch_file *file = process != NULL ? file_of(pid, process, inode, NULL) : NULL;
    if (file != NULL) {
        count(WATCH_SEEN_PAGES);
        __sync_fetch_and_add(&file->map_pages, to >= from ? to - from + 1 : 0);
        add_route(file, route);
        cover(file, from, to);
    }
    return 0;
}

SEC("tp_btf/mm_filemap_map_pages")
int BPF_PROG(on_map_pages, struct address_space *mapping, unsigned long from, unsigned long to) {
    return mapped(mapping, from, to, ROUTE_MAPPED);
}

SEC("tp_btf/mm_filemap_fault")
int BPF_PROG(on_fault, struct address_space *mapping, unsigned long at) {
    return mapped(mapping, at, at, ROUTE_FAULTED);
}

SEC("tp_btf/iomap_dio_rw_begin")
int BPF_PROG(on_direct, struct kiocb *call, struct iov_iter *buffer) {
    struct inode *inode = BPF_CORE_READ(call, ki_filp, f_inode);
    __u64 at = BPF_CORE_READ(call, ki_pos);
    __u64 size = BPF_CORE_READ(buffer, count);
    bool is_write = BPF_CORE_READ(buffer, data_source);
    __u32 pid = current_pid();
    if (!is_write) {
        touch(inode, ROUTE_DIRECT, at, at + size);
    }
    struct watch_process *process = watched(pid);
    struct watch_file *file = process != NULL ? file_of(pid, process, inode, NULL) : NULL;
    if (file == NULL) {
        return 0;
    }
    count(WATCH_SEEN_PAGES);
    if (is_write) { // pages that no call may tell of: those of AIO and io_uring
        __sync_fetch_and_add(&file->dirty_pages, (size + (1ull << page_shift) - 1) >> page_shift);
        add_route(file, ROUTE_DIRTIED);
    } else if (size > 0) {
        __sync_fetch_and_add(&file->direct_bytes, size);
        add_route(file, ROUTE_DIRECT);
        cover(file, at >> page_shift, (at + size - 1) >> page_shift);
    }
    return 0;
}

SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(on_dirty, struct folio *folio, struct address_space *mapping) {
    __u32 pid = current_pid();
    struct watch_process *process = watched(pid);
    struct inode *inode = process != NULL && mapping != NULL ? BPF_CORE_READ(mapping, host) : NULL;
    struct watch_file *file = inode != NULL ? file_of(pid, process, inode, NULL) : NULL;
    if (file != NULL) {
        __sync_fetch_and_add(&file->dirty_pages, 1);
        add_route(file, ROUTE_DIRTIED);
    }
    return 0;
}

// ---- sockets ------------------------------------------------------------------------------------

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

static __always_inline struct watch_socket *socket_of(struct sock *sock) {
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
    struct watch_socket *socket = result > 0 ? socket_of(sock) : NULL;
    if (socket != NULL) {
        __sync_fetch_and_add(&socket->sends, 1);
        __sync_fetch_and_add(&socket->sent_bytes, result);
    }
    return 0;
}

SEC("tp_btf/sock_recv_length")
int BPF_PROG(on_receive, struct sock *sock, int result) {
    struct watch_socket *socket = result > 0 ? socket_of(sock) : NULL;
    if (socket != NULL) {
        __sync_fetch_and_add(&socket->receives, 1);
        __sync_fetch_and_add(&socket->received_bytes, result);
    }
    return 0;
}

// ---- processes ----------------------------------------------------------------------------------

// `process` is that of `task`. Those who were found have a start that is told by /proc, rounded; so
// it is taken from the map, for one process has one.
static __always_inline struct watch_life *
life_event(struct task_struct *task, const struct watch_process *process, __u32 type) {
    struct task_struct *parent = task->group_leader->real_parent->group_leader;
    const struct watch_process *watched_parent = watched(parent->tgid);
    __u64 parent_start_ns = BPF_CORE_READ(parent, start_boottime);
    if (watched_parent != NULL) {
        parent_start_ns = watched_parent->start_ns;
    }
    struct watch_life *event = bpf_ringbuf_reserve(&ring, sizeof *event, 0);
    if (event == NULL) {
        count(WATCH_LOST_EVENTS);
        return NULL;
    }
    event->head.at_ns = bpf_ktime_get_boot_ns();
    event->head.start_ns = process->start_ns;
    event->head.type = type;
    event->head.pid = task->tgid;
    event->parent.at_ns = 0;
    event->parent.type = 0;
    event->parent.pid = parent->tgid;
    event->parent.start_ns = parent_start_ns;
    event->reserved = 0;
    event->uid = task->cred->uid.val;
    event->status = 0;
    event->words_bytes = 0;
    event->exe.inode = 0;
    event->exe.device = 0;
    event->exe.generation = 0;
    return event;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child) {
    __u32 pid = child->tgid;
    if (parent->tgid == child->tgid || watched(parent->tgid) == NULL) {
        return 0;
    }
    struct watch_process process = {.start_ns = child->start_boottime, .parent = parent->tgid};
    if (bpf_map_update_elem(&processes, &pid, &process, BPF_ANY) < 0) {
        count(WATCH_LOST_PROCESSES);
    }
    struct watch_life *event = life_event(child, &process, WATCH_FORK);
    if (event != NULL) {
        bpf_ringbuf_submit(event, 0);
    }
    return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *program) {
    const struct watch_process *process = watched(task->tgid);
    if (process == NULL) {
        return 0;
    }
    struct inode *inode = BPF_CORE_READ(program, file, f_inode);
    struct dentry *dentry = BPF_CORE_READ(program, file, f_path.dentry);
    struct watch_life *event = life_event(task, process, WATCH_EXEC);
    if (event == NULL) {
        return 0;
    }
    struct watch_inode key = inode_key(inode);
    unsigned long start = BPF_CORE_READ(task, mm, arg_start);
    unsigned long size = BPF_CORE_READ(task, mm, arg_end) - start;
    event->exe = key;
    size = size > WATCH_WORDS_BYTES ? WATCH_WORDS_BYTES : size;
    if (bpf_probe_read_user(event->words, size, (const void *)start) == 0) {
        event->words_bytes = size;
    }
    bpf_ringbuf_submit(event, 0);
    add_name(inode, dentry, &key);
    return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task) {
    __u32 pid = task->tgid;
    const struct watch_process *process = watched(pid);
    if (process == NULL || task->signal->live.counter > 0) {
        return 0; // other threads of it go on
    }
    struct watch_life *event = life_event(task, process, WATCH_EXIT);
    if (event != NULL) {
        event->status = task->exit_code;
        bpf_ringbuf_submit(event, 0);
    }
    bpf_map_delete_elem(&processes, &pid);
    return 0;
}

// ---- system calls -------------------------------------------------------------------------------

static __always_inline struct file *file_at(unsigned long fd) {
    struct task_struct *task = bpf_get_current_task_btf();
    struct fdtable *table = BPF_CORE_READ(task, files, fdt);
    struct file **files_of_task = BPF_CORE_READ(table, fd);
    struct file *file = NULL;
    if (fd >= BPF_CORE_READ(table, max_fds)) {
        return NULL;
    }
    bpf_probe_read_kernel(&file, sizeof file, files_of_task + fd);
    return file;
}

struct transfer {
    __u32 pid;
    __u32 route;
    const struct watch_process *process;
    __u64 bytes;
    bool is_write;
};

// Bytes that a call returned from, or took to, the file behind a descriptor.
static __noinline int moved(struct transfer *transfer, unsigned long fd) {
    struct file *open = file_at(fd);
    if (open == NULL || transfer == NULL || transfer->process == NULL) {
        return 0;
    }
    struct inode *inode = BPF_CORE_READ(open, f_inode);
    __u16 type = BPF_CORE_READ(inode, i_mode) & MODE_TYPE;
    // Sockets have counters of their own; what is read from a pipe or device is no file's content.
    if (type == MODE_SOCKET || (type != MODE_REGULAR && !transfer->is_write)) {
        return 0;
    }
    struct watch_file *file =
        file_of(transfer->pid, transfer->process, inode, BPF_CORE_READ(open, f_path.dentry));
    if (file == NULL) {
        return 0;
    }
    if (transfer->is_write) {
        __sync_fetch_and_add(&file->writes, 1);
        __sync_fetch_and_add(&file->write_bytes, transfer->bytes);
    } else {
        __sync_fetch_and_add(&file->reads, 1);
        __sync_fetch_and_add(&file->read_bytes, transfer->bytes);
    }
    add_route(file, transfer->route);
    return 0;
}

static __always_inline void opened(struct transfer *transfer, unsigned long fd, bool by_handle) {
    struct file *open = file_at(fd);
    if (open == NULL) {
        return;
    }
    struct inode *inode = BPF_CORE_READ(open, f_inode);
    if ((BPF_CORE_READ(inode, i_mode) & MODE_TYPE) != MODE_REGULAR) {
        return;
    }
    struct watch_file *file =
        file_of(transfer->pid, transfer->process, inode, BPF_CORE_READ(open, f_path.dentry));
    if (file != NULL) {
        __sync_fetch_and_add(&file->opens, 1);
        if (by_handle) {
            add_route(file, ROUTE_HANDLE);
        }
    }
}

static __always_inline void tell_act(__u32 pid, const struct watch_process *process, __u64 number,
                                     long result, const __u64 arguments[3]) {
    struct watch_act *event = bpf_ringbuf_reserve(&ring, sizeof *event, 0);
    if (event == NULL) {
        count(WATCH_LOST_EVENTS);
        return;
    }
    event->head.at_ns = bpf_ktime_get_boot_ns();
    event->head.start_ns = process->start_ns;
    event->head.type = WATCH_ACT;
    event->head.pid = pid;
    event->number = number;
    event->result = result;
    event->arguments[0] = arguments[0];
    event->arguments[1] = arguments[1];
    event->arguments[2] = arguments[2];
    bpf_ringbuf_submit(event, 0);
}

// x86-64's numbers.
enum {
    NR_READ = 0,
    NR_WRITE = 1,
    NR_OPEN = 2,
    NR_IOCTL = 16,
    NR_PREAD = 17,
    NR_PWRITE = 18,
    NR_READV = 19,
    NR_WRITEV = 20,
    NR_SENDFILE = 40,
    NR_CREAT = 85,
    NR_PTRACE = 101,
    NR_MOUNT = 165,
    NR_UMOUNT = 166,
    NR_IOPL = 172,
    NR_IOPERM = 173,
    NR_INIT_MODULE = 175,
    NR_KEXEC_LOAD = 246,
    NR_OPENAT = 257,
    NR_UNSHARE = 272,
    NR_SPLICE = 275,
    NR_PREADV = 295,
    NR_PWRITEV = 296,
    NR_PERF_EVENT_OPEN = 298,
    NR_OPEN_BY_HANDLE_AT = 304,
    NR_SETNS = 308,
    NR_PROCESS_VM_READV = 310,
    NR_PROCESS_VM_WRITEV = 311,
    NR_FINIT_MODULE = 313,
    NR_KEXEC_FILE_LOAD = 320,
    NR_BPF = 321,
    NR_USERFAULTFD = 323,
    NR_COPY_FILE_RANGE = 326,
    NR_PREADV2 = 327,
    NR_PWRITEV2 = 328,
    NR_IO_URING_SETUP = 425,
    NR_OPEN_TREE = 428,
    NR_MOVE_MOUNT = 429,
    NR_OPENAT2 = 437,
    NR_PIDFD_GETFD = 438,
    IOCTL_FICLONE = 0x40049409,
    IOCTL_FICLONERANGE = 0x4020940d,
    IOCTL_LOOP_SET_FD = 0x4c00,
    IOCTL_LOOP_CONFIGURE = 0x4c0a,
    IOCTL_TUNSETIFF = 0x400454ca,
};

static __always_inline bool is_telling_ioctl(__u32 request) {
    return request == IOCTL_FICLONE || request == IOCTL_FICLONERANGE ||
           request == IOCTL_LOOP_SET_FD || request == IOCTL_LOOP_CONFIGURE ||
           request == IOCTL_TUNSETIFF;
}

enum { REFUSED_BY_LAYER = -13, REFUSED_BY_GROUP = -1 }; // EACCES, EPERM

// What the envelope's other layers refuse: opens. Those are rare.
static __always_inline void tell_refusal(__u32 pid, const struct watch_process *process,
                                         struct pt_regs *regs, long result) {
    __u64 number = BPF_CORE_READ(regs, orig_ax);
    bool has_folder = number == NR_OPENAT || number == NR_OPENAT2;
    if (!has_folder && number != NR_OPEN && number != NR_CREAT) {
        return;
    }
    __u64 path = has_folder ? BPF_CORE_READ(regs, si) : BPF_CORE_READ(regs, di);
    struct watch_refusal *event = bpf_ringbuf_reserve(&ring, sizeof *event, 0);
    if (event == NULL) {
        count(WATCH_LOST_EVENTS);
        return;
    }
    event->head.at_ns = bpf_ktime_get_boot_ns();
    event->head.start_ns = process->start_ns;
    event->head.type = WATCH_REFUSAL;
    event->head.pid = pid;
    event->error = (__s32)-result;
    long size = bpf_probe_read_user_str(event->path, sizeof event->path, (const void *)path);
    event->path_bytes = size > 0 ? (__u32)size : 0;
    bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_call, struct pt_regs *regs, long result) {
    __u32 pid = current_pid();
    const struct watch_process *process = watched(pid);
    if (process == NULL) {
        return 0;
    }
    if (has_envelope && (result == REFUSED_BY_LAYER || result == REFUSED_BY_GROUP)) {
        tell_refusal(pid, process, regs, result);
    }
    if (result < 0) {
        return 0;
    }
    count(WATCH_SEEN_CALLS);
    const __u64 arguments[3] = {BPF_CORE_READ(regs, di), BPF_CORE_READ(regs, si),
                                BPF_CORE_READ(regs, dx)};
    __u64 number = BPF_CORE_READ(regs, orig_ax);
    struct transfer transfer = {
        .pid = pid, .route = ROUTE_CALL, .process = process, .bytes = result};
    switch (number) {
    case NR_READ:
    case NR_PREAD:
    case NR_READV:
    case NR_PREADV:
    case NR_PREADV2:
        if (result > 0) {
            moved(&transfer, arguments[0]);
        }
        break;
    case NR_WRITE:
    case NR_PWRITE:
    case NR_WRITEV:
    case NR_PWRITEV:
    case NR_PWRITEV2:
        transfer.is_write = true;
        transfer.route = ROUTE_WRITTEN;
        if (result > 0) {
            moved(&transfer, arguments[0]);
        }
        break;
    case NR_SENDFILE:
    case NR_SPLICE:
    case NR_COPY_FILE_RANGE:
        if (result > 0) {
            bool is_sendfile = number == NR_SENDFILE;
            transfer.route = ROUTE_SPLICED;
            moved(&transfer, is_sendfile ? arguments[1] : arguments[0]);
            transfer.is_write = true;
            transfer.route = ROUTE_WRITTEN;
            moved(&transfer, is_sendfile ? arguments[0] : arguments[2]);
        }
        break;
    case NR_OPEN:
    case NR_OPENAT:
    case NR_OPENAT2:
    case NR_CREAT:
        opened(&transfer, result, false);
        break;
    case NR_OPEN_BY_HANDLE_AT:
        opened(&transfer, result, true);
        tell_act(pid, process, number, result, arguments);
        break;
    case NR_IOCTL:
        if (is_telling_ioctl(arguments[1])) {
            tell_act(pid, process, number, result, arguments);
        }
        break;
    case NR_PTRACE:
    case NR_MOUNT:
    case NR_UMOUNT:
    case NR_IOPL:
    case NR_IOPERM:
    case NR_INIT_MODULE:
    case NR_KEXEC_LOAD:
    case NR_UNSHARE:
    case NR_PERF_EVENT_OPEN:
    case NR_SETNS:
    case NR_PROCESS_VM_READV:
    case NR_PROCESS_VM_WRITEV:
    case NR_FINIT_MODULE:
    case NR_KEXEC_FILE_LOAD:
    case NR_BPF:
    case NR_USERFAULTFD:
    case NR_IO_URING_SETUP:
    case NR_OPEN_TREE:
    case NR_MOVE_MOUNT:
    case NR_PIDFD_GETFD:
        tell_act(pid, process, number, result, arguments);
        break;
    default:
        break;
    }
    return 0;
}
