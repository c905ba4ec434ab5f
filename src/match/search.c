// SPDX-License-Identifier: Apache-2.0
// The exact search for a subsignature: part after part, keeping all ends that were reached.
#include "match/search.h"

#include "match/place.h"

#include <stdlib.h>

enum {
    RUNS_MAX = 1 << 20, // runs of ends that one search may keep: 16 MB
    TIME_CHECK_MATCHES = 4096,
};

// Adds an end that was reached from `start`. False, and the matcher's flag, when there is no room.
static bool push_offset(struct ov_matcher *matcher, struct ov_offsets *offsets, size_t at,
                        size_t start) {
    struct ov_offset_run *last = offsets->count > 0 ? &offsets->at[offsets->count - 1] : NULL;
    if (last != NULL && at >= last->first && at <= last->last + 1) {
        if (last->first == last->last && at > last->last) {
            last->is_sliding = start > last->start;
        }
        last->last = at > last->last ? at : last->last;
        return true;
    }
    if (offsets->count == RUNS_MAX) {
        matcher->is_cut = true;
        return false;
    }
    if (offsets->at == NULL || offsets->count == offsets->room) {
        size_t room = offsets->room == 0 ? 256 : offsets->room * 2;
        struct ov_offset_run *grown = realloc(offsets->at, room * sizeof *grown);
        if (grown == NULL) {
            matcher->has_no_memory = true;
            return false;
        }
        offsets->at = grown;
        offsets->room = room;
    }
    offsets->at[offsets->count++] = (struct ov_offset_run){.first = at, .last = at, .start = start};
    return true;
}

// What one pattern's search carries from part to part.
struct search {
    struct ov_matcher *matcher;
    const struct ov_image_sub *sub;
    const struct ov_image_pattern *pattern;
    struct ov_span object;
    bool is_count;
    struct ov_found *found;
    const struct ov_offset_run *run; // of ends of the part before, from which this one is reached
    uint32_t gap_max;                // from there
    // The part behind may stand any way behind: of all ends only the earliest counts.
    bool needs_first_end;
    size_t first_end; // so far; SIZE_MAX: none
};

static bool may_go_on(const struct search *search) {
    struct ov_matcher *matcher = search->matcher;
    return !matcher->code.is_damaged && !matcher->has_no_memory && !matcher->has_no_time;
}

static void note_match(struct search *search, uint64_t start, uint64_t end) {
    struct ov_found *found = search->found;
    if (found->count == 0 || start < found->first) {
        found->first = start;
        found->end = end;
    }
    found->last = found->count == 0 || start > found->last ? start : found->last;
    found->count += found->count < UINT32_MAX;
}

// Where the match began that goes on at `start`: the earliest of the run's ends that reaches it.
static size_t find_origin(const struct search *search, size_t start) {
    const struct ov_offset_run *run = search->run;
    if (run == NULL) {
        return start;
    }
    size_t end = run->first;
    if (search->gap_max < start && start - search->gap_max > end) {
        end = start - search->gap_max;
    }
    return run->is_sliding ? run->start + (end - run->first) : run->start;
}

// Narrows the starts from `from` on to those from which an earlier end could be reached. False:
// none.
static bool narrow_range(const struct search *search, const struct ov_part *part, size_t from,
                         struct ov_start_range *range) {
    size_t least = part->head->min_bytes;
    if (!search->needs_first_end || search->first_end == SIZE_MAX) {
        return true;
    }
    if (least >= search->first_end || from >= search->first_end - least) {
        return false;
    }
    size_t last = search->first_end - least - 1;
    range->last = last < range->last ? last : range->last;
    return true;
}

// Finds the part at starts in [first, last]; its ends go to `ret_ends`, or, for the last part, the
// matches are noted. Stops early when the first match says all.
static void search_range(struct search *search, const struct ov_part *part,
                         struct ov_start_range range, bool is_last, struct ov_offsets *ret_ends) {
    struct ov_matcher *matcher = search->matcher;
    struct ov_ends ends;
    uint32_t steps = 0;
    size_t from = range.first;
    while (narrow_range(search, part, from, &range) && from <= range.last && may_go_on(search)) {
        size_t start = ov_part_find(&matcher->code, matcher->kernels, part, search->object, from,
                                    range.last, &ends);
        if (start == SIZE_MAX) {
            return;
        }
        from = start + 1;
        size_t origin = find_origin(search, start);
        if (is_last) {
            note_match(search, origin, ends.at[0]);
            if (!search->is_count) {
                return;
            }
        }
        for (uint32_t i = 0; i < ends.count && !is_last; i++) {
            if (!push_offset(matcher, ret_ends, ends.at[i], origin)) {
                return;
            }
            search->first_end = ends.at[i] < search->first_end ? ends.at[i] : search->first_end;
        }
        if (++steps % TIME_CHECK_MATCHES == 0) {
            (void)ov_matcher_has_time(matcher);
        }
    }
}

// The starts that the ends of the part before allow: ranges are merged, so that no start is tried
// twice.
static void search_after(struct search *search, const struct ov_part *part, bool is_last,
                         const struct ov_offsets *before, struct ov_offsets *ret_ends) {
    uint32_t min = part->head->gap_min;
    uint32_t max = part->head->gap_max;
    size_t size = search->object.size;
    size_t next = 0;
    for (size_t i = 0; i < before->count && may_go_on(search); i++) {
        struct ov_offset_run run = before->at[i];
        if (min > size || run.first > size - min) {
            continue;
        }
        struct ov_start_range range = {.first = run.first + min, .last = size};
        if (max != UINT32_MAX && run.last <= size && max < size - run.last) {
            range.last = run.last + max;
        }
        range.first = range.first < next ? next : range.first;
        if (range.first > range.last) {
            continue;
        }
        search->run = &run;
        search->gap_max = max;
        search_range(search, part, range, is_last, ret_ends);
        search->run = NULL;
        if (search->found->count > 0 && !search->is_count) {
            return;
        }
        next = range.last + 1;
        if (max == UINT32_MAX) {
            return;
        }
    }
}

static int compare_offsets(const void *a, const void *b) {
    const struct ov_offset_run *left = a, *right = b;
    return (left->first > right->first) - (left->first < right->first);
}

// The part number `index` of the pattern; the code offset of the next goes to *at.
static bool open_part(struct search *search, uint32_t *at, struct ov_part *ret_part) {
    bool is_wide = (search->pattern->flags & OV_PATTERN_WIDE) != 0;
    return ov_part_open(&search->matcher->code, *at, is_wide, ret_part, at);
}

// Notes what is needed of the ends of a part that is not the last; `at` is where the next one
// stands.
static bool look_ahead(struct search *search, uint32_t at) {
    struct ov_part next;
    if (!open_part(search, &at, &next)) {
        return false;
    }
    search->needs_first_end = next.head->gap_max == UINT32_MAX;
    search->first_end = SIZE_MAX;
    return true;
}

static void search_first(struct search *search, const struct ov_part *part, bool is_last,
                         struct ov_offsets *ret_ends) {
    struct ov_start_range range;
    for (uint32_t i = 0; ov_start_range_get(search->sub, search->matcher->object, i, &range); i++) {
        search_range(search, part, range, is_last, ret_ends);
        if (!may_go_on(search) || (search->found->count > 0 && !search->is_count)) {
            return;
        }
    }
}

static void search_pattern(struct search *search) {
    struct ov_matcher *matcher = search->matcher;
    uint32_t at = search->pattern->code_at;
    uint32_t count = search->pattern->part_count;
    for (uint32_t i = 0; i < count && may_go_on(search); i++) {
        struct ov_part part;
        if (!open_part(search, &at, &part)) {
            return;
        }
        struct ov_offsets *before = &matcher->ends[(i + 1) % 2];
        struct ov_offsets *after = &matcher->ends[i % 2];
        bool is_last = i + 1 == count;
        search->needs_first_end = false;
        if (!is_last && !look_ahead(search, at)) {
            return;
        }
        after->count = 0;
        if (i == 0) {
            search_first(search, &part, is_last, after);
        } else {
            search_after(search, &part, is_last, before, after);
        }
        if (!is_last && after->count == 0) {
            return;
        }
        if (after->count > 1) {
            qsort(after->at, after->count, sizeof *after->at, compare_offsets);
        }
    }
}

struct ov_found ov_sub_search(struct ov_matcher *matcher, const struct ov_image_sub *sub,
                              bool is_count) {
    struct ov_found found = {0};
    for (uint32_t i = 0; i < sub->pattern_count; i++) {
        if (sub->pattern_first >= matcher->pattern_count ||
            i >= matcher->pattern_count - sub->pattern_first) {
            matcher->code.is_damaged = true;
            break;
        }
        struct search search = {
            .matcher = matcher,
            .sub = sub,
            .pattern = &matcher->patterns[sub->pattern_first + i],
            .object = matcher->object->bytes,
            .is_count = is_count,
            .found = &found,
        };
        matcher->stats.searches++;
        search_pattern(&search);
        if (found.count > 0 && !is_count) {
            break;
        }
    }
    return found;
}
