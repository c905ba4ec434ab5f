// SPDX-License-Identifier: Apache-2.0
//
// What the parts of live.h share while they look at a machine.
#pragma once

#include "base/procfs.h"
#include "inventory/inventory.h"

#include <limits.h>

// A socket that matters, by its number.
struct ov_live_socket {
    uint64_t number;
    bool is_outside; // connected to another machine
    bool is_audit;   // open to the kernel's audit
    bool hears;      // and hears all of it
    char what[OV_PROCFS_TEXT_BYTES];
};

// That a process holds an eBPF program, or the link that keeps it in its place.
struct ov_live_program {
    uint32_t id;
    size_t process;
};

// Who it is: what a report says of a process.
struct ov_live_process {
    pid_t pid;
    char exe[PATH_MAX];  // "" when the kernel does not tell
    char place_text[64]; // "", or the namespace of process ids that it is in
    bool is_deleted;     // the executable is
    bool is_here;        // it is the file that stands at its path in our own tree of mounts
    bool is_service;     // nobody logged in to start it
    uint32_t uid;
    uint64_t capabilities;
    const struct ov_product *owner; // NULL: on no list
};

struct ov_live {
    int procfs;
    struct ov_inventory *inventory;
    char own_pids[64]; // the namespace of process ids that we are in
    struct ov_live_process *processes;
    size_t process_count;
    struct ov_live_socket *sockets; // by number
    size_t socket_count, socket_room;
    struct ov_live_program *programs;
    size_t program_count, program_room;
    char networks[256][32]; // those whose sockets are known
    size_t network_count;
    size_t denied_count; // processes whose descriptors we may not see
};

// Says what a process could do: a power of its product, or else, with `what`, that it holds this.
void ov_live_tell(struct ov_live *live, const struct ov_live_process *process,
                  enum ov_power_kind power, const char *what, const char *detail);

// Whether a part of the operating system, which is known to, holds such a thing.
bool ov_live_is_expected(const char *what, const char *who);

// Reads who it is. False when it is gone, or is a thread of the kernel.
bool ov_live_identify(struct ov_live *live, pid_t pid, struct ov_live_process *ret_process);
// Libraries that its environment has loaded before all others.
void ov_live_look_at_preload(struct ov_live *live, const struct ov_live_process *process);

// Remembers the sockets of the network that a process is in.
void ov_live_add_network(struct ov_live *live, pid_t pid);
const struct ov_live_socket *ov_live_socket(const struct ov_live *live, uint64_t number);

// Looks at a descriptor: a fanotify group; an eBPF program or link, which is remembered.
void ov_live_look_at_fanotify(struct ov_live *live, const struct ov_live_process *process, int fd);
void ov_live_look_at_program(struct ov_live *live, size_t process, int fd);

// The programs that the kernel runs, with who holds them.
void ov_live_list_programs(struct ov_live *live);
// The kernel's modules, and the rules of its audit.
void ov_live_list_modules(struct ov_live *live);
void ov_live_list_audit(struct ov_live *live);
