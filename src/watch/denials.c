// SPDX-License-Identifier: Apache-2.0
// Answers the calls of the list with their errno, and counts them.
#include "watch/filter.h"

#include "trace/writer.h"

#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

enum { CALL_BYTES = 32, BY_BYTES = 16, WHAT_BYTES = 80, DENIALS_MAX = 65536 };

struct denial {
    struct { // the key; unused bytes are 0
        uint64_t start_ns;
        uint64_t pid;
        char call[CALL_BYTES];
        char by[BY_BYTES];
        char what[WHAT_BYTES];
    } key;
    uint64_t first_ns, last_ns;
    uint64_t count, written;
};

void ov_denials_init(struct ov_denials *ret_denials) {
    ov_table_init(sizeof((struct denial *)NULL)->key, sizeof(struct denial), &ret_denials->table);
}

void ov_denials_release(struct ov_denials *denials) {
    ov_table_release(&denials->table);
}

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static enum ov_status count_denial(struct ov_denials *denials, struct denial *denial) {
    if (denials->table.count >= DENIALS_MAX) { // who asks for ever new things is told as one
        (void)memset(denial->key.what, 0, sizeof denial->key.what);
        (void)memcpy(denial->key.what, "(more)", sizeof "(more)");
    }
    struct denial *known = ov_table_get(&denials->table, &denial->key);
    if (known == NULL) {
        return OV_MEMORY;
    }
    known->last_ns = now_ns();
    known->first_ns = known->count == 0 ? known->last_ns : known->first_ns;
    known->count++;
    return OV_OK;
}

// ---- calls of the list --------------------------------------------------------------------------

// The id of a thread's process.
static uint32_t process_of(uint32_t thread) {
    char path[64];
    char line[128];
    uint32_t pid = thread;
    (void)snprintf(path, sizeof path, "/proc/%u/status", thread);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Tgid:", 5) == 0) {
            pid = (uint32_t)strtoul(line + 5, NULL, 10);
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return pid;
}

// Numbers only: what pointers point to may change while it is looked at.
static void describe(const struct seccomp_notif *asked, struct denial *ret_denial) {
    const struct seccomp_data *data = &asked->data;
    bool is_native = data->arch == seccomp_arch_native();
    char *name = is_native ? seccomp_syscall_resolve_num_arch(data->arch, data->nr) : NULL;
    if (name != NULL) {
        (void)snprintf(ret_denial->key.call, CALL_BYTES, "%s", name);
    } else {
        (void)snprintf(ret_denial->key.call, CALL_BYTES, "%x:%d", data->arch, data->nr);
    }
    if (is_native && data->nr == SCMP_SYS(ioctl)) {
        (void)snprintf(ret_denial->key.what, WHAT_BYTES, "request 0x%x", (unsigned)data->args[1]);
    } else if (is_native && data->nr == SCMP_SYS(socket)) {
        (void)snprintf(ret_denial->key.what, WHAT_BYTES, "family %u", (unsigned)data->args[0]);
    } else if (is_native && data->nr == SCMP_SYS(ptrace)) {
        (void)snprintf(ret_denial->key.what, WHAT_BYTES, "request 0x%x, process %u",
                       (unsigned)data->args[0], (unsigned)data->args[1]);
    } else if (is_native && (data->nr == SCMP_SYS(process_vm_readv) ||
                             data->nr == SCMP_SYS(process_vm_writev))) {
        (void)snprintf(ret_denial->key.what, WHAT_BYTES, "process %u", (unsigned)data->args[0]);
    }
    (void)snprintf(ret_denial->key.by, BY_BYTES, "seccomp");
    free(name);
}

static enum ov_status take_one(struct ov_denials *denials, int listener,
                               struct seccomp_notif *asked, struct seccomp_notif_resp *answer,
                               ov_start_fn *start_of, void *arg) {
    int error = seccomp_notify_receive(listener, asked);
    if (error != 0) {
        return OV_OK; // who asked is gone
    }
    struct denial denial;
    (void)memset(&denial, 0, sizeof denial);
    denial.key.pid = process_of(asked->pid);
    denial.key.start_ns = start_of(arg, (uint32_t)denial.key.pid);
    describe(asked, &denial);
    // Programs that copy go on by reading when they are told that this cannot be done here.
    bool is_copy =
        asked->data.nr == SCMP_SYS(copy_file_range) && asked->data.arch == seccomp_arch_native();
    answer->id = asked->id;
    answer->error = is_copy ? -EXDEV : -EPERM;
    (void)seccomp_notify_respond(listener, answer); // fails when who asked is gone
    return count_denial(denials, &denial);
}

enum ov_status ov_denials_take(struct ov_denials *denials, int listener, ov_start_fn *start_of,
                               void *arg) {
    struct seccomp_notif *asked = NULL;
    struct seccomp_notif_resp *answer = NULL;
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    enum ov_status status = OV_OK;
    if (seccomp_notify_alloc(&asked, &answer) != 0) {
        return OV_MEMORY;
    }
    while (status == OV_OK && poll(&waiting, 1, 0) > 0) {
        if ((waiting.revents & POLLIN) == 0) {
            status = OV_END;
            break;
        }
        (void)memset(asked, 0, sizeof *asked);
        (void)memset(answer, 0, sizeof *answer);
        status = take_one(denials, listener, asked, answer, start_of, arg);
    }
    seccomp_notify_free(asked, answer);
    return status;
}

// ---- those of other layers ----------------------------------------------------------------------

enum ov_status ov_denials_add_open(struct ov_denials *denials, const struct ov_trace_pid *process,
                                   const char *by, struct ov_span path) {
    struct denial denial;
    (void)memset(&denial, 0, sizeof denial);
    denial.key.pid = process->pid;
    denial.key.start_ns = process->start_ns;
    (void)snprintf(denial.key.call, CALL_BYTES, "open");
    (void)snprintf(denial.key.by, BY_BYTES, "%s", by);
    (void)snprintf(denial.key.what, WHAT_BYTES, "%.*s", (int)path.size, (const char *)path.data);
    return count_denial(denials, &denial);
}

// ---- writing ------------------------------------------------------------------------------------

enum ov_status ov_denials_write(struct ov_denials *denials, struct ov_trace_writer *trace) {
    for (size_t i = 0; i < denials->table.count; i++) {
        struct denial *denial = ov_table_item(&denials->table, i);
        struct ov_trace_denied record = {
            .process = {.pid = (uint32_t)denial->key.pid, .start_ns = denial->key.start_ns},
            .call = ov_span_text(denial->key.call),
            .by = ov_span_text(denial->key.by),
            .what = ov_span_text(denial->key.what),
            .first_ns = denial->first_ns,
            .last_ns = denial->last_ns,
            .count = denial->count,
        };
        if (denial->count != denial->written) {
            TRY(ov_trace_write_denied(trace, &record));
            denial->written = denial->count;
        }
    }
    return OV_OK;
}
