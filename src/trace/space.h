// SPDX-License-Identifier: Apache-2.0
//
// The disk under a trace that is being written: space that is asked for ahead, so that there always
// is some for the last record. For the writer alone.
#pragma once

#include "base/span.h"
#include "base/status.h"

struct ov_trace_space {
    int fd;              // owned
    bool can_promise;    // the file system reserves when it is asked to
    uint64_t room_bytes; // its promise: up to here there is space
};

// Takes over a descriptor, and asks for the first space. `most` is the size that the file may have,
// 0 when there is no bound. OV_SYSTEM (errno), among others when the disk is full; the descriptor
// is still the caller's then.
enum ov_status ov_trace_space_open(int fd, uint64_t most, struct ov_trace_space *ret_space);
void ov_trace_space_close(struct ov_trace_space *space);

// Sees to it that `end` bytes of the file and OV_TRACE_RESERVE_BYTES more have their space.
// OV_LIMIT: the disk is full. Where nothing can be promised, this is OV_OK.
enum ov_status ov_trace_space_ask(struct ov_trace_space *space, uint64_t end, uint64_t most);

// Writes at that place. OV_LIMIT: the disk is full; part of it may be written. OV_SYSTEM.
enum ov_status ov_trace_space_write(struct ov_trace_space *space, uint64_t at,
                                    struct ov_span bytes);

// Data, and what is needed to find it again, to the disk. OV_SYSTEM.
enum ov_status ov_trace_space_sync(struct ov_trace_space *space);

// Cuts the file, and gives back what was promised behind that. OV_SYSTEM.
enum ov_status ov_trace_space_cut(struct ov_trace_space *space, uint64_t size);
