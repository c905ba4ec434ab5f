// SPDX-License-Identifier: Apache-2.0
// Who a process is: its executable, rights and container; and what its environment loads into it.
#include "inventory/live_state.h"

#include "base/cursor.h"
#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLACE_BYTES = 64 };

// The value of a line "KEY:\tVALUE".
static bool find_value(struct ov_span text, const char *key, struct ov_span *ret_value) {
    struct ov_cursor cursor = ov_cursor_init(text);
    while (ov_cursor_left(&cursor) > 0) {
        struct ov_span line = ov_cursor_until(&cursor, '\n');
        if (ov_span_has_prefix(line, key)) {
            struct ov_span value = ov_span_from(line, strlen(key));
            while (value.size > 0 && (value.data[0] == '\t' || value.data[0] == ' ')) {
                value = ov_span_from(value, 1);
            }
            *ret_value = value;
            return true;
        }
    }
    return false;
}

static void read_status(struct ov_live *live, struct ov_live_process *process) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    char place[PLACE_BYTES], digits[32];
    struct ov_span value;
    uint64_t number;
    (void)snprintf(place, sizeof place, "%d/status", (int)process->pid);
    if (ov_procfs_read(live->procfs, place, &text) != OV_OK) {
        return;
    }
    if (find_value(ov_buf_span(&text), "Uid:", &value)) { // real, effective, saved, file system
        struct ov_span rest = ov_span_from(value, ov_span_find(value, 0, '\t') + 1);
        struct ov_span effective = ov_span_part(rest, 0, ov_span_find(rest, 0, '\t'));
        process->uid = ov_number_read(effective, &number) == OV_OK ? (uint32_t)number : UINT32_MAX;
    }
    if (find_value(ov_buf_span(&text), "CapEff:", &value)) {
        (void)snprintf(digits, sizeof digits, "%.*s", (int)value.size, (const char *)value.data);
        process->capabilities = strtoull(digits, NULL, 16);
    }
}

// The login that it comes from: all ones for none (pam_loginuid(8)).
static bool read_is_service(struct ov_live *live, pid_t pid) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    char place[PLACE_BYTES];
    (void)snprintf(place, sizeof place, "%d/loginuid", (int)pid);
    return ov_procfs_read(live->procfs, place, &text) == OV_OK &&
           ov_span_is_text(ov_buf_span(&text), "4294967295");
}

static void read_place(struct ov_live *live, struct ov_live_process *process) {
    char link[PLACE_BYTES], target[PLACE_BYTES];
    (void)snprintf(link, sizeof link, "%d/ns/pid", (int)process->pid);
    ssize_t size = readlinkat(live->procfs, link, target, sizeof target - 1);
    target[size > 0 ? size : 0] = '\0';
    if (size > 0 && strcmp(target, live->own_pids) != 0) {
        (void)snprintf(process->place_text, sizeof process->place_text, "namespace %.50s", target);
    }
}

bool ov_live_identify(struct ov_live *live, pid_t pid, struct ov_live_process *ret_process) {
    static const char deleted[] = " (deleted)";
    char link[PLACE_BYTES];
    struct ov_live_process *process = ret_process;
    *process = (struct ov_live_process){.pid = pid, .uid = UINT32_MAX};
    (void)snprintf(link, sizeof link, "%d/exe", (int)pid);
    ssize_t size = readlinkat(live->procfs, link, process->exe, sizeof process->exe - 1);
    if (size <= 0) {
        return false; // a thread of the kernel, or gone, or not ours to see
    }
    process->exe[size] = '\0';
    size_t tail = sizeof deleted - 1;
    if ((size_t)size > tail && strcmp(process->exe + (size_t)size - tail, deleted) == 0) {
        process->exe[(size_t)size - tail] = '\0';
        process->is_deleted = true;
    }
    read_status(live, process);
    read_place(live, process);
    struct stat runs, stands;
    process->is_here = fstatat(live->procfs, link, &runs, 0) == 0 &&
                       stat(process->exe, &stands) == 0 && runs.st_dev == stands.st_dev &&
                       runs.st_ino == stands.st_ino;
    process->is_service = read_is_service(live, pid);
    process->owner = ov_inventory_owner(process->exe);
    return true;
}

// ---- preloaded libraries ------------------------------------------------------------------------

static void tell_library(struct ov_live *live, const struct ov_live_process *process,
                         const char *variable, const char *library) {
    char detail[PATH_MAX + 128];
    const struct ov_product *owner = ov_inventory_owner(library);
    (void)snprintf(detail, sizeof detail, "%s in %s (pid %d)", variable, process->exe,
                   (int)process->pid);
    if (owner != NULL) {
        (void)snprintf(detail, sizeof detail, "%s: %s in %s (pid %d)", library, variable,
                       process->exe, (int)process->pid);
        ov_inventory_add_power(live->inventory, owner, OV_POWER_PRELOAD, detail,
                               process->place_text);
        return;
    }
    const struct ov_holder holder = {.what = (char *)(uintptr_t) "preloaded library",
                                     .who = (char *)(uintptr_t)library,
                                     .detail = detail,
                                     .package = (char *)(uintptr_t) "",
                                     .is_expected =
                                         ov_live_is_expected("preloaded library", library)};
    ov_inventory_add_holder(live->inventory, &holder);
}

// Names stand apart by blanks or colons (ld.so(8)).
static void tell_libraries(struct ov_live *live, const struct ov_live_process *process,
                           const char *variable, struct ov_span value) {
    size_t start = 0;
    for (size_t at = 0; at <= value.size; at++) {
        bool is_end = at == value.size || value.data[at] == ' ' || value.data[at] == ':';
        if (is_end && at > start) {
            char library[PATH_MAX];
            (void)snprintf(library, sizeof library, "%.*s", (int)(at - start),
                           (const char *)value.data + start);
            tell_library(live, process, variable, library);
        }
        start = is_end ? at + 1 : start;
    }
}

void ov_live_look_at_preload(struct ov_live *live, const struct ov_live_process *process) {
    static const char *const variables[] = {"LD_PRELOAD", "LD_AUDIT"};
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    char place[PLACE_BYTES];
    (void)snprintf(place, sizeof place, "%d/environ", (int)process->pid);
    if (ov_procfs_read(live->procfs, place, &text) != OV_OK) {
        return;
    }
    struct ov_cursor cursor = ov_cursor_init(ov_buf_span(&text));
    while (ov_cursor_left(&cursor) > 0) {
        struct ov_span entry = ov_cursor_until(&cursor, '\0');
        for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
            size_t size = strlen(variables[i]);
            if (entry.size > size && ov_span_has_prefix(entry, variables[i]) &&
                entry.data[size] == '=') {
                tell_libraries(live, process, variables[i], ov_span_from(entry, size + 1));
            }
        }
    }
}
