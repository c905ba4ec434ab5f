// SPDX-License-Identifier: Apache-2.0
// Messages from a worker to the broker. The decoders stand between a hijacked worker and us.
#include "wire/kinds.h"
#include "wire/message.h"

#include "base/cursor.h"

void ov_wire_ready_encode(const struct ov_wire_ready *ready, struct ov_buf *out) {
    ov_buf_reset(out);
    ov_buf_add_u32le(out, OV_WIRE_READY);
    ov_buf_add_u32le(out, ready->has_image ? 1 : 0);
    ov_buf_add_u32le(out, ready->enforced);
    ov_buf_add(out, ready->refusals, sizeof ready->refusals);
    ov_buf_add(out, ready->reason, sizeof ready->reason);
}

// Printable ASCII, then zeros to the end, at least one of them.
static bool is_plain_text(struct ov_span text) {
    size_t size = ov_span_find(text, 0, 0);
    for (size_t i = 0; i < text.size; i++) {
        bool is_printable = text.data[i] >= 0x20 && text.data[i] < 0x7f;
        if (i < size ? !is_printable : text.data[i] != 0) {
            return false;
        }
    }
    return size < text.size;
}

enum ov_status ov_wire_ready_decode(struct ov_span message, struct ov_wire_ready *ret_ready) {
    struct ov_cursor in = ov_cursor_init(message);
    uint32_t kind = ov_cursor_u32le(&in);
    uint32_t has_image = ov_cursor_u32le(&in);
    struct ov_wire_ready ready = {.has_image = has_image == 1, .enforced = ov_cursor_u32le(&in)};
    for (unsigned i = 0; i < OV_WIRE_LAYERS_MAX; i++) {
        ready.refusals[i] = ov_cursor_u8(&in);
    }
    struct ov_span reason = ov_cursor_bytes(&in, OV_WIRE_REASON_BYTES);
    if (in.has_failed || ov_cursor_left(&in) != 0 || kind != OV_WIRE_READY || has_image > 1 ||
        ready.enforced >> OV_WIRE_LAYERS_MAX != 0 || !is_plain_text(reason) ||
        (ready.has_image && reason.data[0] != 0)) {
        return OV_PEER;
    }
    for (unsigned i = 0; i < OV_WIRE_REASON_BYTES; i++) {
        ready.reason[i] = (char)reason.data[i];
    }
    *ret_ready = ready;
    return OV_OK;
}

void ov_wire_verdicts_encode(const struct ov_wire_verdict *verdicts, uint32_t count,
                             struct ov_buf *out) {
    ov_buf_reset(out);
    ov_buf_add_u32le(out, OV_WIRE_VERDICTS);
    ov_buf_add_u32le(out, count);
    for (uint32_t i = 0; i < count; i++) {
        ov_buf_add_u32le(out, verdicts[i].number);
        ov_buf_add_u8(out, verdicts[i].kind);
        ov_buf_add_u8(out, verdicts[i].error);
        ov_buf_add_u8(out, verdicts[i].limit);
        ov_buf_add_u8(out, verdicts[i].detection_count);
    }
}

// Whether the fields go together: each kind leaves as few of them free as it can.
static bool is_sound_verdict(const struct ov_wire_verdict *verdict, bool is_all_matches) {
    unsigned detections_max = is_all_matches ? OV_WIRE_DETECTIONS_MAX : 1;
    bool has_error = verdict->error != OV_WIRE_SCAN_ERROR_NONE;
    bool has_limit = verdict->limit != OV_LIMIT_NONE;
    if (verdict->error >= OV_WIRE_SCAN_ERROR_COUNT || verdict->limit >= OV_LIMIT_COUNT) {
        return false;
    }
    switch (verdict->kind) {
    case OV_WIRE_CLEAN:
        return !has_error && !has_limit && verdict->detection_count == 0;
    case OV_WIRE_FOUND:
        return !has_error && verdict->detection_count >= 1 &&
               verdict->detection_count <= detections_max;
    case OV_WIRE_LIMITED:
        return !has_error && has_limit && verdict->detection_count == 0;
    case OV_WIRE_ERROR:
        return has_error && !has_limit && verdict->detection_count == 0;
    default:
        return false;
    }
}

enum ov_status ov_wire_verdicts_decode(struct ov_span message, const struct ov_wire_jobs *jobs,
                                       const struct ov_wire_bounds *bounds,
                                       struct ov_wire_verdict *ret_verdicts) {
    struct ov_wire_verdict verdicts[OV_WIRE_JOBS_MAX] = {0};
    struct ov_cursor in = ov_cursor_init(message);
    uint32_t kind = ov_cursor_u32le(&in);
    uint32_t count = ov_cursor_u32le(&in);
    if (kind != OV_WIRE_VERDICTS || count != jobs->count || count > OV_WIRE_JOBS_MAX) {
        return OV_PEER;
    }
    for (uint32_t i = 0; i < count; i++) {
        verdicts[i].number = ov_cursor_u32le(&in);
        verdicts[i].kind = ov_cursor_u8(&in);
        verdicts[i].error = ov_cursor_u8(&in);
        verdicts[i].limit = ov_cursor_u8(&in);
        verdicts[i].detection_count = ov_cursor_u8(&in);
        if (verdicts[i].number != jobs->items[i].number ||
            !is_sound_verdict(&verdicts[i], bounds->is_all_matches)) {
            return OV_PEER;
        }
    }
    if (in.has_failed || ov_cursor_left(&in) != 0) {
        return OV_PEER;
    }
    for (uint32_t i = 0; i < count; i++) {
        ret_verdicts[i] = verdicts[i];
    }
    return OV_OK;
}

void ov_wire_detections_encode(uint32_t job, const struct ov_wire_detection *detections,
                               uint32_t count, struct ov_buf *out) {
    ov_buf_reset(out);
    ov_buf_add_u32le(out, OV_WIRE_DETECTIONS);
    ov_buf_add_u32le(out, job);
    for (uint32_t i = 0; i < count; i++) {
        const struct ov_wire_detection *detection = &detections[i];
        ov_buf_add_u32le(out, detection->rule);
        ov_buf_add_u32le(out, detection->depth);
        ov_buf_add_u64le(out, detection->offset);
        for (unsigned level = 0; level < OV_WIRE_DEPTH_MAX; level++) {
            ov_buf_add_u32le(out, detection->members[level]);
        }
        ov_buf_add_u8(out, detection->name_size);
        ov_buf_add(out, detection->name, sizeof detection->name);
    }
}

// Whether every field is one that an honest worker could have sent for this job.
static bool is_sound_detection(const struct ov_wire_detection *detection,
                               const struct ov_wire_job *job, const struct ov_wire_bounds *bounds) {
    uint64_t offset_max = detection->depth == 0 ? job->size : bounds->inner_bytes;
    bool is_rule = detection->rule < bounds->rule_count ||
                   ov_heuristic_is_on(ov_heuristic_of_rule(detection->rule), bounds->alerts);
    if (!is_rule || detection->depth > OV_WIRE_DEPTH_MAX || detection->offset > offset_max) {
        return false;
    }
    for (unsigned level = 0; level < OV_WIRE_DEPTH_MAX; level++) {
        bool is_used = level < detection->depth;
        if (is_used ? detection->members[level] >= bounds->members_max
                    : detection->members[level] != 0) {
            return false;
        }
    }
    if (detection->name_size > 0 && (detection->depth == 0 || !bounds->with_member_names)) {
        return false;
    }
    for (unsigned i = detection->name_size; i < OV_WIRE_MEMBER_NAME_BYTES; i++) {
        if (detection->name[i] != 0) {
            return false;
        }
    }
    return true;
}

static void read_detection(struct ov_cursor *in, struct ov_wire_detection *ret_detection) {
    ret_detection->rule = ov_cursor_u32le(in);
    ret_detection->depth = ov_cursor_u32le(in);
    ret_detection->offset = ov_cursor_u64le(in);
    for (unsigned level = 0; level < OV_WIRE_DEPTH_MAX; level++) {
        ret_detection->members[level] = ov_cursor_u32le(in);
    }
    ret_detection->name_size = ov_cursor_u8(in);
    for (unsigned i = 0; i < OV_WIRE_MEMBER_NAME_BYTES; i++) {
        ret_detection->name[i] = ov_cursor_u8(in);
    }
}

enum ov_status ov_wire_detections_decode(struct ov_span message, const struct ov_wire_job *job,
                                         uint32_t count, const struct ov_wire_bounds *bounds,
                                         struct ov_wire_detection *ret_detections) {
    struct ov_cursor in = ov_cursor_init(message);
    uint32_t kind = ov_cursor_u32le(&in);
    uint32_t number = ov_cursor_u32le(&in);
    if (kind != OV_WIRE_DETECTIONS || number != job->number || count > OV_WIRE_DETECTIONS_MAX ||
        ov_cursor_left(&in) != (size_t)count * OV_WIRE_DETECTION_BYTES) {
        return OV_PEER;
    }
    struct ov_cursor second = in;
    for (uint32_t i = 0; i < count; i++) {
        struct ov_wire_detection detection;
        read_detection(&in, &detection);
        if (!is_sound_detection(&detection, job, bounds)) {
            return OV_PEER;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        read_detection(&second, &ret_detections[i]);
    }
    return OV_OK;
}
