// SPDX-License-Identifier: Apache-2.0
//
// One caged process as the broker sees it: its channel, its ring, its life and death.
#pragma once

#include "base/buf.h"
#include "base/status.h"
#include "role/acts.h"
#include "wire/message.h"

#include <sys/types.h>

enum {
    OV_SLOT_COUNT = 2,              // batches in flight for each worker
    OV_SLOT_BYTES = 320 << 10,      // a batch of small files and one more
    OV_SLOT_FULL_BYTES = 256 << 10, // from here on no further file is packed
    OV_SMALL_FILE_BYTES = 64 << 10, // longer ones go by descriptor: several in one message
    OV_RING_BYTES = OV_SLOT_COUNT * OV_SLOT_BYTES,
};

// The memory through which small files reach one worker; outlives the process that reads it.
struct ov_ring {
    uint8_t *bytes; // OV_RING_BYTES, writable here alone
    int fd;         // read-only and sealed, for the worker
};

enum ov_status ov_ring_open(struct ov_ring *ret_ring);
void ov_ring_close(struct ov_ring *ring);

struct ov_child {
    pid_t pid; // 0 = not running
    int pidfd; // -1 where the kernel has none
    int channel;
    int end; // as of waitpid, once ov_child_end has seen it; else -1
    struct ov_acting acting;
};

enum { OV_CHILD_PASSED_MAX = 2 };

// In the environment of caged programs, for builds with sanitizers alone: in the cage leaks cannot
// be looked for, and without that nobody asks where memory was taken, a seventh of a start.
#define OV_CHILD_SANITIZERS "ASAN_OPTIONS=detect_leaks=0:malloc_context_size=0"

// Opens the program `name`, or the installed overt-worker when that is NULL. On failure
// `ret_reason` says why.
enum ov_status ov_child_program(const char *name, int *ret_fd, char *ret_reason, size_t size);

// Starts the program behind `program_fd` in the namespaces of that role. Its descriptors are the
// channel, at 3, and after it the `passed` ones; -1 stands for none.
enum ov_status ov_child_start(enum ov_role_id role, int program_fd,
                              const int passed[OV_CHILD_PASSED_MAX], struct ov_child *ret_child);

// It has said which layers (OV_CAGE() bits) confine it: for the journal.
void ov_child_ready(struct ov_child *child, uint32_t layers);

// Lets an idle one go: it ends by itself when its channel closes.
void ov_child_dismiss(struct ov_child *child);

// Waits until it has ended, so that its times count for ours; kills it after `patience_ms`
// milliseconds. Forgets it but for its end, and does not wait long for one that cannot die yet.
void ov_child_end(struct ov_child *child, int patience_ms);

// Takes note of children that have ended. Call now and then.
void ov_child_reap(void);
