// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that come from another process: a part of watch.bpf.c.
#pragma once

enum {
    SOL_SOCKET = 1,
    SCM_RIGHTS = 1,
    MESSAGE_CONTROL_AT = 32, // in struct user_msghdr: its control data, and their size
    MESSAGE_BYTES = 64,      // of struct mmsghdr
    MESSAGES_MAX = 4,        // that are looked at of one recvmmsg
    PARTS_MAX = 4,           // of control data
    PASSED_MAX = 16,         // descriptors of one part
};

struct control_part {
    __u64 size; // with this head
    __u32 level, type;
};

// This and the next are global functions of numbers alone: the kernel looks at each once, and not
// at each turn of their loops.
__noinline int passed(__u32 fd) {
    struct task_struct *task = bpf_get_current_task_btf();
    struct file *open = file_at(task, fd);
    struct inode *inode = open != NULL ? open->f_inode : NULL;
    if (inode == NULL || (inode->i_mode & MODE_TYPE) != MODE_REGULAR) {
        return 0;
    }
    struct watch_file *file = file_of(task, inode, open->f_path.dentry);
    if (file != NULL) {
        add_route(file, ROUTE_PASSED);
    }
    return 0;
}

// What the kernel left in the caller's message (cmsg(3)). A label alone hangs on it: whoever writes
// over it at once hides that, and no byte.
__noinline int received(__u64 message) {
    struct {
        __u64 at, size;
    } control = {0};
    if (bpf_probe_read_user(&control, sizeof control,
                            (const void *)(message + MESSAGE_CONTROL_AT)) < 0) {
        return 0;
    }
    for (int i = 0; i < PARTS_MAX; i++) {
        struct control_part part;
        if (control.size < sizeof part ||
            bpf_probe_read_user(&part, sizeof part, (const void *)control.at) < 0 ||
            part.size < sizeof part || part.size > control.size) {
            return 0;
        }
        for (int j = 0; j < PASSED_MAX; j++) {
            __u32 fd;
            __u64 at = sizeof part + j * sizeof fd;
            if (part.level != SOL_SOCKET || part.type != SCM_RIGHTS || at + sizeof fd > part.size ||
                bpf_probe_read_user(&fd, sizeof fd, (const void *)(control.at + at)) < 0) {
                break;
            }
            passed(fd);
        }
        __u64 step = (part.size + 7) & ~7ull;
        if (step >= control.size) {
            return 0;
        }
        control.at += step;
        control.size -= step;
    }
    return 0;
}

static __always_inline void received_many(__u64 messages, __u64 count) {
    for (int i = 0; i < MESSAGES_MAX; i++) {
        if ((__u64)i < count) {
            received(messages + i * MESSAGE_BYTES);
        }
    }
}
