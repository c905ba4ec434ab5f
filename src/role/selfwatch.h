// SPDX-License-Identifier: Apache-2.0
//
// Watching ourselves: whether our processes still run what is installed, and whether something
// came to them, or a fanotify group to this machine, that we did not bring.
//
// Read from /proc; the folder is a parameter, so that tests can give one that they made. For the
// broker: no caged process could look. Only root sees into all processes: what could not be looked
// at is counted and told. What was told is told again only when it has been gone meanwhile.
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <sys/types.h>

enum ov_watch_kind {
    OV_WATCH_PROGRAM,  // of our own processes: another program than is installed
    OV_WATCH_CHILD,    // one that we did not start, or a child of one of ours
    OV_WATCH_LISTENER, // a socket of ours that listens since the last look
    OV_WATCH_FANOTIFY, // a group of anybody's, since the last look
};

struct ov_selfwatch_request {
    const char *procfs;          // "/proc"
    pid_t pid;                   // ours
    const char *const *programs; // paths of those that are installed, without symbolic links
    size_t program_count;
    bool (*has_started)(pid_t pid); // whether a child is one that we started
    void *arg;
    void (*on_finding)(void *arg, enum ov_watch_kind kind, const char *text);
};

// What could not be looked at.
struct ov_watch_unseen {
    unsigned programs;    // of our own processes
    unsigned descriptors; // processes of this machine whose descriptors are not shown to us
    unsigned listeners;   // our own processes whose sockets are not
};

struct ov_selfwatch;

// Takes note of what is there already: our program, and children that came with this process. The
// request's strings are copied. OV_SYSTEM (errno), OV_MEMORY.
enum ov_status ov_selfwatch_new(const struct ov_selfwatch_request *request,
                                struct ov_selfwatch **ret_watch);
void ov_selfwatch_free(struct ov_selfwatch *watch);

// Looks at all of it. The first look takes the sockets that listen and the fanotify groups as they
// are; later ones tell of new ones. Statuses as above: then not everything was looked at.
enum ov_status ov_selfwatch_look(struct ov_selfwatch *watch, struct ov_watch_unseen *ret_unseen);

// Compares the running program with the installed one alone, and without a digest where they are
// one file that did not change: for the end of a short run.
void ov_selfwatch_glance(struct ov_selfwatch *watch);
