// SPDX-License-Identifier: Apache-2.0
//
// The inside of a matcher, shared by the files that work for it: tables, and the state of one
// object.
#pragma once

#include "match/filter.h"
#include "match/matcher.h"
#include "match/part.h"

// A rule that something in the current object has triggered.
struct ov_touched {
    uint32_t rule;
    uint64_t seen;       // bit n: a trigger of subsignature n stood somewhere
    uint64_t start, end; // of the first part that was seen
};

// A growable set of offsets, as runs of neighbours: crafted files match at every byte.
struct ov_offset_run {
    size_t first, last; // inclusive
    size_t start;       // where the match began that reached `first`
    bool is_sliding;    // the next ends were reached from as much further on, else from `start` too
};

struct ov_offsets {
    struct ov_offset_run *at;
    size_t count, room;
};

struct ov_regex_cache;
struct ov_sweep;

struct ov_matcher {
    const struct ov_image *image;
    const struct ov_kernels *kernels;
    struct ov_code code;
    const struct ov_image_rule *rules;
    const struct ov_image_sub *subs;
    const struct ov_image_pattern *patterns;
    const struct ov_image_limits *limits;
    const struct ov_image_trigger *triggers;
    const struct ov_image_target *targets;
    const struct ov_image_icon *icons;
    const struct ov_image_picture *pictures;
    uint32_t rule_count, sub_count, pattern_count, limit_count, trigger_count, target_count,
        icon_count, picture_count;
    struct ov_filter_scratch *scratch;
    struct ov_regex_cache *regexes;
    struct ov_sweep *sweep; // NULL until the first

    // The current object.
    const struct ov_object *object;
    uint64_t *done;      // bit for each trigger: needs no more windows
    uint32_t *done_list; // which bits are set
    uint32_t done_count;
    struct ov_touched *touched;
    uint32_t touched_count;
    uint32_t *touched_slot; // for each rule its place in touched, if that place agrees
    struct ov_match *matches;
    size_t match_count, match_room;
    uint32_t *pending; // subsignatures to sweep for
    uint32_t pending_count, pending_room;
    struct ov_offsets ends[2]; // of the search over parts
    bool has_no_memory, has_no_time;
    bool is_cut; // a search kept all that it may keep: what it did not find may be there
    struct ov_match_stats stats;
};

// True as long as the budget has time; remembers when not.
bool ov_matcher_has_time(struct ov_matcher *matcher);

// The entry of the rule among the touched ones, made if need be.
struct ov_touched *ov_matcher_touch(struct ov_matcher *matcher, uint32_t rule);

void ov_matcher_add(struct ov_matcher *matcher, uint32_t rule, uint64_t start, uint64_t end);
