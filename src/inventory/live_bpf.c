// SPDX-License-Identifier: Apache-2.0
// eBPF programs: those that the kernel runs, and who holds them (bpf(2)).
#include "inventory/live_state.h"

#include "base/cursor.h"
#include "base/fd.h"
#include "base/number.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Those that see what others do, or decide it; programs for packets and cgroups are not told, but
// their names are looked up.
static const struct {
    uint32_t type;
    const char *name;
} tracing[] = {
    {BPF_PROG_TYPE_KPROBE, "kprobe"},
    {BPF_PROG_TYPE_TRACEPOINT, "tracepoint"},
    {BPF_PROG_TYPE_PERF_EVENT, "perf event"},
    {BPF_PROG_TYPE_RAW_TRACEPOINT, "raw tracepoint"},
    {BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, "raw tracepoint, writable"},
    {BPF_PROG_TYPE_TRACING, "tracing"},
    {BPF_PROG_TYPE_LSM, "security module (LSM): it can refuse"},
};

void ov_live_look_at_program(struct ov_live *live, size_t process, int fd) {
    static const char key[] = "prog_id:\t";
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    char place[64];
    uint64_t id;
    (void)snprintf(place, sizeof place, "%d/fdinfo/%d", (int)live->processes[process].pid, fd);
    if (ov_procfs_read(live->procfs, place, &text) != OV_OK) {
        return;
    }
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&text));
    while (ov_cursor_left(&cursor) > 0) {
        struct ov_span line = ov_cursor_until(&cursor, '\n');
        if (!ov_span_has_prefix(line, key) ||
            ov_number_read(ov_span_from(line, sizeof key - 1), &id) != OV_OK) {
            continue;
        }
        if (live->program_count == live->program_room) {
            size_t room = live->program_room > 0 ? 2 * live->program_room : 64;
            void *grown = reallocarray(live->programs, room, sizeof *live->programs);
            if (grown == NULL) {
                ov_inventory_add_problem(live->inventory, "eBPF programs", "out of memory", NULL);
                return;
            }
            live->programs = grown;
            live->program_room = room;
        }
        live->programs[live->program_count++] = (struct ov_live_program){(uint32_t)id, process};
    }
}

static int call(int command, union bpf_attr *attributes) {
    return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

static bool get_info(uint32_t id, struct bpf_prog_info *ret_info) {
    union bpf_attr ask = {.prog_id = id};
    OV_AUTO_FD fd = call(BPF_PROG_GET_FD_BY_ID, &ask);
    memset(ret_info, 0, sizeof *ret_info);
    ask = (union bpf_attr){.info = {.bpf_fd = (uint32_t)fd,
                                    .info_len = sizeof *ret_info,
                                    .info = (uint64_t)(uintptr_t)ret_info}};
    return fd >= 0 && call(BPF_OBJ_GET_INFO_BY_FD, &ask) == 0;
}

// Each process that holds it, once; or that nobody does. A name is no proof of whose a program is:
// whoever holds one by a product's name and is not that product is told like all others.
static void tell_holders(struct ov_live *live, uint32_t id, const char *known_name,
                         const char *detail) {
    size_t count = 0;
    for (size_t i = 0; i < live->program_count; i++) {
        if (live->programs[i].id == id) {
            ov_live_tell(live, &live->processes[live->programs[i].process], OV_POWER_BPF,
                         "eBPF program", detail);
            count++;
        }
    }
    if (count == 0 && known_name != NULL) {
        const struct ov_allowed allowed = {
            .kind = OV_INDICATOR_BPF, .value = known_name, .power = OV_POWER_BPF, .place = ""};
        ov_inventory_allow(live->inventory, &allowed, detail);
    } else if (count == 0) {
        const struct ov_holder holder = {
            .what = (char *)(uintptr_t) "eBPF program",
            .who = (char *)(uintptr_t) "held by no process that could be seen: pinned, or attached",
            .detail = (char *)(uintptr_t)detail,
            .package = (char *)(uintptr_t) ""};
        ov_inventory_add_holder(live->inventory, &holder);
    }
}

static void look_at(struct ov_live *live, uint32_t id) {
    struct bpf_prog_info info;
    char detail[128];
    if (!get_info(id, &info)) {
        return; // gone meanwhile
    }
    info.name[sizeof info.name - 1] = '\0';
    (void)snprintf(detail, sizeof detail, "program %u", id);
    bool is_known = info.name[0] != '\0' &&
                    ov_inventory_see(live->inventory, &(struct ov_sight){.kind = OV_INDICATOR_BPF,
                                                                         .value = info.name,
                                                                         .detail = detail}) > 0;
    for (size_t i = 0; i < sizeof tracing / sizeof tracing[0]; i++) {
        if (tracing[i].type == info.type) {
            (void)snprintf(detail, sizeof detail, "%s \"%s\", program %u", tracing[i].name,
                           info.name, id);
            tell_holders(live, id, is_known ? info.name : NULL, detail);
        }
    }
}

void ov_live_list_programs(struct ov_live *live) {
    union bpf_attr ask = {.start_id = 0};
    size_t count = 0;
    while (call(BPF_PROG_GET_NEXT_ID, &ask) == 0) {
        look_at(live, ask.next_id);
        ask = (union bpf_attr){.start_id = ask.next_id};
        count++;
    }
    if (errno == ENOENT) {
        char method[64];
        (void)snprintf(method, sizeof method, "eBPF programs: %zu", count);
        ov_inventory_add_method(live->inventory, method);
    } else if (errno != ENOSYS) { // a kernel without them runs none
        ov_inventory_add_problem(live->inventory, "eBPF programs", strerror(errno), NULL);
    }
}
