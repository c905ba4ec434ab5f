// SPDX-License-Identifier: Apache-2.0
// fanotify groups, as /proc/PID/fdinfo tells them (proc_pid_fdinfo(5), fanotify(7)).
#include "inventory/live_state.h"

#include "base/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>

enum { PRE_ACCESS = 0x00100000 }; // FAN_PRE_ACCESS of Linux 6.14, which our headers may not have

struct group {
    bool is_group;
    unsigned flags;
    unsigned inodes, mounts, file_systems;
    uint64_t mask; // of all marks
};

// The hexadecimal number behind `key` in a line.
static uint64_t read_hex(struct ov_span line, const char *key) {
    char digits[32];
    size_t size = strlen(key);
    for (size_t at = 0; at + size < line.size; at++) {
        if (memcmp(line.data + at, key, size) == 0) {
            struct ov_span rest = ov_span_from(line, at + size);
            (void)snprintf(digits, sizeof digits, "%.*s", (int)(rest.size < 18 ? rest.size : 18),
                           (const char *)rest.data);
            return strtoull(digits, NULL, 16);
        }
    }
    return 0;
}

// "fanotify flags:5 event-flags:8000" first, then a line for each mark: "fanotify ino:..."
// (with sdev), "fanotify mnt_id:...", "fanotify sdev:...", each with "mask:3b". Marks have no names
// that are hidden: all begin with the same word.
static void read_line(struct group *group, struct ov_span line) {
    static const char flags[] = "fanotify flags:", inode[] = "fanotify ino:",
                      mount[] = "fanotify mnt_id:", any[] = "fanotify ";
    if (ov_span_has_prefix(line, flags)) {
        group->is_group = true;
        group->flags = (unsigned)read_hex(line, "flags:");
        return;
    }
    if (!ov_span_has_prefix(line, any)) {
        return;
    }
    if (ov_span_has_prefix(line, inode)) {
        group->inodes++;
    } else if (ov_span_has_prefix(line, mount)) {
        group->mounts++;
    } else {
        group->file_systems++;
    }
    group->mask |= read_hex(line, " mask:");
}

static bool read_group(struct ov_live *live, pid_t pid, int fd, struct group *ret_group) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    char place[64];
    struct group group = {0};
    (void)snprintf(place, sizeof place, "%d/fdinfo/%d", (int)pid, fd);
    if (ov_procfs_read(live->procfs, place, &text) != OV_OK) {
        return false;
    }
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&text));
    while (ov_cursor_left(&cursor) > 0) {
        read_line(&group, ov_cursor_until(&cursor, '\n'));
    }
    *ret_group = group;
    return group.is_group;
}

void ov_live_look_at_fanotify(struct ov_live *live, const struct ov_live_process *process, int fd) {
    const uint64_t blocking = FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM | PRE_ACCESS;
    struct group group;
    char detail[256];
    if (!read_group(live, process->pid, fd, &group)) {
        return;
    }
    // fanotify_init(2): FAN_CLASS_CONTENT and FAN_CLASS_PRE_CONTENT may have events that wait for
    // an answer.
    bool may_block = (group.flags & (FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT)) != 0;
    bool blocks = may_block && (group.mask & blocking) != 0;
    const char *class = (group.flags & FAN_CLASS_PRE_CONTENT) != 0 ? "pre-content"
                        : may_block                                ? "content"
                                                                   : "notification";
    (void)snprintf(detail, sizeof detail,
                   "class %s; marks: %u files or folders, %u mounts, %u file systems%s", class,
                   group.inodes, group.mounts, group.file_systems,
                   blocks ? "; files open only when it agrees" : "");
    if (process->owner != NULL && blocks) {
        ov_live_tell(live, process, OV_POWER_BLOCK, "fanotify group", detail);
    }
    ov_live_tell(live, process, OV_POWER_FANOTIFY, "fanotify group", detail);
}
