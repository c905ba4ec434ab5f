// SPDX-License-Identifier: Apache-2.0
//
// The broker's workers: what each has in hand, and what happens when one of them dies.
#pragma once

#include "role/batch.h"
#include "role/child.h"
#include "role/scan_job.h"

struct ov_member {
    struct ov_child child;
    struct ov_ring ring;
    bool is_ready; // has answered the setup
    uint32_t next_number;
    uint64_t start_deadline_ns;
    struct ov_batch *batches[OV_SLOT_COUNT]; // oldest first, then the free ones
    uint32_t batch_count;                    // in use
};

struct ov_crew {
    const struct ov_scan_request *request;
    struct ov_scan_outcome *outcome;
    struct ov_wire_bounds bounds;
    int program;
    unsigned count;
    struct ov_member *members;
    unsigned failed_starts;               // in a row
    struct ov_wire_detection *detections; // of one message
    struct ov_buf out;
};

enum ov_status ov_crew_open(const struct ov_scan_request *request, unsigned count,
                            struct ov_scan_outcome *outcome, struct ov_crew *ret_crew);
void ov_crew_close(struct ov_crew *crew);

// Makes sure that a worker has its ring and two batches. OV_SYSTEM, OV_MEMORY.
enum ov_status ov_crew_prepare(struct ov_crew *crew, struct ov_member *member);

// The batch to fill next; there must be one.
struct ov_batch *ov_crew_free_batch(struct ov_member *member);

// Takes the filled batch into use; starts the process when there is none.
enum ov_status ov_crew_push(struct ov_crew *crew, struct ov_member *member);

// Reads all that a worker has to say. A worker that breaks the protocol or is gone is replaced;
// errors of this function end the scan.
enum ov_status ov_crew_answer(struct ov_crew *crew, struct ov_member *member);

// Replaces workers that have taken too long.
enum ov_status ov_crew_check_deadlines(struct ov_crew *crew);
