// SPDX-License-Identifier: Apache-2.0
//
// What /proc says of all processes: who is whose child, what stands behind descriptors, which
// sockets listen. The folder's descriptor is borrowed; tests give one that they made.
//
// The text of a process's own choosing (its name, the path of its socket) is fit for terminals.
// See proc(5).
#pragma once

#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>
#include <sys/types.h>

enum { OV_PROCESS_NAME_BYTES = 64, OV_PROCFS_TEXT_BYTES = 256 };

struct ov_process {
    pid_t pid;
    pid_t parent;
    uint64_t started; // in ticks since the machine's start: tells it from one of the same number
    bool has_ended;   // and nobody has asked how
    char name[OV_PROCESS_NAME_BYTES];
};

// The text of a file below it, such as "12/status". OV_SYSTEM (errno), OV_MEMORY; `ret_text` has
// what came before.
enum ov_status ov_procfs_read(int procfs, const char *place, struct ov_buf *ret_text);

// Cuts the next word off *rest, behind any number of blanks; empty at the end.
struct ov_span ov_procfs_word(struct ov_span *rest);

// All processes, by number; free(*ret_processes) is the caller's. OV_SYSTEM (errno), OV_MEMORY.
enum ov_status ov_procfs_processes(int procfs, struct ov_process **ret_processes,
                                   size_t *ret_count);

// The children of one, as far as the kernel has a list of them. OV_UNSUPPORTED when it has none.
enum ov_status ov_procfs_children(int procfs, pid_t pid, void *arg,
                                  void (*each)(void *arg, pid_t child));

// What its descriptors are, as their links say. OV_DENIED: we may not look; OV_END: it is gone.
enum ov_status ov_procfs_descriptors(int procfs, pid_t pid, void *arg,
                                     void (*each)(void *arg, int number, const char *target));

// The number of the socket that such a link names; 0 when it names none.
uint64_t ov_procfs_socket(const char *target);

// The sockets that listen in the network of a process: their number, and "tcp port 80" and such.
// OV_SYSTEM when that cannot be read.
enum ov_status ov_procfs_listeners(int procfs, pid_t pid, void *arg,
                                   void (*each)(void *arg, uint64_t socket, const char *what));

// The first line of what the kernel says of a descriptor that is a fanotify group, and how many
// marks it has. False when that cannot be read.
bool ov_procfs_fanotify(int procfs, pid_t pid, int number, char ret_line[OV_PROCFS_TEXT_BYTES],
                        unsigned *ret_marks);

// The sockets that are connected to another machine in the network of a process: their number, and
// "tcp to 192.0.2.1 port 443" and such. OV_SYSTEM when that cannot be read.
enum ov_status ov_procfs_connections(int procfs, pid_t pid, void *arg,
                                     void (*each)(void *arg, uint64_t socket, const char *what));
