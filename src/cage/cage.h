// SPDX-License-Identifier: Apache-2.0
//
// What a process of ours may not do: one list of words a role, applied by the process to itself.
//
// A caged process keeps the descriptors that it was given and loses all else: paths, network, other
// processes, exec, new descriptors of its own making. Each layer that this kernel or this user
// cannot have is recorded with its errno, and the others still go up. Nothing here allocates.
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// The layers. The order is the one of reports; the numbers travel in the worker's first message.
enum ov_cage_layer {
    OV_LAYER_USER,         // a user id of its own (started by root) or a user namespace
    OV_LAYER_PIDS,         // sees no other process
    OV_LAYER_MOUNTS,       // an empty, read-only root directory
    OV_LAYER_NET,          // no network interface, no socket of the host
    OV_LAYER_IPC,          // no System V objects, no POSIX queues of the host
    OV_LAYER_UTS,          // no say in the host's name
    OV_LAYER_CGROUP,       // does not see the cgroup tree
    OV_LAYER_CAPABILITIES, // none left, none to be had
    OV_LAYER_PRIVILEGES,   // no_new_privs: exec would give nothing
    OV_LAYER_UNDUMPABLE,   // no core file, memory not shown to other users
    OV_LAYER_LIMITS,       // memory, files, processes
    OV_LAYER_DESCRIPTORS,  // only those of the role are open
    OV_LAYER_LANDLOCK,     // Landlock with no rule
    OV_LAYER_SECCOMP,      // an allow-list of system calls; another one kills
    OV_LAYER_COUNT,
};

#define OV_CAGE(layer) (1u << (layer))
#define OV_CAGE_ALL    (OV_CAGE(OV_LAYER_COUNT) - 1u)
// Asked for when the process starts, in ov_cage_spawn.
#define OV_CAGE_NAMESPACES                                                                         \
    (OV_CAGE(OV_LAYER_PIDS) | OV_CAGE(OV_LAYER_MOUNTS) | OV_CAGE(OV_LAYER_NET) |                   \
     OV_CAGE(OV_LAYER_IPC) | OV_CAGE(OV_LAYER_UTS) | OV_CAGE(OV_LAYER_CGROUP))

// What the system-call list allows beyond memory, clock and exit.
enum {
    OV_CAGE_TALK = 1 << 0,  // send and receive on the channel, close what arrived there
    OV_CAGE_WRITE = 1 << 1, // write to the output descriptors
};

struct ov_cage_spec {
    uint32_t layers;       // OV_CAGE() bits
    uint32_t calls;        // OV_CAGE_TALK, OV_CAGE_WRITE
    int channel;           // the only socket; -1 for none
    int outputs[2];        // what may be written to; -1 for none
    int descriptors_below; // all from here on are closed
    uint64_t memory_bytes; // address space beyond what is mapped of files; 0 = no cap
    uint64_t mapped_bytes; // what will be mapped of files
};

struct ov_cage_report {
    uint32_t enforced;                // OV_CAGE() bits
    uint8_t refusals[OV_LAYER_COUNT]; // errno of a layer asked for and not had
};

// Starts a child in namespaces of its own, as many of `layers` as can be had. Returns as fork does:
// 0 in the child, its pid in the parent (which also gets a pidfd, or -1 where there are none), or
// -1. The child must call ov_cage_enter, or exec a program that does.
pid_t ov_cage_spawn(uint32_t layers, int *ret_pidfd);

// Cages the calling process, which must have one thread, for the rest of its life.
void ov_cage_enter(const struct ov_cage_spec *spec, struct ov_cage_report *ret_report);

// "own user", "seccomp", ...; and one sentence of what the layer takes away.
const char *ov_cage_layer_name(enum ov_cage_layer layer);
const char *ov_cage_layer_meaning(enum ov_cage_layer layer);
