// SPDX-License-Identifier: Apache-2.0
// The small change between walkers and their sink.
#include "format/walk.h"

// One part is held in memory while it is looked at, beside the layers above it.
static const uint64_t PART_BYTES_MAX = (uint64_t)1 << 30;

enum ov_status ov_walk_child(struct ov_walk *walk, const struct ov_child *child) {
    TRY(ov_walk_has_time(walk));
    return walk->sink->child(walk->sink->arg, child);
}

enum ov_status ov_walk_member(struct ov_walk *walk, struct ov_span bytes, struct ov_span name,
                              enum ov_filetype type) {
    struct ov_child child = {.kind = OV_CHILD_MEMBER,
                             .bytes = bytes,
                             .name = name,
                             .type = type,
                             .packed_bytes = bytes.size,
                             .plain_bytes = bytes.size};
    return ov_walk_child(walk, &child);
}

enum ov_status ov_walk_stored(struct ov_walk *walk, struct ov_span bytes, struct ov_span name) {
    struct ov_child child = {.kind = OV_CHILD_MEMBER,
                             .bytes = ov_span_part(bytes, 0, ov_walk_room(walk)),
                             .name = name,
                             .packed_bytes = bytes.size,
                             .plain_bytes = bytes.size};
    if (child.bytes.size < bytes.size) {
        ov_walk_note_cut(walk);
    }
    return ov_walk_child(walk, &child);
}

enum ov_status ov_walk_view(struct ov_walk *walk, struct ov_span bytes, enum ov_filetype type) {
    struct ov_child child = {.kind = OV_CHILD_VIEW, .bytes = bytes, .type = type};
    return ov_walk_child(walk, &child);
}

void ov_walk_fact(struct ov_walk *walk, enum ov_fact fact) {
    walk->sink->fact(walk->sink->arg, fact);
}

void ov_walk_alert(struct ov_walk *walk, enum ov_heuristic heuristic) {
    walk->sink->alert(walk->sink->arg, heuristic);
}

enum ov_status ov_walk_has_time(struct ov_walk *walk) {
    return ov_budget_has_time(walk->budget) ? OV_OK : OV_LIMIT;
}

size_t ov_walk_room(const struct ov_walk *walk) {
    const struct ov_limits *limits = &walk->budget->limits;
    uint64_t room = PART_BYTES_MAX;
    if (limits->file_bytes != 0 && limits->file_bytes < room) {
        room = limits->file_bytes;
    }
    if (limits->scan_bytes != 0 && limits->scan_bytes - walk->budget->bytes_used < room) {
        room = limits->scan_bytes - walk->budget->bytes_used;
    }
    return (size_t)room;
}

void ov_walk_note_cut(struct ov_walk *walk) {
    const struct ov_limits *limits = &walk->budget->limits;
    bool is_file = limits->file_bytes != 0 && ov_walk_room(walk) >= limits->file_bytes;
    ov_budget_note(walk->budget, is_file ? OV_LIMIT_FILE_SIZE : OV_LIMIT_SCAN_SIZE);
}

void ov_walk_keep_worst(enum ov_status *io_worst, enum ov_status status) {
    *io_worst = *io_worst == OV_LIMIT || status == OV_OK ? *io_worst : status;
}
