// SPDX-License-Identifier: Apache-2.0
// The parts beside a part.
#include "match/chain.h"

enum { REACH_BYTES = 8192 }; // wider gaps are left to the search

// Whether `part` ends between `gap_min` and `gap_max` bytes before `start`.
static bool stands_before(struct ov_matcher *matcher, const struct ov_part *part,
                          const struct ov_image_part *gap, size_t start) {
    uint64_t reach = (uint64_t)gap->gap_max + part->head->max_bytes;
    if (gap->gap_max == UINT32_MAX || reach > REACH_BYTES) {
        return true;
    }
    uint64_t least = (uint64_t)gap->gap_min + part->head->min_bytes;
    if (least > start) {
        return false;
    }
    size_t from = start > reach ? start - (size_t)reach : 0;
    size_t last = start - (size_t)least;
    while (from <= last) {
        struct ov_ends ends;
        size_t found = ov_part_find(&matcher->code, matcher->kernels, part, matcher->object->bytes,
                                    from, last, &ends);
        if (found == SIZE_MAX) {
            return false;
        }
        for (uint32_t i = 0; i < ends.count; i++) {
            if (ends.at[i] <= start && start - ends.at[i] >= gap->gap_min &&
                start - ends.at[i] <= gap->gap_max) {
                return true;
            }
        }
        from = found + 1;
    }
    return false;
}

// Whether `part` starts where its gap allows after one of the ends.
static bool stands_after(struct ov_matcher *matcher, const struct ov_part *part,
                         const struct ov_ends *ends) {
    const struct ov_image_part *head = part->head;
    size_t size = matcher->object->bytes.size;
    if (head->gap_max > REACH_BYTES) {
        return true;
    }
    for (uint32_t i = 0; i < ends->count; i++) {
        struct ov_ends reached;
        if (head->gap_min <= size && ends->at[i] <= size - head->gap_min &&
            ov_part_find(&matcher->code, matcher->kernels, part, matcher->object->bytes,
                         ends->at[i] + head->gap_min, ends->at[i] + head->gap_max,
                         &reached) != SIZE_MAX) {
            return true;
        }
    }
    return false;
}

bool ov_chain_is_possible(struct ov_matcher *matcher, const struct ov_image_pattern *pattern,
                          uint32_t part_at, size_t start, const struct ov_ends *ends) {
    bool is_wide = (pattern->flags & OV_PATTERN_WIDE) != 0;
    uint32_t at = pattern->code_at;
    struct ov_part before = {0}, part;
    for (uint32_t i = 0; i < pattern->part_count; i++) {
        uint32_t here = at;
        if (!ov_part_open(&matcher->code, at, is_wide, &part, &at)) {
            return true;
        }
        if (here != part_at) {
            before = part;
            continue;
        }
        if (before.head != NULL && !stands_before(matcher, &before, part.head, start)) {
            return false;
        }
        struct ov_part after;
        return i + 1 == pattern->part_count ||
               !ov_part_open(&matcher->code, at, is_wide, &after, &at) ||
               stands_after(matcher, &after, ends);
    }
    return true;
}
