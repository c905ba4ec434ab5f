// SPDX-License-Identifier: Apache-2.0
//
// Writes a trace (docs/formats/trace.md): for one thread of the recorder.
//
// A checkpoint is written and synced at least every 256 KiB, and every second as long as somebody
// writes or calls ov_trace_writer_tick(). Space for the last record is held in reserve on the disk,
// so that a full disk ends the trace with a statement. A process that is killed leaves a trace that
// is good up to its last checkpoint.
//
// When the trace is full (its bound, or the disk), its `end` is written at once; that call and all
// later ones return OV_LIMIT, and ov_trace_writer_is_ended() holds.
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "trace/record.h"
#include "trace/space.h"

enum {
    OV_TRACE_CHECKPOINT_BYTES = 256 << 10, // at least one checkpoint in so many
    OV_TRACE_RESERVE_BYTES = 16 << 10,     // for the last record, at all times
    OV_TRACE_SIZE_LEAST_BYTES = 64 << 10,  // the smallest bound
};
#define OV_TRACE_CHECKPOINT_NS 1000000000ull

// How far a trace has come.
struct ov_trace_position {
    uint64_t bytes;
    uint64_t records;
    uint8_t chain[OV_SHA256_BYTES];
};

struct ov_trace_writer {
    struct ov_trace_space space;
    uint64_t size_max_bytes;          // 0: no bound
    struct ov_trace_position at;      // behind all records, those in `frames` included
    struct ov_trace_position on_disk; // behind those that were given to the system
    struct ov_trace_position synced;  // behind the last checkpoint
    uint64_t checkpoint_ns;           // when that was, CLOCK_BOOTTIME
    struct ov_buf frames;             // that were not given to the system yet
    struct ov_buf text;               // scratch: of one record
    enum ov_status status;            // OV_LIMIT when it is ended; what it failed with
    enum ov_trace_why why;            // when it is ended
    uint64_t unwritten;               // records that were given and had no room
    size_t loss_count;
    struct ov_trace_loss losses[OV_TRACE_LOSSES_MAX]; // names lie in loss_names
    char loss_names[OV_TRACE_LOSSES_MAX][OV_TRACE_NAME_BYTES_MAX];
};

// Takes over an empty regular file that is open for writing. `size_max_bytes` 0: no bound. The
// writer must not be moved. OV_INVALID: no such file, or a bound below OV_TRACE_SIZE_LEAST_BYTES.
// OV_SYSTEM (errno): no space for even the reserve, among others. OV_MEMORY. The descriptor is
// closed when this fails, too.
enum ov_status ov_trace_writer_open(int fd, uint64_t size_max_bytes,
                                    struct ov_trace_writer *ret_writer);

// Appends a record; `record` is the struct of that type. Use the typed calls below. OV_INVALID: one
// that cannot be written (a `begin` that is not the first, or any other before it, a loss counter
// too many or one that fell): nothing was written. OV_LIMIT: the trace is ended. OV_SYSTEM,
// OV_MEMORY: it is lost, and what comes after the last checkpoint as well.
enum ov_status ov_trace_write(struct ov_trace_writer *writer, enum ov_trace_type type,
                              const void *record);

// To be called at least a few times in a second, also when there is nothing to write.
enum ov_status ov_trace_writer_tick(struct ov_trace_writer *writer);

// Writes a checkpoint and syncs it.
enum ov_status ov_trace_writer_checkpoint(struct ov_trace_writer *writer);

// Writes the last record and syncs it; gives reserved space back. `status` of the command as wait()
// has it, NULL when there is none. Does nothing and returns OV_LIMIT when the trace is ended
// already.
enum ov_status ov_trace_writer_end(struct ov_trace_writer *writer, enum ov_trace_why why,
                                   const uint32_t *status);

static inline bool ov_trace_writer_is_ended(const struct ov_trace_writer *writer) {
    return writer->status == OV_LIMIT;
}

// Closes the file and frees memory. Without ov_trace_writer_end() before, records behind the last
// checkpoint are lost and the trace is incomplete.
void ov_trace_writer_close(struct ov_trace_writer *writer);

// ---- one call for each type ---------------------------------------------------------------------

#define OV_TRACE_WRITE(noun, type)                                                                 \
    static inline enum ov_status ov_trace_write_##noun(struct ov_trace_writer *writer,             \
                                                       const struct ov_trace_##noun *record) {     \
        return ov_trace_write(writer, type, record);                                               \
    }
OV_TRACE_WRITE(begin, OV_TRACE_BEGIN)
OV_TRACE_WRITE(program, OV_TRACE_PROGRAM)
OV_TRACE_WRITE(layer, OV_TRACE_LAYER)
OV_TRACE_WRITE(exception, OV_TRACE_EXCEPTION)
OV_TRACE_WRITE(sensor, OV_TRACE_SENSOR)
OV_TRACE_WRITE(selftest, OV_TRACE_SELFTEST)
OV_TRACE_WRITE(prior, OV_TRACE_PRIOR)
OV_TRACE_WRITE(audit, OV_TRACE_AUDIT)
OV_TRACE_WRITE(planted, OV_TRACE_PLANTED)
OV_TRACE_WRITE(process, OV_TRACE_PROCESS)
OV_TRACE_WRITE(name, OV_TRACE_NAME)
OV_TRACE_WRITE(file, OV_TRACE_FILE)
OV_TRACE_WRITE(socket, OV_TRACE_SOCKET)
OV_TRACE_WRITE(canary, OV_TRACE_CANARY)
OV_TRACE_WRITE(act, OV_TRACE_ACT)
OV_TRACE_WRITE(denied, OV_TRACE_DENIED)
OV_TRACE_WRITE(net, OV_TRACE_NET)
OV_TRACE_WRITE(capture, OV_TRACE_CAPTURE)
OV_TRACE_WRITE(plaintext, OV_TRACE_PLAINTEXT)
OV_TRACE_WRITE(loss, OV_TRACE_LOSS)
#undef OV_TRACE_WRITE
