// SPDX-License-Identifier: Apache-2.0
//
// What a process of ours may not do: one list of words a role, applied by the process to itself.
//
// A caged process keeps the descriptors that it was given and loses all else: paths, network, other
// processes, exec, new descriptors of its own making; but for what its words and paths say. Each
// layer that this kernel or this user cannot have is recorded with its errno, and the others still
// go up. Nothing here allocates.
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// The layers. The order is the one of reports; the numbers travel in the worker's first message.
enum ov_cage_layer {
    OV_LAYER_USER,         // a user id of its own (started by root) or a user namespace
    OV_LAYER_PIDS,         // sees no other process
    OV_LAYER_MOUNTS,       // a read-only root directory with nothing but the paths of the spec
    OV_LAYER_NET,          // no network interface, no socket of the host
    OV_LAYER_IPC,          // no System V objects, no POSIX queues of the host
    OV_LAYER_UTS,          // no say in the host's name
    OV_LAYER_CGROUP,       // does not see the cgroup tree
    OV_LAYER_CAPABILITIES, // none left, none to be had
    OV_LAYER_PRIVILEGES,   // no_new_privs: exec would give nothing
    OV_LAYER_UNDUMPABLE,   // no core file, memory not shown to other users
    OV_LAYER_LIMITS,       // memory, files, processes
    OV_LAYER_DESCRIPTORS,  // only those of the role are open
    OV_LAYER_LANDLOCK,     // Landlock, with rules for the paths and ports of the spec alone
    OV_LAYER_SECCOMP,      // an allow-list of system calls; another one kills
    OV_LAYER_COUNT,
};

#define OV_CAGE(layer) (1u << (layer))
#define OV_CAGE_ALL    (OV_CAGE(OV_LAYER_COUNT) - 1u)
// For roles that CLIENT or SERVE: they stay in the network of the host.
#define OV_CAGE_ALL_BUT_NET (OV_CAGE_ALL & ~OV_CAGE(OV_LAYER_NET))
// Asked for when the process starts, in ov_cage_spawn.
#define OV_CAGE_NAMESPACES                                                                         \
    (OV_CAGE(OV_LAYER_PIDS) | OV_CAGE(OV_LAYER_MOUNTS) | OV_CAGE(OV_LAYER_NET) |                   \
     OV_CAGE(OV_LAYER_IPC) | OV_CAGE(OV_LAYER_UTS) | OV_CAGE(OV_LAYER_CGROUP))

// What the system-call list allows beyond memory, clock and exit. Which paths may be opened is said
// by `paths`; no word allows threads, processes, exec, or sockets other than TCP and UDP.
enum {
    OV_CAGE_TALK = 1 << 0,   // send and receive on the channel, close what arrived there
    OV_CAGE_WRITE = 1 << 1,  // write to the output descriptors
    OV_CAGE_CLIENT = 1 << 2, // make TCP and UDP sockets, connect them, read and write
    OV_CAGE_SERVE = 1 << 3,  // accept on sockets that listen already, read and write
    OV_CAGE_READ = 1 << 4,   // open files and folders for reading, and read them
    OV_CAGE_MAKE = 1 << 5,   // open files for writing too, new ones among them, and write
    OV_CAGE_EDIT = 1 << 6,   // rename, remove, truncate, lock, sync; make folders; mlock
    OV_CAGE_WORD_COUNT = 7,
};

// A part of the file system that stays in reach: a file or all below a folder. Whoever opens one by
// its path uses `path`; who was handed an open folder gives `fd`, and goes on using that number
// with openat (behind it is put a folder that has no way up).
struct ov_cage_path {
    const char *path; // absolute; NULL when there is an `fd`. One that is not there is left out
    int fd;           // an open folder; looked at only when `path` is NULL
    bool is_writable;
    bool is_handed_over; // a writable folder without content, given to the own user of the process
};

enum { OV_CAGE_PATHS_MAX = 8 };

struct ov_cage_spec {
    uint32_t layers;                  // OV_CAGE() bits
    uint32_t calls;                   // OV_CAGE_TALK, OV_CAGE_WRITE, ...
    int channel;                      // for TALK, the only socket; -1 for none
    int outputs[2];                   // what may be written to; -1 for none
    int descriptors_below;            // all from here on are closed
    uint64_t memory_bytes;            // address space beyond what is mapped of files; 0 = no cap
    uint64_t mapped_bytes;            // what will be mapped of files
    const struct ov_cage_path *paths; // for READ, MAKE, EDIT; at most OV_CAGE_PATHS_MAX
    size_t path_count;
    const uint16_t *ports; // for CLIENT: where TCP may connect to (Landlock, from ABI 4 on)
    size_t port_count;
    uint64_t file_bytes;      // for MAKE: what one file may grow to; 0 = no cap
    uint32_t open_file_count; // descriptors that may be open at a time; 0 = a few (64)
};

// What one argument of a system call must be: `argument & mask` is `value`.
struct ov_cage_condition {
    uint32_t argument; // its place, from 0
    uint64_t mask;
    uint64_t value;
};

enum { OV_CAGE_CONDITIONS_MAX = 2 };

// One line of the system-call list. A call may have several lines; each is enough.
struct ov_cage_rule {
    const char *call; // "openat"
    int error;        // 0: it is allowed; else it is not done, and gives this errno
    size_t condition_count;
    struct ov_cage_condition conditions[OV_CAGE_CONDITIONS_MAX];
};

struct ov_cage_report {
    uint32_t enforced;                // OV_CAGE() bits
    uint8_t refusals[OV_LAYER_COUNT]; // errno of a layer asked for and not had
};

// Starts a child in namespaces of its own, as many of `layers` as can be had. Returns as fork does:
// 0 in the child, its pid in the parent (which also gets a pidfd, or -1 where there are none), or
// -1. The child must call ov_cage_enter, or exec a program that does.
pid_t ov_cage_spawn(uint32_t layers, int *ret_pidfd);

// Whether ov_cage_spawn has started a process of this number here; of the last 1024 of them.
bool ov_cage_has_spawned(pid_t pid);

// Cages the calling process, which must have one thread, for the rest of its life.
//
// Started by root, it takes a user id that no account has; but when a writable folder that is not
// handed over belongs to somebody else than root, it becomes that user.
void ov_cage_enter(const struct ov_cage_spec *spec, struct ov_cage_report *ret_report);

// The system-call list of a spec, line by line, as ov_cage_enter would load it: the same code
// writes both. Any other call, or form of one, kills. `rule` is valid during the call of `each`.
void ov_cage_rules_each(const struct ov_cage_spec *spec,
                        void (*each)(void *arg, const struct ov_cage_rule *rule), void *arg);

// The word for one bit of `calls`, by its number: "talk", "write", ...
const char *ov_cage_word_name(unsigned bit);

// "own user", "seccomp", ...; and one sentence of what the layer takes away.
const char *ov_cage_layer_name(enum ov_cage_layer layer);
const char *ov_cage_layer_meaning(enum ov_cage_layer layer);
