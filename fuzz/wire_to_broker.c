// SPDX-License-Identifier: Apache-2.0
// Everything that a hijacked worker or builder may say, to the decoders that the broker has.
// rooms: wire base
#include "wire/message.h"
#include "wire/rules.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ov_wire_bounds bounds = {
    .rule_count = 1000,
    .alerts = OV_ALERT_HEURISTICS | OV_ALERT_BROKEN,
    .members_max = 10000,
    .inner_bytes = 100 << 20,
    .is_all_matches = true,
    .with_member_names = true,
};

// What was accepted is within bounds, and encodes to the same bytes: no field escapes the checks.
static void try_verdicts(struct ov_span message, const struct ov_wire_jobs *jobs) {
    struct ov_wire_verdict verdicts[OV_WIRE_JOBS_MAX];
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    if (ov_wire_verdicts_decode(message, jobs, &bounds, verdicts) != OV_OK) {
        return;
    }
    for (uint32_t i = 0; i < jobs->count; i++) {
        if (verdicts[i].kind >= OV_WIRE_KIND_COUNT || verdicts[i].limit >= OV_LIMIT_COUNT ||
            verdicts[i].detection_count > OV_WIRE_DETECTIONS_MAX) {
            abort();
        }
    }
    ov_wire_verdicts_encode(verdicts, jobs->count, &again);
    if (!ov_span_is_equal(message, ov_buf_span(&again))) {
        abort();
    }
}

static void try_detections(struct ov_span message, const struct ov_wire_job *job, uint32_t count) {
    static struct ov_wire_detection detections[OV_WIRE_DETECTIONS_MAX];
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    if (ov_wire_detections_decode(message, job, count, &bounds, detections) != OV_OK) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool is_alert = ov_heuristic_is_on(ov_heuristic_of_rule(detections[i].rule), bounds.alerts);
        if ((detections[i].rule >= bounds.rule_count && !is_alert) ||
            detections[i].depth > OV_WIRE_DEPTH_MAX) {
            abort();
        }
    }
    ov_wire_detections_encode(job->number, detections, count, &again);
    if (!ov_span_is_equal(message, ov_buf_span(&again))) {
        abort();
    }
}

static void try_ready(struct ov_span message) {
    struct ov_wire_ready ready;
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    if (ov_wire_ready_decode(message, &ready) != OV_OK) {
        return;
    }
    ov_wire_ready_encode(&ready, &again);
    if (!ov_span_is_equal(message, ov_buf_span(&again))) {
        abort();
    }
}

// The bounds of every kind are in wire/rules.h; the encoder gives the same bytes.
static void try_report(struct ov_span message, uint32_t source_count) {
    struct ov_wire_report report;
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    if (ov_wire_report_decode(message, source_count, &report) != OV_OK) {
        return;
    }
    if (report.text.size > OV_WIRE_TEXT_BYTES || report.kind >= OV_WIRE_REPORT_KIND_COUNT ||
        (report.kind == OV_WIRE_REPORT_READING && report.number >= source_count) ||
        report.status > OV_PEER) {
        abort();
    }
    ov_wire_report_encode(&report, &again);
    if (!ov_span_is_equal(message, ov_buf_span(&again))) {
        abort();
    }
}

// The first byte says how many jobs or sources are out; the message follows.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    struct ov_wire_jobs jobs = {.count = data[0] % OV_WIRE_JOBS_MAX + 1};
    struct ov_span message = ov_span_make(data + 1, size - 1);
    for (uint32_t i = 0; i < jobs.count; i++) {
        jobs.items[i] = (struct ov_wire_job){.number = i, .size = 1000};
    }
    try_ready(message);
    try_report(message, jobs.count);
    try_verdicts(message, &jobs);
    try_detections(message, &jobs.items[0], jobs.count);
    return 0;
}
