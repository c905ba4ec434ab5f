// SPDX-License-Identifier: Apache-2.0
// Space for a trace.
#include "trace/space.h"

#include "base/fault.h"
#include "base/fd.h"
#include "trace/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { STEP_BYTES = 1 << 20 }; // asked for at once, as long as there is so much

static bool is_full(int error) {
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

// Asks for the bytes from `room_bytes` to `end`. The size of the file stays as it is: what is not
// written is not there for a reader.
static enum ov_status reserve(struct ov_trace_space *space, uint64_t end) {
    int done = 0;
    do {
        done = fallocate(space->fd, FALLOC_FL_KEEP_SIZE, (off_t)space->room_bytes,
                         (off_t)(end - space->room_bytes));
    } while (done != 0 && errno == EINTR);
    if (done != 0 && is_full(errno)) {
        return OV_LIMIT;
    }
    if (done != 0) {
        space->can_promise = false;
        return OV_OK;
    }
    space->room_bytes = end;
    return OV_OK;
}

enum ov_status ov_trace_space_ask(struct ov_trace_space *space, uint64_t end, uint64_t most) {
    uint64_t need = end + OV_TRACE_RESERVE_BYTES;
    if (!space->can_promise || need <= space->room_bytes) {
        return OV_OK;
    }
    uint64_t much = need + STEP_BYTES;
    much = most != 0 && much > most ? most : much;
    if (much > need && reserve(space, much) == OV_OK) {
        return OV_OK;
    }
    return reserve(space, need);
}

enum ov_status ov_trace_space_open(int fd, uint64_t most, struct ov_trace_space *ret_space) {
    struct ov_trace_space space = {.fd = fd, .can_promise = true};
    enum ov_status status = ov_trace_space_ask(&space, 0, most);
    if (status == OV_OK) {
        *ret_space = space;
    }
    return status == OV_LIMIT ? OV_SYSTEM : status;
}

void ov_trace_space_close(struct ov_trace_space *space) {
    ov_fd_close(&space->fd);
}

enum ov_status ov_trace_space_write(struct ov_trace_space *space, uint64_t at,
                                    struct ov_span bytes) {
    ov_fault_point();
    while (bytes.size > 0) {
        ssize_t written = pwrite(space->fd, bytes.data, bytes.size, (off_t)at);
        if (written < 0 && errno != EINTR) {
            return is_full(errno) ? OV_LIMIT : OV_SYSTEM;
        }
        bytes = ov_span_from(bytes, written > 0 ? (size_t)written : 0);
        at += written > 0 ? (uint64_t)written : 0;
    }
    return OV_OK;
}

enum ov_status ov_trace_space_sync(struct ov_trace_space *space) {
    ov_fault_point();
    int done = 0;
    do {
        done = fdatasync(space->fd);
    } while (done != 0 && errno == EINTR);
    if (done != 0) {
        return is_full(errno) ? OV_LIMIT : OV_SYSTEM;
    }
    return OV_OK;
}

enum ov_status ov_trace_space_cut(struct ov_trace_space *space, uint64_t size) {
    ov_fault_point();
    space->room_bytes = size;
    return ftruncate(space->fd, (off_t)size) == 0 ? OV_OK : OV_SYSTEM;
}
