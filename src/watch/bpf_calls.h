// SPDX-License-Identifier: Apache-2.0
//
// Counts what system calls returned and took, the second view: a part of watch.bpf.c.
#pragma once

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
