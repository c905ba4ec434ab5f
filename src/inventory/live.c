// SPDX-License-Identifier: Apache-2.0
// Processes of a running machine, one after another, and then what they hold together.
#include "inventory/live.h"

#include "base/capability.h"
#include "base/fd.h"
#include "inventory/live_state.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BIT(capability) (1ull << (capability))

// With any of these a process can read what others keep to themselves.
static const uint64_t broad = BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_DAC_OVERRIDE) |
                              BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_MODULE);
// Containers of root have CAP_DAC_OVERRIDE, for their own files: it says nothing by itself.
static const uint64_t telling =
    BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_MODULE);

void ov_live_tell(struct ov_live *live, const struct ov_live_process *process,
                  enum ov_power_kind power, const char *what, const char *detail) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    if (process->owner != NULL) {
        ov_buf_printf(&text, "%s: ", process->exe);
    }
    ov_buf_printf(&text, "%s (pid %d%s%s%s)", detail, (int)process->pid,
                  process->is_deleted ? ", its program is deleted" : "",
                  process->place_text[0] != 0 ? ", " : "", process->place_text);
    ov_buf_add_u8(&text, 0);
    if (text.has_failed) {
        ov_inventory_add_problem(live->inventory, process->exe, "out of memory", NULL);
    } else if (process->owner != NULL) {
        ov_inventory_add_power(live->inventory, process->owner, power, (const char *)text.data,
                               process->place_text);
    } else {
        const struct ov_holder holder = {.what = (char *)(uintptr_t)what,
                                         .who = (char *)(uintptr_t)process->exe,
                                         .detail = (char *)text.data,
                                         .package = (char *)(uintptr_t) "",
                                         .is_expected = process->is_here &&
                                                        ov_live_is_expected(what, process->exe)};
        ov_inventory_add_holder(live->inventory, &holder);
    }
}

// ---- what it holds ------------------------------------------------------------------------------

enum { HOME_BYTES = 64, HOMES = 2 };

struct holding {
    struct ov_live *live;
    size_t process;
    size_t sockets, outside;
    char outside_what[OV_PROCFS_TEXT_BYTES]; // the first
    char listens_what[OV_PROCFS_TEXT_BYTES];
    char homes[HOMES][HOME_BYTES]; // of different users, in which it has files open
    size_t home_count;
};

static void look_at_home(struct holding *holding, const char *target) {
    static const char homes[] = "/home/";
    char home[HOME_BYTES];
    if (strncmp(target, homes, sizeof homes - 1) != 0 || holding->home_count == HOMES) {
        return;
    }
    const char *name = target + sizeof homes - 1;
    (void)snprintf(home, sizeof home, "%.*s", (int)strcspn(name, "/"), name);
    if (holding->home_count == 0 || strcmp(holding->homes[0], home) != 0) {
        memcpy(holding->homes[holding->home_count++], home, sizeof home);
    }
}

static void look_at_socket(struct holding *holding, uint64_t number) {
    const struct ov_live_socket *socket = ov_live_socket(holding->live, number);
    if (socket == NULL) {
        return;
    }
    const struct ov_live_process *process = &holding->live->processes[holding->process];
    if (socket->is_audit) {
        if (process->owner == NULL && !socket->hears) {
            return; // whoever tells the audit something, as login does, has such a socket
        }
        ov_live_tell(holding->live, process, OV_POWER_AUDIT, "audit socket", socket->what);
        return;
    }
    holding->sockets++;
    char *what = socket->is_outside ? holding->outside_what : holding->listens_what;
    if (what[0] == 0) {
        memcpy(what, socket->what, sizeof socket->what);
    }
    holding->outside += socket->is_outside;
}

static void look_at_descriptor(void *arg, int number, const char *target) {
    struct holding *holding = arg;
    struct ov_live *live = holding->live;
    uint64_t socket = ov_procfs_socket(target);
    if (socket != 0) {
        look_at_socket(holding, socket);
    } else if (strcmp(target, "anon_inode:[fanotify]") == 0) {
        ov_live_look_at_fanotify(live, &live->processes[holding->process], number);
    } else if (strcmp(target, "anon_inode:bpf-prog") == 0 ||
               strcmp(target, "anon_inode:bpf_link") == 0) {
        ov_live_look_at_program(live, holding->process, number);
    } else {
        look_at_home(holding, target);
    }
}

// ---- what it could do ---------------------------------------------------------------------------

static void tell_product(struct holding *holding, const struct ov_live_process *process) {
    struct ov_live *live = holding->live;
    OV_CLEANUP(ov_buf_release) struct ov_buf names = {0};
    ov_capability_add_names(&names, process->capabilities);
    ov_buf_add_u8(&names, 0);
    if (process->uid == 0) {
        ov_live_tell(live, process, OV_POWER_ROOT, "", "user 0");
    }
    if (process->capabilities != 0 && !names.has_failed) {
        ov_live_tell(live, process, OV_POWER_CAPABILITY, "", (const char *)names.data);
    }
    if ((process->capabilities & (BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_DAC_OVERRIDE))) != 0) {
        ov_live_tell(live, process, OV_POWER_ALL_FILES, "", "by its capabilities");
    }
    if ((process->capabilities & BIT(CAP_SYS_PTRACE)) != 0) {
        ov_live_tell(live, process, OV_POWER_PTRACE, "", "by its capabilities");
    }
    if (holding->outside > 0) {
        ov_live_tell(live, process, OV_POWER_CONNECTED, "", holding->outside_what);
    }
    if (holding->listens_what[0] != 0) {
        ov_live_tell(live, process, OV_POWER_LISTENS, "", holding->listens_what);
    }
}

static void tell_unlisted(struct holding *holding, const struct ov_live_process *process) {
    struct ov_live *live = holding->live;
    char detail[2 * OV_PROCFS_TEXT_BYTES + 128];
    if ((process->capabilities & telling) != 0 && holding->sockets > 0) {
        OV_CLEANUP(ov_buf_release) struct ov_buf names = {0};
        ov_capability_add_names(&names, process->capabilities & broad);
        ov_buf_add_u8(&names, 0);
        (void)snprintf(detail, sizeof detail, "%.200s; %s",
                       names.has_failed ? "" : (const char *)names.data,
                       holding->outside > 0 ? holding->outside_what : holding->listens_what);
        ov_live_tell(live, process, OV_POWER_CAPABILITY, "capabilities", detail);
    }
    if (process->uid == 0 && process->is_service && holding->home_count == HOMES) {
        (void)snprintf(detail, sizeof detail, "a service of root with open files of %s and %s",
                       holding->homes[0], holding->homes[1]);
        ov_live_tell(live, process, OV_POWER_ALL_FILES, "reads homes", detail);
    }
}

static void look_at_process(struct ov_live *live, size_t index) {
    const struct ov_live_process *process = &live->processes[index];
    struct holding holding = {.live = live, .process = index};
    char detail[160];
    (void)snprintf(detail, sizeof detail, "pid %d%s", (int)process->pid,
                   process->is_deleted ? ", its program is deleted" : "");
    (void)ov_inventory_see(live->inventory, &(struct ov_sight){.kind = OV_INDICATOR_PROCESS,
                                                               .value = process->exe,
                                                               .detail = detail,
                                                               .place = process->place_text});
    ov_live_look_at_preload(live, process);
    enum ov_status status =
        ov_procfs_descriptors(live->procfs, process->pid, &holding, look_at_descriptor);
    live->denied_count += status == OV_DENIED;
    if (process->owner != NULL) {
        tell_product(&holding, process);
    } else {
        tell_unlisted(&holding, process);
    }
}

// ---- all ----------------------------------------------------------------------------------------

// Those that are threads of the kernel have no executable; those of others are not shown to
// everybody.
static enum ov_status identify_all(struct ov_live *live) {
    struct ov_process *rows = NULL;
    size_t count = 0, hidden = 0;
    TRY(ov_procfs_processes(live->procfs, &rows, &count));
    live->processes = calloc(count + 1, sizeof *live->processes);
    for (size_t i = 0; live->processes != NULL && i < count; i++) {
        if (rows[i].pid == getpid() || rows[i].has_ended) {
            continue;
        }
        errno = 0;
        if (ov_live_identify(live, rows[i].pid, &live->processes[live->process_count])) {
            live->process_count++;
        } else {
            hidden += errno == EACCES || errno == EPERM;
        }
    }
    free(rows);
    if (hidden > 0) {
        char what[64];
        (void)snprintf(what, sizeof what, hidden == 1 ? "one process" : "%zu processes", hidden);
        ov_inventory_add_problem(live->inventory, what,
                                 geteuid() == 0 ? "the kernel does not tell its program to us"
                                                : "its program: root sees it",
                                 NULL);
    }
    return live->processes != NULL ? OV_OK : OV_MEMORY;
}

static void look(struct ov_live *live) {
    enum ov_status status = identify_all(live);
    if (status != OV_OK) {
        ov_inventory_add_problem(live->inventory, "/proc",
                                 status == OV_SYSTEM ? strerror(errno) : ov_status_text(status),
                                 NULL);
        return;
    }
    for (size_t i = 0; i < live->process_count; i++) {
        ov_live_add_network(live, live->processes[i].pid);
    }
    for (size_t i = 0; i < live->process_count; i++) {
        look_at_process(live, i);
    }
    char text[96];
    (void)snprintf(text, sizeof text, "running processes: %zu, and what they hold",
                   live->process_count);
    ov_inventory_add_method(live->inventory, text);
    if (live->denied_count > 0) {
        (void)snprintf(text, sizeof text, live->denied_count == 1 ? "one process" : "%zu processes",
                       live->denied_count);
        ov_inventory_add_problem(live->inventory, text,
                                 geteuid() == 0 ? "the kernel does not tell what is held there"
                                                : "what is held there: root sees it",
                                 NULL);
    }
    ov_live_list_programs(live);
    ov_live_list_modules(live);
    ov_live_list_audit(live);
}

void ov_live_collect(struct ov_inventory *inventory) {
    struct ov_live *live = calloc(1, sizeof *live);
    OV_AUTO_FD procfs = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (live == NULL || procfs < 0) {
        ov_inventory_add_problem(inventory, "/proc", strerror(errno), NULL);
        free(live);
        return;
    }
    live->procfs = procfs;
    live->inventory = inventory;
    (void)!readlinkat(procfs, "self/ns/pid", live->own_pids, sizeof live->own_pids - 1);
    look(live);
    free(live->processes);
    free(live->sockets);
    free(live->programs);
    free(live);
}
