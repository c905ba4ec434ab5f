// SPDX-License-Identifier: Apache-2.0
// Counts, in the kernel, what watched processes read, write and send.
//
// It stands where every read ends up, whatever call it came by: at the page cache, at direct I/O
// and at sockets. Counters lie in maps of two generations; the recorder changes the generation,
// waits until nobody is in the old one, and empties that. The ring has rare events alone.
//
// The kernel asks for the GPL of whatever uses its helpers: this object and the headers that it is
// made of may be used under GPL-2.0-only as well.
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
    SOCK_DGRAM = 2,
    WATCHED_WORDS = 1 << 16, // for all process ids that there are: 2^22
};

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 page_shift = 12;
const volatile __u32 name_bytes = WATCH_NAMES_BYTES; // that names of a generation may take

volatile __u32 generation;    // its lowest bit is the half that is in use
volatile __u64 used_slots[2]; // those that were wanted: there may be more than slots
volatile __u64 used_names[2]; // bytes, as well

const volatile bool has_canaries = false;
const volatile bool has_envelope = false;

struct sockets {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __type(key, struct watch_socket_key);
    __type(value, struct watch_socket);
};

struct sockets sockets_0 SEC(".maps"), sockets_1 SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, WATCH_GENERATIONS);
    __type(key, __u32);
    __type(value, struct watch_names);
} names SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, __u32);
    __type(value, struct watch_process);
} processes SEC(".maps");

volatile __u64 watched_bits[WATCHED_WORDS]; // for each process id whether it is in `processes`

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
    __type(value, __u32); // the generation that has its name
} canaries SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 16 << 20);
} ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, WATCH_LOSSES);
    __type(key, __u32);
    __type(value, __u64);
} losses SEC(".maps");

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

// ---- small things -------------------------------------------------------------------------------

static __always_inline void count(__u32 loss) {
    __u64 *value = bpf_map_lookup_elem(&losses, &loss);
    if (value != NULL) {
        (*value)++;
    }
}

static __always_inline __u32 current_pid(void) {
    return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline volatile __u64 *watched_word(__u32 pid) {
    return &watched_bits[pid / 64 & (WATCHED_WORDS - 1)];
}

// Most of what comes here is of others: these are told at once.
static __always_inline bool is_watched(__u32 pid) {
    return (*watched_word(pid) >> (pid & 63) & 1) != 0;
}

static __always_inline struct watch_process *watched(__u32 pid) {
    return is_watched(pid) ? bpf_map_lookup_elem(&processes, &pid) : NULL;
}

static __always_inline struct watch_inode inode_key(const struct inode *inode) {
    struct watch_inode key = {
        .inode = inode->i_ino,
        .device = inode->i_sb->s_dev,
        .generation = inode->i_generation,
    };
    return key;
}

// ---- names --------------------------------------------------------------------------------------

// Gives a pointer a type that the verifier knows: what it points at is read without a helper's
// call.
extern void *bpf_rdonly_cast(const void *pointer, __u32 type) __ksym;

#define TYPED(type, pointer)                                                                       \
    ((const struct type *)bpf_rdonly_cast((pointer), bpf_core_type_id_kernel(struct type)))

static __always_inline const struct dentry *dentry_of(const struct inode *inode) {
    const struct hlist_node *node = inode->i_dentry.first;
    if (node == NULL) {
        return NULL;
    }
    return (const struct dentry *)((const char *)node -
                                   bpf_core_field_offset(struct dentry, d_u.d_alias));
}

// The way from a name up to its file system's root.
struct climb {
    const struct dentry *dentry;
    struct watch_name *name;
    __u32 used;
};

// Loops are the kernel's (bpf_loop): the verifier looks at their bodies once, not at each turn, so
// the programs load in half the time. They end when a body gives 1.
static long climb_on(__u32 turn, struct climb *climb) {
    struct watch_name *name = climb->name;
    __u32 used = climb->used;
    if (climb->dentry == NULL) {
        return 1;
    }
    const struct dentry *dentry = TYPED(dentry, climb->dentry);
    const struct dentry *parent = dentry->d_parent;
    if (parent == NULL || parent == climb->dentry) {
        name->is_cut = 0;
        return 1;
    }
    if (used >= WATCH_PATH_BYTES) {
        return 1;
    }
    long length =
        bpf_probe_read_kernel_str(&name->path[used], WATCH_PART_BYTES, dentry->d_name.name);
    if (length <= 0 || length > WATCH_PART_BYTES) {
        return 1;
    }
    climb->used = used + length;
    climb->dentry = parent;
    return 0;
}

// Appends a name to those of this generation.
static __always_inline void keep_name(struct watch_name *name, __u32 used) {
    __u32 half = generation & 1;
    struct watch_names *all = bpf_map_lookup_elem(&names, &half);
    __u32 size = watch_name_bytes(used);
    name->used = used;
    if (all == NULL || size > sizeof *name) {
        return;
    }
    __u64 at = __sync_fetch_and_add(&used_names[half], size);
    if (at > name_bytes - sizeof *name) { // whatever its length: all that come later fail as well
        count(WATCH_LOST_NAMES);
        return;
    }
    bpf_probe_read_kernel(&all->bytes[at], size, name);
}

// `given` and `dentry` may be mere numbers; without a dentry any name of the inode will do.
static __noinline void add_name(const struct inode *given, const struct dentry *dentry,
                                const struct watch_inode *key) {
    __u32 zero = 0;
    struct watch_name *name = bpf_map_lookup_elem(&name_scratch, &zero);
    if (name == NULL || key == NULL) {
        return;
    }
    const struct inode *inode = TYPED(inode, given);
    name->inode = *key;
    name->size_bytes = inode->i_size;
    name->mode = inode->i_mode;
    name->is_opened = dentry != NULL;
    name->is_cut = 1;
    bpf_probe_read_kernel_str(name->filesystem, sizeof name->filesystem, inode->i_sb->s_type->name);
    struct climb climb = {.dentry = dentry != NULL ? dentry : dentry_of(inode), .name = name};
    bpf_loop(WATCH_DEPTH_MAX, climb_on, &climb, 0);
    keep_name(name, climb.used);
}

// ---- files --------------------------------------------------------------------------------------

#include "watch/bpf_files.h"

#include "watch/bpf_uring.h"

// Canaries are looked for in all processes: helpers and the kernel's own workers as well.
static __always_inline void touch(struct inode *inode, __u32 route, __u64 from, __u64 to) {
    if (!has_canaries) {
        return;
    }
    struct watch_inode key = inode_key(inode);
    __u32 *named = bpf_map_lookup_elem(&canaries, &key);
    if (named == NULL) {
        return;
    }
    if (*named != generation) {
        *named = generation;
        add_name(inode, NULL, &key);
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
    event->is_watched = process != NULL;
    event->from = from;
    event->to = to;
    bpf_ringbuf_submit(event, 0);
}

// The counters of a file for a process; NULL when it is not watched.
static __always_inline struct watch_file *file_of_task(struct task_struct *task,
                                                       struct inode *inode) {
    return is_watched(task->tgid) ? file_of(task, inode, NULL) : NULL;
}

SEC("tp_btf/mm_filemap_get_pages")
int BPF_PROG(on_get_pages, struct address_space *mapping, unsigned long from, unsigned long to) {
    struct inode *inode = mapping->host;
    touch(inode, ROUTE_PAGES, (__u64)from << page_shift, ((__u64)to + 1) << page_shift);
    struct task_struct *task = bpf_get_current_task_btf();
    struct watch_file *file = file_of_task(task, inode);
    if (file == NULL) {
        return 0;
    }
    __u64 last = file->size_bytes > 0 ? (file->size_bytes - 1) >> page_shift : 0;
    __u64 end = to > last ? last : to;
    __sync_fetch_and_add(&file->page_events, 1);
    if (end >= from) {
        __sync_fetch_and_add(&file->page_bytes, (end - from + 1) << page_shift);
    }
    add_route(file, ROUTE_PAGES);
    add_uring(file, task);
    cover(file, from, to);
    return 0;
}

static __always_inline int mapped(struct address_space *mapping, __u64 from, __u64 to,
                                  __u32 route) {
    struct inode *inode = mapping->host;
    touch(inode, route, from << page_shift, (to + 1) << page_shift);
    struct task_struct *task = bpf_get_current_task_btf();
    struct watch_file *file = file_of_task(task, inode);
    if (file != NULL) {
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
    struct inode *inode = call->ki_filp->f_inode;
    __u64 at = call->ki_pos;
    __u64 size = buffer->count;
    bool is_write = buffer->data_source;
    if (!is_write) {
        touch(inode, ROUTE_DIRECT, at, at + size);
    }
    struct task_struct *task = bpf_get_current_task_btf();
    struct watch_file *file = file_of_task(task, inode);
    if (file == NULL) {
        return 0;
    }
    if (is_write) { // pages that no call may tell of: those of AIO and io_uring
        __sync_fetch_and_add(&file->dirty_pages, (size + (1ull << page_shift) - 1) >> page_shift);
        add_route(file, ROUTE_DIRTIED);
    } else if (size > 0) {
        __sync_fetch_and_add(&file->direct_bytes, size);
        add_route(file, ROUTE_DIRECT);
        add_uring(file, task);
        cover(file, at >> page_shift, (at + size - 1) >> page_shift);
    }
    return 0;
}

SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(on_dirty, struct folio *folio, struct address_space *mapping) {
    struct inode *inode = mapping != NULL ? mapping->host : NULL;
    struct task_struct *task = bpf_get_current_task_btf();
    struct watch_file *file = inode != NULL ? file_of_task(task, inode) : NULL;
    if (file != NULL) {
        __sync_fetch_and_add(&file->dirty_pages, 1);
        add_route(file, ROUTE_DIRTIED);
    }
    return 0;
}

#include "watch/bpf_destinations.h"

#include "watch/bpf_sockets.h"

#include "watch/bpf_processes.h"

#include "watch/bpf_calls.h"

#include "watch/bpf_plaintext.h"
