// SPDX-License-Identifier: Apache-2.0
//
// A batch: files that travel to a worker together, and the tickets on which their results are kept.
#pragma once

#include "base/budget.h"
#include "role/child.h"
#include "role/pool.h"
#include "role/scan_job.h"
#include "role/walk.h"

// One path of the scan, from the walk until its result is told.
struct ov_ticket {
    struct ov_ticket *next; // in the order of the walk
    struct ov_scan_result result;
    struct ov_wire_detection *detections; // owned
    bool is_done;
    size_t path_room; // bytes
    uint8_t path[];   // owned; result.path points here
};

// Tickets that are told are kept for the next files: `spares` is such a row, linked by `next`.
enum ov_status ov_ticket_new(const struct ov_walk_item *item, struct ov_ticket **spares,
                             struct ov_ticket **ret_ticket);
void ov_ticket_retire(struct ov_ticket *ticket, struct ov_ticket **spares);
void ov_ticket_free_all(struct ov_ticket **spares);

// Sets a result without detections.
void ov_ticket_finish(struct ov_ticket *ticket, enum ov_result_kind kind, const char *reason);

// Sets what a worker said. OV_MEMORY leaves an error on the ticket.
void ov_ticket_take(struct ov_ticket *ticket, const struct ov_wire_verdict *verdict,
                    const struct ov_wire_detection *detections);

struct ov_batch {
    struct ov_wire_jobs jobs;                    // as they were gathered; numbers are set when sent
    struct ov_ticket *tickets[OV_WIRE_JOBS_MAX]; // NULL once it has its result
    int files[OV_WIRE_JOBS_MAX];                 // descriptor jobs: open until answered; else -1
    int read_files[OV_WIRE_JOBS_MAX];            // read into the ring, not yet closed
    uint32_t read_count;
    uint32_t slot;            // of the ring
    uint32_t used_bytes;      // of the slot
    bool is_alone;            // sent one by one, after a worker died over it
    uint32_t at;              // the first job without a result
    struct ov_wire_jobs sent; // what the worker has in hand
    bool is_sent;
    uint64_t deadline_ns; // of what was sent; 0 = none
    // Answers to what was sent.
    bool has_verdicts;
    struct ov_wire_verdict verdicts[OV_WIRE_JOBS_MAX];
    uint32_t answered; // jobs whose detections have come too
};

void ov_batch_reset(struct ov_batch *batch, uint32_t slot);

// Whether another small file still fits.
bool ov_batch_has_room(const struct ov_batch *batch);

// Reads a small file into the ring; `fd` is taken over. One that has grown meanwhile goes by
// descriptor. OV_SYSTEM (errno) when it cannot be read; OV_LIMIT when it grew and too many did.
enum ov_status ov_batch_add(struct ov_batch *batch, const struct ov_ring *ring, int fd,
                            uint64_t size, struct ov_ticket *ticket);

// Adds a file that goes by descriptor, and takes it over. At most OV_WIRE_DESCRIPTORS_MAX in one.
void ov_batch_add_large(struct ov_batch *batch, const struct ov_pool_file *file);

// Closes the files that have been read into the ring: in one go, once the batch is full.
void ov_batch_close_read(struct ov_batch *batch);

// Closes what is still open.
void ov_batch_close(struct ov_batch *batch);

// Computes the SHA-256 of what the worker was given as job `index`, for its ticket: out of the
// ring, which the worker cannot write to, or from the open file, as it is now. Nothing when it
// cannot be read.
void ov_batch_digest(const struct ov_batch *batch, const struct ov_ring *ring, uint32_t index);

// The index in tickets of job `index` of what was sent.
uint32_t ov_batch_index(const struct ov_batch *batch, uint32_t index);
