// SPDX-License-Identifier: Apache-2.0
//
// Whether a page is read for io_uring: a part of watch.bpf.c.
#pragma once

enum {
    FLAG_IO_WORKER = 0x10, // PF_IO_WORKER: a thread of io_uring's own
    NR_IO_URING_ENTER = 426,
    URING_WORDS = 1024,
};

// For each process id, its lowest 16 bits, whether one of them made a ring or used one: of most it
// need not be asked.
volatile __u64 uring_bits[URING_WORDS];

static __always_inline volatile __u64 *uring_word(__u32 pid) {
    return &uring_bits[pid / 64 & (URING_WORDS - 1)];
}

static __always_inline bool has_uring(__u32 pid) {
    return (*uring_word(pid) >> (pid & 63) & 1) != 0;
}

static __always_inline void note_uring(__u32 pid) {
    if (!has_uring(pid)) {
        __sync_fetch_and_or(uring_word(pid), 1ull << (pid & 63));
    }
}

static __always_inline void add_uring(struct watch_file *file, struct task_struct *task) {
    if (!has_uring(task->tgid)) {
        return;
    }
    struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
    if ((task->flags & FLAG_IO_WORKER) != 0 || BPF_CORE_READ(regs, orig_ax) == NR_IO_URING_ENTER) {
        add_route(file, ROUTE_URING);
    }
}
