// SPDX-License-Identifier: Apache-2.0
// Events of the ring as records.
#include "watch/recorder_state.h"

#include "watch/filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct ov_trace_pid process_of(const struct watch_head *head) {
    return (struct ov_trace_pid){.pid = head->pid, .start_ns = head->start_ns};
}

// ---- processes ----------------------------------------------------------------------------------

static size_t split_words(const struct watch_life *life, struct ov_span *words, size_t room) {
    size_t size = life->words_bytes < WATCH_WORDS_BYTES ? life->words_bytes : WATCH_WORDS_BYTES;
    size_t count = 0;
    for (size_t at = 0; at < size && count < room;) {
        size_t length = strnlen(life->words + at, size - at);
        words[count++] = ov_span_make(life->words + at, length);
        at += length + 1;
    }
    return count;
}

static enum ov_status tell_life(struct ov_recorder *recorder, const struct watch_life *life,
                                enum ov_trace_event event, struct ov_span path) {
    struct ov_span words[OV_TRACE_LIST_MAX];
    struct ov_trace_process record = {
        .at_ns = life->head.at_ns,
        .event = event,
        .process = process_of(&life->head),
        .parent = process_of(&life->parent),
        .reason = OV_TRACE_BY_PARENT,
        .uid = life->uid,
        .exe = ov_record_inode(&life->exe),
        .path = path,
        .status = life->status,
        .words = {.items = words, .item_count = split_words(life, words, OV_TRACE_LIST_MAX)},
    };
    record.words.count = record.words.item_count;
    return ov_trace_write_process(recorder->trace, &record);
}

enum ov_status ov_recorder_tell_execs(struct ov_recorder *recorder) {
    struct watch_life life;
    for (size_t at = 0; at + sizeof life <= recorder->execs.size; at += sizeof life) {
        struct ov_span path = {0};
        memcpy(&life, recorder->execs.data + at, sizeof life);
        const struct ov_known_name *name = ov_table_find(&recorder->names, &life.exe);
        if (name != NULL) {
            path = ov_span_part(ov_buf_span(&recorder->paths), name->at, name->size);
        }
        TRY(tell_life(recorder, &life, OV_TRACE_EVENT_EXEC, path));
    }
    ov_buf_reset(&recorder->execs);
    return OV_OK;
}

// ---- canaries and calls -------------------------------------------------------------------------

// Who is not watched and touches a canary: once each, with what /proc still knows.
static enum ov_status tell_stranger(struct ov_recorder *recorder, const struct watch_head *head) {
    struct ov_stranger key = {.pid = head->pid, .start_ns = head->start_ns};
    char path[64];
    char program[OV_TRACE_TEXT_BYTES_MAX];
    struct stat info = {0};
    if (ov_table_find(&recorder->strangers, &key) != NULL) {
        return OV_OK;
    }
    if (ov_table_get(&recorder->strangers, &key) == NULL) {
        return OV_MEMORY;
    }
    (void)snprintf(path, sizeof path, "/proc/%u", head->pid);
    bool is_there = stat(path, &info) == 0;
    (void)snprintf(path, sizeof path, "/proc/%u/exe", head->pid);
    ssize_t size = is_there ? readlink(path, program, sizeof program) : -1;
    struct ov_trace_process record = {
        .at_ns = head->at_ns,
        .event = OV_TRACE_EVENT_FOUND,
        .process = process_of(head),
        .reason = OV_TRACE_BY_CANARY,
        .uid = info.st_uid,
        .path = ov_span_make(program, size > 0 ? (size_t)size : 0),
    };
    return ov_trace_write_process(recorder->trace, &record);
}

static enum ov_status tell_touch(struct ov_recorder *recorder, const struct watch_touch *touch) {
    struct ov_trace_canary record = {
        .at_ns = touch->head.at_ns,
        .process = process_of(&touch->head),
        .inode = ov_record_inode(&touch->inode),
        .route = touch->route < OV_TRACE_ROUTES ? (enum ov_trace_route)touch->route
                                                : OV_TRACE_ROUTE_PAGES,
        .from = touch->from,
        .to = touch->to >= touch->from ? touch->to : touch->from,
    };
    if (touch->is_watched == 0) {
        TRY(tell_stranger(recorder, &touch->head));
    }
    return ov_trace_write_canary(recorder->trace, &record);
}

static const char *call_name(uint64_t number) {
    static const struct {
        uint64_t number;
        const char *name;
    } calls[] = {
        {SYS_clone, "clone"},
        {SYS_clone3, "clone3"},
        {SYS_pivot_root, "pivot_root"},
        {SYS_chroot, "chroot"},
        {SYS_fsmount, "fsmount"},
        {SYS_mount_setattr, "mount_setattr"},
        {SYS_ioctl, "ioctl"},
        {SYS_ptrace, "ptrace"},
        {SYS_mount, "mount"},
        {SYS_umount2, "umount2"},
        {SYS_iopl, "iopl"},
        {SYS_ioperm, "ioperm"},
        {SYS_init_module, "init_module"},
        {SYS_finit_module, "finit_module"},
        {SYS_kexec_load, "kexec_load"},
        {SYS_kexec_file_load, "kexec_file_load"},
        {SYS_unshare, "unshare"},
        {SYS_setns, "setns"},
        {SYS_perf_event_open, "perf_event_open"},
        {SYS_open_by_handle_at, "open_by_handle_at"},
        {SYS_process_vm_readv, "process_vm_readv"},
        {SYS_process_vm_writev, "process_vm_writev"},
        {SYS_bpf, "bpf"},
        {SYS_userfaultfd, "userfaultfd"},
        {SYS_io_uring_setup, "io_uring_setup"},
        {SYS_open_tree, "open_tree"},
        {SYS_move_mount, "move_mount"},
        {SYS_pidfd_getfd, "pidfd_getfd"},
    };
    const char *name = NULL;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        name = calls[i].number == number ? calls[i].name : name;
    }
    return name;
}

static enum ov_status tell_act(struct ov_recorder *recorder, const struct watch_act *act) {
    char words[3][24];
    char number[32];
    struct ov_span arguments[3];
    const char *name = call_name(act->number);
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(words[i], sizeof words[i], "0x%llx", (unsigned long long)act->arguments[i]);
        arguments[i] = ov_span_text(words[i]);
    }
    (void)snprintf(number, sizeof number, "call-%llu", (unsigned long long)act->number);
    struct ov_trace_act record = {
        .at_ns = act->head.at_ns,
        .process = process_of(&act->head),
        .call = ov_span_text(name != NULL ? name : number),
        .result = act->result,
        .arguments = {.items = arguments, .item_count = 3, .count = 3},
    };
    return ov_trace_write_act(recorder->trace, &record);
}

// ---- refused opens ------------------------------------------------------------------------------

// The device rules of a cgroup give EPERM; Landlock gives EACCES, as do the modes of files, which
// for what is the kernel's own are no hindrance to root.
static enum ov_status tell_refusal(struct ov_recorder *recorder,
                                   const struct watch_refusal *refusal) {
    static const char *const kernels[] = {"/dev/", "/proc/", "/sys/"};
    const char *by = refusal->error == EPERM ? "cgroup" : "permission";
    struct ov_trace_pid process = process_of(&refusal->head);
    struct ov_span path = ov_span_make(refusal->path, strnlen(refusal->path, WATCH_REFUSED_BYTES));
    path.size = refusal->path_bytes > 0 ? path.size : 0;
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        bool is_kernels =
            path.size > 0 && strncmp(refusal->path, kernels[i], strlen(kernels[i])) == 0;
        by = is_kernels && refusal->error == EACCES ? "landlock" : by;
    }
    return recorder->denials == NULL ? OV_OK
                                     : ov_denials_add_open(recorder->denials, &process, by, path);
}

// ---- all ----------------------------------------------------------------------------------------

static enum ov_status note_gone(struct ov_recorder *recorder, const struct watch_head *head) {
    uint64_t pid = head->pid;
    if (recorder->gone.count >= OV_RECORDER_GONE_MAX) { // who asks, asks soon
        ov_table_release(&recorder->gone);
    }
    struct ov_gone *gone = ov_table_get(&recorder->gone, &pid);
    TRY(gone != NULL ? OV_OK : OV_MEMORY);
    gone->start_ns = head->start_ns;
    return OV_OK;
}

static enum ov_status keep_exec(struct ov_recorder *recorder, const struct watch_life *life) {
    ov_buf_add(&recorder->execs, life, sizeof *life);
    return ov_buf_status(&recorder->execs);
}

enum ov_status ov_recorder_tell_event(struct ov_recorder *recorder, const void *event,
                                      size_t size) {
    const struct watch_head *head = event;
    size_t wanted = head->type == WATCH_CANARY    ? sizeof(struct watch_touch)
                    : head->type == WATCH_ACT     ? sizeof(struct watch_act)
                    : head->type == WATCH_REFUSAL ? sizeof(struct watch_refusal)
                                                  : sizeof(struct watch_life);
    if (size < wanted) {
        return OV_DAMAGED;
    }
    switch (head->type) {
    case WATCH_FORK:
        return tell_life(recorder, event, OV_TRACE_EVENT_FORK, ov_span_make(NULL, 0));
    case WATCH_EXEC:
        return keep_exec(recorder, event);
    case WATCH_EXIT:
        TRY(note_gone(recorder, head));
        return tell_life(recorder, event, OV_TRACE_EVENT_EXIT, ov_span_make(NULL, 0));
    case WATCH_CANARY:
        return tell_touch(recorder, event);
    case WATCH_ACT:
        return tell_act(recorder, event);
    case WATCH_REFUSAL:
        return tell_refusal(recorder, event);
    default:
        return OV_DAMAGED;
    }
}
