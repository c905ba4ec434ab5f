// SPDX-License-Identifier: Apache-2.0
// Messages from the broker to a worker.
#include "wire/kinds.h"
#include "wire/message.h"

#include "base/cursor.h"

enum { FLAG_ALL_MATCHES = 1, FLAG_HEURISTICS = 2, FLAG_MEMBER_NAMES = 4 };
enum { ALERTS_AT = 3 }; // bits of the alerts but for OV_ALERT_HEURISTICS, from this one on
enum { IN_RING = 0, BY_DESCRIPTOR = 1 };

void ov_wire_setup_encode(const struct ov_wire_setup *setup, struct ov_buf *out) {
    uint32_t flags = (setup->is_all_matches ? FLAG_ALL_MATCHES : 0u) |
                     ((setup->alerts & OV_ALERT_HEURISTICS) != 0 ? FLAG_HEURISTICS : 0u) |
                     (setup->with_member_names ? FLAG_MEMBER_NAMES : 0u) |
                     setup->alerts >> 1 << ALERTS_AT;
    ov_buf_reset(out);
    ov_buf_add_u32le(out, OV_WIRE_SETUP);
    ov_buf_add_u32le(out, OV_WIRE_VERSION);
    ov_buf_add_u32le(out, flags);
    ov_buf_add_u32le(out, setup->limits.depth);
    ov_buf_add_u32le(out, setup->limits.files);
    ov_buf_add_u64le(out, setup->image_bytes);
    ov_buf_add_u64le(out, setup->ring_bytes);
    ov_buf_add_u64le(out, setup->limits.file_bytes);
    ov_buf_add_u64le(out, setup->limits.scan_bytes);
    ov_buf_add_u64le(out, setup->limits.time_ms);
}

enum ov_status ov_wire_setup_decode(struct ov_span message, struct ov_wire_setup *ret_setup) {
    struct ov_cursor in = ov_cursor_init(message);
    uint32_t kind = ov_cursor_u32le(&in);
    uint32_t version = ov_cursor_u32le(&in);
    uint32_t flags = ov_cursor_u32le(&in);
    struct ov_wire_setup setup = {0};
    setup.limits.depth = ov_cursor_u32le(&in);
    setup.limits.files = ov_cursor_u32le(&in);
    setup.image_bytes = ov_cursor_u64le(&in);
    setup.ring_bytes = ov_cursor_u64le(&in);
    setup.limits.file_bytes = ov_cursor_u64le(&in);
    setup.limits.scan_bytes = ov_cursor_u64le(&in);
    setup.limits.time_ms = ov_cursor_u64le(&in);
    if (in.has_failed || ov_cursor_left(&in) != 0 || kind != OV_WIRE_SETUP ||
        version != OV_WIRE_VERSION || flags >> ALERTS_AT > OV_ALERT_ALL >> 1) {
        return OV_PEER;
    }
    setup.is_all_matches = (flags & FLAG_ALL_MATCHES) != 0;
    setup.alerts =
        flags >> ALERTS_AT << 1 | ((flags & FLAG_HEURISTICS) != 0 ? OV_ALERT_HEURISTICS : 0u);
    setup.with_member_names = (flags & FLAG_MEMBER_NAMES) != 0;
    *ret_setup = setup;
    return OV_OK;
}

void ov_wire_jobs_encode(const struct ov_wire_jobs *jobs, struct ov_buf *out) {
    ov_buf_reset(out);
    ov_buf_add_u32le(out, OV_WIRE_JOBS);
    ov_buf_add_u32le(out, jobs->count);
    for (uint32_t i = 0; i < jobs->count; i++) {
        const struct ov_wire_job *job = &jobs->items[i];
        ov_buf_add_u32le(out, job->number);
        ov_buf_add_u32le(out, job->is_descriptor ? BY_DESCRIPTOR : IN_RING);
        ov_buf_add_u64le(out, job->ring_offset);
        ov_buf_add_u64le(out, job->size);
    }
}

// Whether a job's bytes lie where they may.
static bool is_placed(const struct ov_wire_job *job, uint64_t offset, uint64_t ring_bytes) {
    if (job->is_descriptor) {
        return offset == 0 && job->size > 0 && job->size <= INT64_MAX;
    }
    return offset <= UINT32_MAX && offset <= ring_bytes && job->size <= ring_bytes - offset;
}

enum ov_status ov_wire_jobs_decode(struct ov_span message, uint64_t ring_bytes,
                                   struct ov_wire_jobs *ret_jobs) {
    struct ov_cursor in = ov_cursor_init(message);
    uint32_t kind = ov_cursor_u32le(&in);
    struct ov_wire_jobs jobs = {.count = ov_cursor_u32le(&in)};
    if (kind != OV_WIRE_JOBS || jobs.count == 0 || jobs.count > OV_WIRE_JOBS_MAX) {
        return OV_PEER;
    }
    for (uint32_t i = 0; i < jobs.count; i++) {
        struct ov_wire_job *job = &jobs.items[i];
        job->number = ov_cursor_u32le(&in);
        uint32_t place = ov_cursor_u32le(&in);
        uint64_t offset = ov_cursor_u64le(&in);
        job->size = ov_cursor_u64le(&in);
        job->is_descriptor = place == BY_DESCRIPTOR;
        if (place > BY_DESCRIPTOR || !is_placed(job, offset, ring_bytes) ||
            job->number != jobs.items[0].number + i) {
            return OV_PEER;
        }
        job->ring_offset = (uint32_t)offset;
        jobs.descriptor_count += job->is_descriptor;
    }
    if (in.has_failed || ov_cursor_left(&in) != 0 ||
        jobs.descriptor_count > OV_WIRE_DESCRIPTORS_MAX) {
        return OV_PEER;
    }
    *ret_jobs = jobs;
    return OV_OK;
}
