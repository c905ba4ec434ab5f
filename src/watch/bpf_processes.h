// SPDX-License-Identifier: Apache-2.0
//
// Tells of processes that begin, run another program, and end: a part of watch.bpf.c.
#pragma once

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
    if (bpf_map_update_elem(&processes, &pid, &process, BPF_ANY) == 0) {
        __sync_fetch_and_or(watched_word(pid), 1ull << (pid & 63));
        if (has_uring(parent->tgid)) { // whose rings it has
            note_uring(pid);
        }
    } else {
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
    struct inode *inode = program->file->f_inode;
    struct dentry *dentry = program->file->f_path.dentry;
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
    __sync_fetch_and_and(watched_word(pid), ~(1ull << (pid & 63)));
    bpf_map_delete_elem(&processes, &pid);
    return 0;
}
