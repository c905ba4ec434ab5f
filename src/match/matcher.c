// SPDX-License-Identifier: Apache-2.0
// One object against all rules: the filter's windows, fixed places, then the triggered rules.
#include "match/matcher.h"

#include "match/chain.h"
#include "match/eval.h"
#include "match/matcher_state.h"
#include "match/pictures.h"
#include "match/place.h"
#include "match/regex.h"
#include "match/sweep.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TIME_CHECK_WINDOWS = 4096,
    SWEEP_SUBS = 24,        // fewer strings are searched for one by one
    SWEEP_BYTES = 32 << 20, // likewise, unless so many bytes would be passed over
};

// ---- life --------------------------------------------------------------------------------------

static void load_tables(struct ov_matcher *matcher, const struct ov_image *image) {
    matcher->code.bytes = ov_image_section(image, OV_SECTION_CODE, 0);
    matcher->rules =
        ov_image_array(image, OV_SECTION_RULES, 0, sizeof *matcher->rules, &matcher->rule_count);
    matcher->subs =
        ov_image_array(image, OV_SECTION_SUBS, 0, sizeof *matcher->subs, &matcher->sub_count);
    matcher->patterns = ov_image_array(image, OV_SECTION_PATTERNS, 0, sizeof *matcher->patterns,
                                       &matcher->pattern_count);
    matcher->limits =
        ov_image_array(image, OV_SECTION_LIMITS, 0, sizeof *matcher->limits, &matcher->limit_count);
    matcher->triggers = ov_image_array(image, OV_SECTION_TRIGGERS, 0, sizeof *matcher->triggers,
                                       &matcher->trigger_count);
    matcher->targets = ov_image_array(image, OV_SECTION_TARGETS, 0, sizeof *matcher->targets,
                                      &matcher->target_count);
    matcher->icons =
        ov_image_array(image, OV_SECTION_ICONS, 0, sizeof *matcher->icons, &matcher->icon_count);
    matcher->pictures = ov_image_array(image, OV_SECTION_PICTURES, 0, sizeof *matcher->pictures,
                                       &matcher->picture_count);
}

// Whether the tables are as long as they must be; if not, the reason says which is not.
static bool has_sound_counts(const struct ov_matcher *matcher, char *ret_reason) {
    const struct ov_image_header *header = matcher->image->header;
    if (matcher->rule_count != header->rule_count) {
        (void)snprintf(ret_reason, OV_IMAGE_REASON_BYTES,
                       "the header tells of %u rules, the rule section holds %u (byte 28)",
                       header->rule_count, matcher->rule_count);
        return false;
    }
    if (matcher->target_count != OV_IMAGE_TARGETS) {
        (void)snprintf(ret_reason, OV_IMAGE_REASON_BYTES,
                       "%u targets stand in the target section, not %u", matcher->target_count,
                       OV_IMAGE_TARGETS);
        return false;
    }
    return true;
}

enum ov_status ov_matcher_new(const struct ov_image *image, const struct ov_kernels *kernels,
                              char *ret_reason, struct ov_matcher **ret_matcher) {
    struct ov_matcher *matcher = calloc(1, sizeof *matcher);
    if (matcher == NULL) {
        return OV_MEMORY;
    }
    matcher->image = image;
    matcher->kernels = kernels;
    load_tables(matcher, image);
    if (!has_sound_counts(matcher, ret_reason)) {
        ov_matcher_free(matcher);
        return OV_DAMAGED;
    }
    size_t rules = (size_t)matcher->rule_count + 1;
    size_t triggers = (size_t)matcher->trigger_count + 1;
    matcher->scratch = malloc(sizeof *matcher->scratch);
    matcher->done = calloc(triggers / 64 + 1, sizeof *matcher->done);
    matcher->done_list = malloc(triggers * sizeof *matcher->done_list);
    matcher->touched = malloc(rules * sizeof *matcher->touched);
    matcher->touched_slot = calloc(rules, sizeof *matcher->touched_slot);
    if (matcher->scratch == NULL || matcher->done == NULL || matcher->done_list == NULL ||
        matcher->touched == NULL || matcher->touched_slot == NULL) {
        ov_matcher_free(matcher);
        return OV_MEMORY;
    }
    *ret_matcher = matcher;
    return OV_OK;
}

void ov_matcher_free(struct ov_matcher *matcher) {
    if (matcher == NULL) {
        return;
    }
    ov_regex_cache_free(matcher->regexes);
    ov_sweep_free(matcher->sweep);
    free(matcher->pending);
    free(matcher->scratch);
    free(matcher->done);
    free(matcher->done_list);
    free(matcher->touched);
    free(matcher->touched_slot);
    free(matcher->matches);
    free(matcher->ends[0].at);
    free(matcher->ends[1].at);
    free(matcher);
}

// ---- state of one object -----------------------------------------------------------------------

bool ov_matcher_has_time(struct ov_matcher *matcher) {
    if (!matcher->has_no_time && !ov_budget_has_time(matcher->object->budget)) {
        matcher->has_no_time = true;
    }
    return !matcher->has_no_time;
}

struct ov_touched *ov_matcher_touch(struct ov_matcher *matcher, uint32_t rule) {
    uint32_t slot = matcher->touched_slot[rule];
    if (slot >= matcher->touched_count || matcher->touched[slot].rule != rule) {
        slot = matcher->touched_count++;
        matcher->touched_slot[rule] = slot;
        matcher->touched[slot] = (struct ov_touched){.rule = rule};
    }
    return &matcher->touched[slot];
}

void ov_matcher_add(struct ov_matcher *matcher, uint32_t rule, uint64_t start, uint64_t end) {
    if (matcher->match_count == matcher->match_room) {
        size_t room = matcher->match_room == 0 ? 64 : matcher->match_room * 2;
        struct ov_match *grown = realloc(matcher->matches, room * sizeof *grown);
        if (grown == NULL) {
            matcher->has_no_memory = true;
            return;
        }
        matcher->matches = grown;
        matcher->match_room = room;
    }
    matcher->matches[matcher->match_count++] =
        (struct ov_match){.rule = rule, .start = start, .end = end};
}

static void reset_state(struct ov_matcher *matcher, const struct ov_object *object) {
    for (uint32_t i = 0; i < matcher->done_count; i++) {
        matcher->done[matcher->done_list[i] / 64] = 0;
    }
    matcher->done_count = 0;
    matcher->touched_count = 0;
    matcher->match_count = 0;
    matcher->has_no_memory = false;
    matcher->has_no_time = false;
    matcher->is_cut = false;
    matcher->stats = (struct ov_match_stats){0};
    matcher->object = object;
    matcher->code.is_late = false;
    matcher->code.is_cut = false;
    matcher->code.budget = object->budget;
    matcher->pending_count = 0;
    ov_sweep_reset(matcher);
}

static void mark_done(struct ov_matcher *matcher, uint32_t trigger) {
    matcher->done[trigger / 64] |= (uint64_t)1 << trigger % 64;
    matcher->done_list[matcher->done_count++] = trigger;
}

// ---- windows -----------------------------------------------------------------------------------

// A trigger with everything that hangs on it, checked.
struct trigger {
    const struct ov_image_pattern *pattern;
    const struct ov_image_sub *sub;
    struct ov_part part;
    uint32_t part_at;
    bool is_first; // its part is where the match is said to start
};

static bool open_trigger(struct ov_matcher *matcher, uint32_t number, struct trigger *ret) {
    const struct ov_image_trigger *record = &matcher->triggers[number];
    bool is_sound =
        record->pattern < matcher->pattern_count &&
        matcher->patterns[record->pattern].sub < matcher->sub_count &&
        matcher->subs[matcher->patterns[record->pattern].sub].rule < matcher->rule_count &&
        matcher->subs[matcher->patterns[record->pattern].sub].number < OV_IMAGE_SUBS_MAX &&
        record->back_min <= record->back_max;
    if (!is_sound) {
        matcher->code.is_damaged = true;
        return false;
    }
    ret->pattern = &matcher->patterns[record->pattern];
    ret->sub = &matcher->subs[ret->pattern->sub];
    ret->is_first = record->part_at == ret->pattern->code_at;
    ret->part_at = record->part_at;
    uint32_t next;
    bool is_wide = (ret->pattern->flags & OV_PATTERN_WIDE) != 0;
    return ov_part_open(&matcher->code, record->part_at, is_wide, &ret->part, &next);
}

// The trigger's part stands at `start`. Returns whether the trigger has said all that it can say.
static bool note_part(struct ov_matcher *matcher, const struct trigger *trigger, size_t start,
                      const struct ov_ends *ends) {
    const struct ov_image_sub *sub = trigger->sub;
    if (trigger->is_first && sub->offset_kind != 0 &&
        !ov_start_is_allowed(sub, matcher->object, start)) {
        return false;
    }
    const struct ov_image_rule *rule = &matcher->rules[sub->rule];
    bool is_whole = trigger->pattern->part_count == 1;
    if (!is_whole &&
        !ov_chain_is_possible(matcher, trigger->pattern, trigger->part_at, start, ends)) {
        return false;
    }
    if ((rule->flags & OV_RULE_FLAG_BODY) != 0 && is_whole && rule->limits == OV_IMAGE_NONE) {
        ov_matcher_add(matcher, sub->rule, start, ends->at[0]);
        return true;
    }
    struct ov_touched *touched = ov_matcher_touch(matcher, sub->rule);
    if (touched->seen == 0) {
        touched->start = start;
        touched->end = ends->at[0];
    }
    touched->seen |= (uint64_t)1 << sub->number;
    return true;
}

// ov_window_sink: tries the exact match at every start that the window allows.
static bool try_window(void *arg, uint32_t number, size_t window_at) {
    struct ov_matcher *matcher = arg;
    if (number >= matcher->trigger_count) {
        matcher->code.is_damaged = true;
        return true;
    }
    if ((matcher->done[number / 64] >> number % 64 & 1) != 0 || matcher->has_no_time) {
        return true;
    }
    if (++matcher->stats.windows % TIME_CHECK_WINDOWS == 0 && !ov_matcher_has_time(matcher)) {
        return true;
    }
    struct trigger trigger;
    if (!open_trigger(matcher, number, &trigger)) {
        return true;
    }
    const struct ov_image_trigger *record = &matcher->triggers[number];
    struct ov_ends ends;
    for (uint32_t back = record->back_min; back <= record->back_max && back <= window_at; back++) {
        size_t start = window_at - back;
        if (ov_part_match(&matcher->code, &trigger.part, matcher->object->bytes, start, &ends) &&
            note_part(matcher, &trigger, start, &ends)) {
            mark_done(matcher, number);
            return true;
        }
    }
    return false;
}

static bool has_time_left(void *arg) {
    return ov_matcher_has_time(arg);
}

// ---- fixed places ------------------------------------------------------------------------------

struct probe_table {
    const struct ov_image_probe_key *keys;
    uint32_t key_count;
};

static void run_probe(struct ov_matcher *matcher, const struct probe_table *table,
                      const struct ov_image_probe *probe) {
    const struct ov_object *object = matcher->object;
    size_t start;
    if (!ov_start_of(probe->offset_kind, probe->offset_section, probe->offset_value, object,
                     &start) ||
        probe->key_delta > object->bytes.size || start >= object->bytes.size - probe->key_delta) {
        return;
    }
    if (probe->key_first > table->key_count ||
        probe->key_count > table->key_count - probe->key_first) {
        matcher->code.is_damaged = true;
        return;
    }
    struct ov_span place = ov_span_part(object->bytes, start + probe->key_delta, 4);
    uint32_t key = 0;
    memcpy(&key, place.data, place.size);
    key = (uint32_t)ov_fold(key) & probe->key_mask;
    const struct ov_image_probe_key *keys = table->keys + probe->key_first;
    uint32_t low = 0, high = probe->key_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (keys[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < probe->key_count && keys[low].key == key; low++) {
        // Probes have fixed lengths before their key: the window is the start itself.
        (void)try_window(matcher, keys[low].trigger, start);
    }
}

static void run_probes(struct ov_matcher *matcher, uint32_t variant) {
    struct probe_table table;
    uint32_t count;
    const struct ov_image_probe *probes =
        ov_image_array(matcher->image, OV_SECTION_PROBES, variant, sizeof *probes, &count);
    table.keys = ov_image_array(matcher->image, OV_SECTION_PROBE_KEYS, variant, sizeof *table.keys,
                                &table.key_count);
    for (uint32_t i = 0; i < count; i++) {
        run_probe(matcher, &table, &probes[i]);
    }
}

static void touch_always(struct ov_matcher *matcher, uint32_t variant) {
    uint32_t count;
    const uint32_t *rules =
        ov_image_array(matcher->image, OV_SECTION_ALWAYS, variant, sizeof *rules, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (rules[i] >= matcher->rule_count) {
            matcher->code.is_damaged = true;
            return;
        }
        (void)ov_matcher_touch(matcher, rules[i]);
    }
}

// ---- the run -----------------------------------------------------------------------------------

static int compare_touched(const void *a, const void *b) {
    const struct ov_touched *left = a, *right = b;
    return (left->rule > right->rule) - (left->rule < right->rule);
}

static int compare_numbers(const void *a, const void *b) {
    const uint32_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static int compare_matches(const void *a, const void *b) {
    const struct ov_match *left = a, *right = b;
    if (left->rule != right->rule) {
        return left->rule > right->rule ? 1 : -1;
    }
    return (left->start > right->start) - (left->start < right->start);
}

// Drops the rules that what is known already decides, and sweeps for what the rest ask for if
// searching for each string would be more work.
static void thin_touched(struct ov_matcher *matcher) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < matcher->touched_count; i++) {
        if (ov_rule_is_open(matcher, &matcher->touched[i])) {
            matcher->touched[kept++] = matcher->touched[i];
        }
    }
    matcher->touched_count = kept;
    uint64_t work = (uint64_t)matcher->pending_count * matcher->object->bytes.size;
    if (matcher->pending_count < SWEEP_SUBS || work < SWEEP_BYTES) {
        return;
    }
    qsort(matcher->pending, matcher->pending_count, sizeof *matcher->pending, compare_numbers);
    matcher->stats.sweeps++;
    (void)ov_sweep_run(matcher, matcher->pending, matcher->pending_count);
}

static void evaluate_touched(struct ov_matcher *matcher) {
    thin_touched(matcher);
    if (matcher->touched_count > 1) {
        qsort(matcher->touched, matcher->touched_count, sizeof *matcher->touched, compare_touched);
    }
    for (uint32_t i = 0; i < matcher->touched_count; i++) {
        struct ov_match match;
        if (matcher->code.is_damaged || !ov_matcher_has_time(matcher)) {
            return;
        }
        matcher->stats.triggered++;
        if (ov_rule_evaluate(matcher, &matcher->touched[i], &match)) {
            ov_matcher_add(matcher, match.rule, match.start, match.end);
        }
    }
}

// Sorts by rule and leaves the first match of each.
static void sort_matches(struct ov_matcher *matcher) {
    if (matcher->match_count < 2) {
        return;
    }
    qsort(matcher->matches, matcher->match_count, sizeof *matcher->matches, compare_matches);
    size_t kept = 1;
    for (size_t i = 1; i < matcher->match_count; i++) {
        if (matcher->matches[i].rule != matcher->matches[kept - 1].rule) {
            matcher->matches[kept++] = matcher->matches[i];
        }
    }
    matcher->match_count = kept;
}

enum ov_status ov_matcher_run(struct ov_matcher *matcher, const struct ov_object *object,
                              const struct ov_match **ret_matches, size_t *ret_count) {
    reset_state(matcher, object);
    uint32_t target = object->target < OV_IMAGE_TARGETS ? object->target : 0;
    uint32_t variant = matcher->targets[target].filter;
    struct ov_filter filter;
    TRY(ov_filter_open(matcher->image, variant, &filter));
    struct ov_filter_run run = {
        .filter = &filter,
        .kernels = matcher->kernels,
        .scratch = matcher->scratch,
        .object = object->bytes,
        .sink = try_window,
        .sink_arg = matcher,
        .has_time = has_time_left,
        .marks = object->marks,
    };
    (void)ov_filter_run(&run);
    run_probes(matcher, variant);
    touch_always(matcher, variant);
    ov_pictures_touch(matcher);
    evaluate_touched(matcher);
    sort_matches(matcher);
    if (matcher->code.is_damaged) {
        return OV_DAMAGED;
    }
    *ret_matches = matcher->matches;
    *ret_count = matcher->match_count;
    if (matcher->has_no_memory) {
        return OV_MEMORY;
    }
    bool is_cut = matcher->is_cut || matcher->code.is_cut;
    if (is_cut && object->budget->hit == OV_LIMIT_NONE) {
        object->budget->hit = OV_LIMIT_MATCHING;
    }
    bool is_late = matcher->has_no_time || matcher->code.is_late;
    return is_late || is_cut ? OV_LIMIT : OV_OK;
}

void ov_matcher_look(struct ov_matcher *matcher, const struct ov_object *object) {
    reset_state(matcher, object);
    struct ov_filter nothing = {0};
    struct ov_filter_run run = {
        .filter = &nothing,
        .kernels = matcher->kernels,
        .scratch = matcher->scratch,
        .object = object->bytes,
        .sink_arg = matcher,
        .has_time = has_time_left,
        .marks = object->marks,
    };
    (void)ov_filter_run(&run);
}

struct ov_match_stats ov_matcher_stats(const struct ov_matcher *matcher) {
    return matcher->stats;
}

uint16_t ov_matcher_handler(const struct ov_matcher *matcher, uint32_t rule) {
    uint32_t limits = rule < matcher->rule_count ? matcher->rules[rule].limits : OV_IMAGE_NONE;
    return limits < matcher->limit_count ? matcher->limits[limits].handler : 0;
}

const struct ov_image_rule *ov_matcher_rule(const struct ov_matcher *matcher, uint32_t rule) {
    return rule < matcher->rule_count ? &matcher->rules[rule] : NULL;
}
