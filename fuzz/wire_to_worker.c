// SPDX-License-Identifier: Apache-2.0
// The messages that a worker and a builder hear, to their decoders.
// rooms: wire base
#include "wire/message.h"
#include "wire/rules.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RING_BYTES = 768 << 10 };

static void try_setup(struct ov_span message) {
    struct ov_wire_setup setup;
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    if (ov_wire_setup_decode(message, &setup) != OV_OK) {
        return;
    }
    ov_wire_setup_encode(&setup, &again);
    if (!ov_span_is_equal(message, ov_buf_span(&again))) {
        abort();
    }
}

static void try_request(struct ov_span message) {
    struct ov_wire_request request;
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    if (ov_wire_request_decode(message, &request) != OV_OK) {
        return;
    }
    ov_wire_request_encode(&request, &again);
    if (!ov_span_is_equal(message, ov_buf_span(&again))) {
        abort();
    }
}

static void try_source(struct ov_span message) {
    struct ov_wire_source source;
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    if (ov_wire_source_decode(message, &source) != OV_OK) {
        return;
    }
    ov_wire_source_encode(&source, &again);
    if (!ov_span_is_equal(message, ov_buf_span(&again))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span message = ov_span_make(data, size);
    struct ov_wire_jobs jobs;
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    try_setup(message);
    try_request(message);
    try_source(message);
    if (ov_wire_jobs_decode(message, RING_BYTES, &jobs) != OV_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < jobs.count; i++) {
        const struct ov_wire_job *job = &jobs.items[i];
        if (!job->is_descriptor && job->ring_offset + job->size > RING_BYTES) {
            abort();
        }
    }
    ov_wire_jobs_encode(&jobs, &again);
    if (!ov_span_is_equal(message, ov_buf_span(&again))) {
        abort();
    }
    return 0;
}
