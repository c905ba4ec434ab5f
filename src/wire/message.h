// SPDX-License-Identifier: Apache-2.0
//
// What the broker and a worker may say to each other: every message, its limits, its one decoder.
//
// docs/formats/wire.md gives the bytes. Encoders write into a caller's buffer; decoders read a
// whole message or refuse it with OV_PEER, and then write nothing. The broker answers OV_PEER by
// killing the worker; the worker answers it by ending itself.
#pragma once

#include "base/budget.h"
#include "base/buf.h"
#include "base/heuristic.h"
#include "base/span.h"
#include "base/status.h"

enum {
    OV_WIRE_VERSION = 1,
    OV_WIRE_JOBS_MAX = 64,        // files in one message
    OV_WIRE_DESCRIPTORS_MAX = 48, // of them by descriptor
    OV_WIRE_DETECTIONS_MAX = 64,  // told for one file
    OV_WIRE_DEPTH_MAX = 17,       // member numbers in one detection
    OV_WIRE_MEMBER_NAME_BYTES = 255,
    OV_WIRE_LAYERS_MAX = 16,    // confinement layers told of
    OV_WIRE_REASON_BYTES = 200, // why an image was refused
    OV_WIRE_DETECTION_BYTES = 4 + 4 + 8 + 4 * OV_WIRE_DEPTH_MAX + 1 + OV_WIRE_MEMBER_NAME_BYTES,
    OV_WIRE_MESSAGE_MAX = 8 + OV_WIRE_DETECTIONS_MAX * OV_WIRE_DETECTION_BYTES, // the longest
};

// ---- broker to worker -------------------------------------------------------------------------

// The first message: what to open and how far to go.
struct ov_wire_setup {
    uint64_t image_bytes;
    uint64_t ring_bytes;
    struct ov_limits limits;
    bool is_all_matches;
    uint32_t alerts;        // OV_ALERT_*: the heuristics that are asked for
    bool with_member_names; // whoever asked for the scan also wants member names
};

struct ov_wire_job {
    uint32_t number;      // counts up by one in each worker's life
    bool is_descriptor;   // the bytes come by descriptor, else they lie in the ring
    uint32_t ring_offset; // 0 when by descriptor
    uint64_t size;        // bytes of the object
};

struct ov_wire_jobs {
    uint32_t count;            // 1 to OV_WIRE_JOBS_MAX
    uint32_t descriptor_count; // of them by descriptor, in the order of the descriptors sent along
    struct ov_wire_job items[OV_WIRE_JOBS_MAX];
};

void ov_wire_setup_encode(const struct ov_wire_setup *setup, struct ov_buf *out);
enum ov_status ov_wire_setup_decode(struct ov_span message, struct ov_wire_setup *ret_setup);

// Every ring job must lie inside `ring_bytes`.
void ov_wire_jobs_encode(const struct ov_wire_jobs *jobs, struct ov_buf *out);
enum ov_status ov_wire_jobs_decode(struct ov_span message, uint64_t ring_bytes,
                                   struct ov_wire_jobs *ret_jobs);

// ---- worker to broker -------------------------------------------------------------------------

// The answer to the setup, sent before any file was seen: the only message with a sentence in it.
struct ov_wire_ready {
    bool has_image;                       // the image was accepted
    uint32_t enforced;                    // bit n: confinement layer n is up
    uint8_t refusals[OV_WIRE_LAYERS_MAX]; // errno of each layer that is not; 0 when not asked for
    char reason[OV_WIRE_REASON_BYTES];    // printable ASCII and a NUL; empty when has_image
};

// The same values as enum ov_verdict_kind, ov_scan_error (scan/verdict.h); role/ checks that.
enum {
    OV_WIRE_ERROR = 0,
    OV_WIRE_CLEAN,
    OV_WIRE_FOUND,
    OV_WIRE_LIMITED,
    OV_WIRE_KIND_COUNT,
};
enum { OV_WIRE_SCAN_ERROR_NONE = 1, OV_WIRE_SCAN_ERROR_COUNT = 5 };

struct ov_wire_verdict {
    uint32_t number;         // of the job
    uint8_t kind;            // OV_WIRE_CLEAN and so on
    uint8_t error;           // enum ov_scan_error
    uint8_t limit;           // enum ov_limit
    uint8_t detection_count; // each follows as a fixed record in a message of its own
};

struct ov_wire_detection {
    uint32_t rule;  // below the image's count, or that of a heuristic
    uint32_t depth; // numbers used in members
    uint64_t offset;
    uint32_t members[OV_WIRE_DEPTH_MAX]; // zero from depth on
    uint8_t name_size;                   // 0 when there is none
    uint8_t name[OV_WIRE_MEMBER_NAME_BYTES];
};

// What the broker knows, against which every verdict is held.
struct ov_wire_bounds {
    uint32_t rule_count;
    uint32_t members_max;   // no member number reaches this
    uint64_t inner_bytes;   // no offset inside a member lies beyond
    uint32_t alerts;        // OV_ALERT_*: no other heuristics
    bool is_all_matches;    // else one detection a file
    bool with_member_names; // else no name at all
};

void ov_wire_ready_encode(const struct ov_wire_ready *ready, struct ov_buf *out);
enum ov_status ov_wire_ready_decode(struct ov_span message, struct ov_wire_ready *ret_ready);

void ov_wire_verdicts_encode(const struct ov_wire_verdict *verdicts, uint32_t count,
                             struct ov_buf *out);

// Exactly one verdict for each of `jobs`, in their order.
enum ov_status ov_wire_verdicts_decode(struct ov_span message, const struct ov_wire_jobs *jobs,
                                       const struct ov_wire_bounds *bounds,
                                       struct ov_wire_verdict *ret_verdicts);

void ov_wire_detections_encode(uint32_t job, const struct ov_wire_detection *detections,
                               uint32_t count, struct ov_buf *out);

// Exactly `count` detections of `job`.
enum ov_status ov_wire_detections_decode(struct ov_span message, const struct ov_wire_job *job,
                                         uint32_t count, const struct ov_wire_bounds *bounds,
                                         struct ov_wire_detection *ret_detections);
