// SPDX-License-Identifier: Apache-2.0
// Events of the ring as records.
#include "watch/recorder_state.h"

#include "watch/filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

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
    return ov_trace_write_canary(recorder->trace, &record);
}

static const char *call_name(uint64_t number) {
    switch (number) {
    case SYS_ioctl:
        return "ioctl";
    case SYS_ptrace:
        return "ptrace";
    case SYS_mount:
        return "mount";
    case SYS_umount2:
        return "umount2";
    case SYS_iopl:
        return "iopl";
    case SYS_ioperm:
        return "ioperm";
    case SYS_init_module:
        return "init_module";
    case SYS_finit_module:
        return "finit_module";
    case SYS_kexec_load:
        return "kexec_load";
    case SYS_kexec_file_load:
        return "kexec_file_load";
    case SYS_unshare:
        return "unshare";
    case SYS_setns:
        return "setns";
    case SYS_perf_event_open:
        return "perf_event_open";
    case SYS_open_by_handle_at:
        return "open_by_handle_at";
    case SYS_process_vm_readv:
        return "process_vm_readv";
    case SYS_process_vm_writev:
        return "process_vm_writev";
    case SYS_bpf:
        return "bpf";
    case SYS_userfaultfd:
        return "userfaultfd";
    case SYS_io_uring_setup:
        return "io_uring_setup";
    case SYS_open_tree:
        return "open_tree";
    case SYS_move_mount:
        return "move_mount";
    case SYS_pidfd_getfd:
        return "pidfd_getfd";
    default:
        return NULL;
    }
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
