// SPDX-License-Identifier: Apache-2.0
//
// Counts what system calls returned and took, the second view: a part of watch.bpf.c.
#pragma once

static __always_inline struct file *file_at(const struct task_struct *task, unsigned long fd) {
    const struct fdtable *table = task->files->fdt;
    if (fd >= table->max_fds) {
        return NULL;
    }
    // A helper's call would cost a tenth of what a watched read may. The verifier knows no pointer
    // in an array; one in a structure it does.
    const char *place =
        (const char *)(table->fd + fd) - bpf_core_field_offset(struct kiocb, ki_filp);
    return TYPED(kiocb, place)->ki_filp;
}

// Bytes that a call returned from the file behind a descriptor.
static __always_inline void add_read(struct task_struct *task, unsigned long fd, __u64 bytes,
                                     __u32 route) {
    struct file *open = file_at(task, fd);
    struct inode *inode = open != NULL ? open->f_inode : NULL;
    // Sockets have counters of their own; what is read from a pipe or device is no file's content.
    if (inode == NULL || (inode->i_mode & MODE_TYPE) != MODE_REGULAR) {
        return;
    }
    struct watch_file *file = file_of(task, inode, open->f_path.dentry);
    if (file != NULL) {
        __sync_fetch_and_add(&file->reads, 1);
        __sync_fetch_and_add(&file->read_bytes, bytes);
        add_route(file, route);
    }
}

// Bytes that a call took to the file behind a descriptor.
static __noinline int add_written(struct task_struct *task, unsigned long fd, __u64 bytes) {
    struct file *open = file_at(task, fd);
    struct inode *inode = open != NULL ? open->f_inode : NULL;
    if (inode == NULL || (inode->i_mode & MODE_TYPE) == MODE_SOCKET) {
        return 0;
    }
    struct watch_file *file = file_of(task, inode, open->f_path.dentry);
    if (file != NULL) {
        __sync_fetch_and_add(&file->writes, 1);
        __sync_fetch_and_add(&file->write_bytes, bytes);
        add_route(file, ROUTE_WRITTEN);
    }
    return 0;
}

static __noinline int add_spliced(struct task_struct *task, unsigned long from, unsigned long to,
                                  __u64 bytes) {
    add_read(task, from, bytes, ROUTE_SPLICED);
    return add_written(task, to, bytes);
}

static __noinline int add_opened(struct task_struct *task, unsigned long fd, bool by_handle) {
    struct file *open = file_at(task, fd);
    struct inode *inode = open != NULL ? open->f_inode : NULL;
    if (inode == NULL || (inode->i_mode & MODE_TYPE) != MODE_REGULAR) {
        return 0;
    }
    struct watch_file *file = file_of(task, inode, open->f_path.dentry);
    if (file != NULL) {
        __sync_fetch_and_add(&file->opens, 1);
        if (by_handle) {
            add_route(file, ROUTE_HANDLE);
        }
    }
    return 0;
}

#include "watch/bpf_passed.h"

static __noinline int tell_act(struct task_struct *task, struct pt_regs *regs, long result) {
    const struct watch_process *process = watched(task->tgid);
    struct watch_act *event = process != NULL ? bpf_ringbuf_reserve(&ring, sizeof *event, 0) : NULL;
    if (event == NULL) {
        if (process != NULL) {
            count(WATCH_LOST_EVENTS);
        }
        return 0;
    }
    event->head.at_ns = bpf_ktime_get_boot_ns();
    event->head.start_ns = process->start_ns;
    event->head.type = WATCH_ACT;
    event->head.pid = task->tgid;
    event->number = regs->orig_ax;
    event->result = result;
    event->arguments[0] = regs->di;
    event->arguments[1] = regs->si;
    event->arguments[2] = regs->dx;
    bpf_ringbuf_submit(event, 0);
    return 0;
}

// x86-64's numbers.
enum {
    NR_READ = 0,
    NR_WRITE = 1,
    NR_OPEN = 2,
    NR_IOCTL = 16,
    NR_RECVMSG = 47,
    NR_CLONE = 56,
    NR_PREAD = 17,
    NR_PWRITE = 18,
    NR_READV = 19,
    NR_WRITEV = 20,
    NR_SENDFILE = 40,
    NR_CREAT = 85,
    NR_PTRACE = 101,
    NR_PIVOT_ROOT = 155,
    NR_CHROOT = 161,
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
    NR_RECVMMSG = 299,
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
    NR_FSMOUNT = 432,
    NR_CLONE3 = 435,
    NR_OPENAT2 = 437,
    NR_PIDFD_GETFD = 438,
    NR_MOUNT_SETATTR = 442,
    NEW_NAMESPACES = 0x7e020000, // CLONE_NEWNS and the others of clone()
    NEW_TIME = 0x80,             // CLONE_NEWTIME: clone() has a signal there
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

// What a call is to us: most are nothing, and leave at once.
enum call_kind {
    CALL_OTHER,
    CALL_READ,
    CALL_WRITE,
    CALL_SENDFILE, // to the first, from the second argument
    CALL_SPLICE,   // from the first, to the third argument
    CALL_OPEN,
    CALL_OPEN_BY_HANDLE,
    CALL_IOCTL,
    CALL_RECEIVE,
    CALL_RECEIVE_MANY,
    CALL_URING,
    CALL_CLONE,
    CALL_ACT, // told, whatever it does
    CALL_ACT_URING,
    CALL_ACT_PASSED,
};

enum { CALLS = 512 };

static const __u8 call_kinds[CALLS] = {
    [NR_READ] = CALL_READ,
    [NR_PREAD] = CALL_READ,
    [NR_READV] = CALL_READ,
    [NR_PREADV] = CALL_READ,
    [NR_PREADV2] = CALL_READ,
    [NR_WRITE] = CALL_WRITE,
    [NR_PWRITE] = CALL_WRITE,
    [NR_WRITEV] = CALL_WRITE,
    [NR_PWRITEV] = CALL_WRITE,
    [NR_PWRITEV2] = CALL_WRITE,
    [NR_SENDFILE] = CALL_SENDFILE,
    [NR_SPLICE] = CALL_SPLICE,
    [NR_COPY_FILE_RANGE] = CALL_SPLICE,
    [NR_OPEN] = CALL_OPEN,
    [NR_OPENAT] = CALL_OPEN,
    [NR_OPENAT2] = CALL_OPEN,
    [NR_CREAT] = CALL_OPEN,
    [NR_OPEN_BY_HANDLE_AT] = CALL_OPEN_BY_HANDLE,
    [NR_IOCTL] = CALL_IOCTL,
    [NR_PTRACE] = CALL_ACT,
    [NR_MOUNT] = CALL_ACT,
    [NR_UMOUNT] = CALL_ACT,
    [NR_IOPL] = CALL_ACT,
    [NR_IOPERM] = CALL_ACT,
    [NR_INIT_MODULE] = CALL_ACT,
    [NR_KEXEC_LOAD] = CALL_ACT,
    [NR_UNSHARE] = CALL_ACT,
    [NR_PERF_EVENT_OPEN] = CALL_ACT,
    [NR_SETNS] = CALL_ACT,
    [NR_PROCESS_VM_READV] = CALL_ACT,
    [NR_PROCESS_VM_WRITEV] = CALL_ACT,
    [NR_FINIT_MODULE] = CALL_ACT,
    [NR_KEXEC_FILE_LOAD] = CALL_ACT,
    [NR_BPF] = CALL_ACT,
    [NR_USERFAULTFD] = CALL_ACT,
    [NR_IO_URING_SETUP] = CALL_ACT_URING,
    [NR_IO_URING_ENTER] = CALL_URING,
    [NR_OPEN_TREE] = CALL_ACT,
    [NR_MOVE_MOUNT] = CALL_ACT,
    [NR_PIDFD_GETFD] = CALL_ACT_PASSED,
    [NR_PIVOT_ROOT] = CALL_ACT,
    [NR_CHROOT] = CALL_ACT,
    [NR_FSMOUNT] = CALL_ACT,
    [NR_MOUNT_SETATTR] = CALL_ACT,
    [NR_CLONE] = CALL_CLONE,
    [NR_CLONE3] = CALL_CLONE,
    [NR_RECVMSG] = CALL_RECEIVE,
    [NR_RECVMMSG] = CALL_RECEIVE_MANY,
};

// Whether a process was begun in a namespace of its own. Told by who began it: with a result of 0
// the call is that of the child.
static __always_inline bool is_new_namespace(struct pt_regs *regs, long result) {
    bool is_third = regs->orig_ax == NR_CLONE3;
    __u64 flags = regs->di;
    if (is_third && bpf_probe_read_user(&flags, sizeof flags, (const void *)flags) < 0) {
        return false;
    }
    return result > 0 && (flags & (is_third ? NEW_NAMESPACES | NEW_TIME : NEW_NAMESPACES)) != 0;
}

enum { REFUSED_BY_LAYER = -13, REFUSED_BY_GROUP = -1 }; // EACCES, EPERM

// What the envelope's other layers refuse: opens. Those are rare.
static __noinline int tell_refusal(struct task_struct *task, struct pt_regs *regs, long result) {
    __u64 number = regs->orig_ax;
    bool has_folder = number == NR_OPENAT || number == NR_OPENAT2;
    __u64 path = has_folder ? regs->si : regs->di;
    const struct watch_process *process = watched(task->tgid);
    if (process == NULL) {
        return 0;
    }
    struct watch_refusal *event = bpf_ringbuf_reserve(&ring, sizeof *event, 0);
    if (event == NULL) {
        count(WATCH_LOST_EVENTS);
        return 0;
    }
    event->head.at_ns = bpf_ktime_get_boot_ns();
    event->head.start_ns = process->start_ns;
    event->head.type = WATCH_REFUSAL;
    event->head.pid = task->tgid;
    event->error = (__s32)-result;
    long size = bpf_probe_read_user_str(event->path, sizeof event->path, (const void *)path);
    event->path_bytes = size > 0 ? (__u32)size : 0;
    bpf_ringbuf_submit(event, 0);
    return 0;
}

// What may come from another process, and who reads by a ring.
static __always_inline void take_routes(struct task_struct *task, struct pt_regs *regs, __u32 kind,
                                        long result) {
    if (kind == CALL_RECEIVE) {
        received(regs->si);
    } else if (kind == CALL_RECEIVE_MANY) {
        received_many(regs->si, result);
    } else if (kind == CALL_ACT_PASSED) {
        passed(result);
    } else if (kind == CALL_URING || kind == CALL_ACT_URING) {
        note_uring(task->tgid);
    }
}

// Those that are neither read nor written with.
static __always_inline void take_other(struct task_struct *task, struct pt_regs *regs, __u32 kind,
                                       long result) {
    bool is_refused = result == REFUSED_BY_LAYER || result == REFUSED_BY_GROUP;
    if (has_envelope && kind == CALL_OPEN && is_refused) {
        tell_refusal(task, regs, result);
    }
    if (result < 0) {
        return;
    }
    if (kind == CALL_OPEN || kind == CALL_OPEN_BY_HANDLE) {
        add_opened(task, result, kind == CALL_OPEN_BY_HANDLE);
    }
    take_routes(task, regs, kind, result);
    if (kind >= CALL_ACT || kind == CALL_OPEN_BY_HANDLE ||
        (kind == CALL_IOCTL && is_telling_ioctl(regs->si)) ||
        (kind == CALL_CLONE && is_new_namespace(regs, result))) {
        tell_act(task, regs, result);
    }
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_call, struct pt_regs *regs, long result) {
    __u64 number = regs->orig_ax;
    __u32 kind = number < CALLS ? call_kinds[number] : CALL_OTHER;
    if (kind == CALL_OTHER) {
        return 0;
    }
    struct task_struct *task = bpf_get_current_task_btf();
    if (!is_watched(task->tgid)) {
        return 0;
    }
    bool has_moved = result > 0;
    switch (kind) {
    case CALL_READ:
        if (has_moved) {
            add_read(task, regs->di, result, ROUTE_CALL);
        }
        break;
    case CALL_WRITE:
        if (has_moved) {
            add_written(task, regs->di, result);
        }
        break;
    case CALL_SENDFILE:
        if (has_moved) {
            add_spliced(task, regs->si, regs->di, result);
        }
        break;
    case CALL_SPLICE:
        if (has_moved) {
            add_spliced(task, regs->di, regs->dx, result);
        }
        break;
    default:
        take_other(task, regs, kind, result);
        break;
    }
    return 0;
}
