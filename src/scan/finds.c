// SPDX-License-Identifier: Apache-2.0
// The order of detections.
#include "scan/finds.h"

#include <stdlib.h>

enum {
    WINDOW_BYTES = 131072, // clamscan's window
    TARGET_MAIL = 4,
    TARGET_TEXT = 7,
    TARGET_OTHER = 14,
};

static void add(struct ov_finds *finds, const struct ov_find *find) {
    if (finds->count < OV_FINDS_MAX) {
        finds->items[finds->count++] = *find;
    }
}

// The first of clamscan's overlapping windows that holds the whole match.
static uint64_t window_of(const struct ov_match *match, uint32_t overlap) {
    uint64_t step = overlap < WINDOW_BYTES ? WINDOW_BYTES - overlap : 1;
    if (match->end <= WINDOW_BYTES) {
        return 0;
    }
    return (match->end - WINDOW_BYTES + step - 1) / step;
}

// Text, mail and what nobody knows are first looked at with the rules for any target.
static bool is_looked_at_late(uint8_t target) {
    return target == TARGET_MAIL || target == TARGET_TEXT || target == TARGET_OTHER;
}

void ov_finds_add_match(struct ov_finds *finds, const struct ov_image_rule *rule,
                        const struct ov_match *match, uint32_t overlap) {
    struct ov_find find = {.rule = match->rule,
                           .is_pua =
                               (rule->flags & OV_RULE_FLAG_PUA) != 0 && !finds->has_precedence,
                           .offset = match->start};
    bool is_own = rule->target != 0;
    bool is_late = finds->has_late && is_looked_at_late(rule->target);
    bool is_plain = (rule->flags & OV_RULE_FLAG_PLAIN) != 0;
    if ((rule->flags & OV_RULE_FLAG_BODY) != 0) {
        find.order[0] = is_late ? OV_FIND_LATE_BODY : OV_FIND_BODY;
        find.order[1] = window_of(match, overlap) * 4 + (is_own ? 0 : 2) + (is_plain ? 0 : 1);
        bool is_from_end = (rule->flags & OV_RULE_FLAG_LATE) != 0;
        find.order[2] = is_from_end ? match->end - rule->notice : match->start + rule->notice;
        find.order[3] = rule->order;
    } else {
        find.order[0] = is_late  ? OV_FIND_LATE_LOGICAL
                        : is_own ? OV_FIND_LOGICAL_OWN
                                 : OV_FIND_LOGICAL_ANY;
        find.order[1] = match->rule;
    }
    add(finds, &find);
}

void ov_finds_add_hash(struct ov_finds *finds, enum ov_find_stage stage, uint32_t rule,
                       uint64_t number) {
    struct ov_find find = {.order = {stage, number}, .rule = rule};
    add(finds, &find);
}

void ov_finds_add_metadata(struct ov_finds *finds, uint32_t rule, uint32_t number, bool is_pua) {
    struct ov_find find = {
        .order = {0, number}, .rule = rule, .is_pua = is_pua && !finds->has_precedence};
    add(finds, &find);
}

void ov_finds_add_heuristic(struct ov_finds *finds, enum ov_heuristic heuristic) {
    struct ov_find find = {.rule = ov_heuristic_rule(heuristic), .is_pua = !finds->has_precedence};
    add(finds, &find);
}

static int compare_finds(const void *a, const void *b) {
    const struct ov_find *left = a, *right = b;
    for (unsigned i = 0; i < OV_FIND_KEYS; i++) {
        if (left->order[i] != right->order[i]) {
            return left->order[i] > right->order[i] ? 1 : -1;
        }
    }
    return (left->rule > right->rule) - (left->rule < right->rule);
}

static bool is_same_place(const struct ov_detection *a, const struct ov_detection *b) {
    return a->depth == b->depth &&
           memcmp(a->members, b->members, a->depth * sizeof a->members[0]) == 0;
}

static uint32_t count_of_rule(const struct ov_verdict *verdict, uint32_t rule) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < verdict->count; i++) {
        count += verdict->detections[i].rule == rule;
    }
    return count;
}

// Where a detection of the rule may go; NULL: nowhere. In a full verdict a rule that it does not
// have yet takes the place of one that it has several times, so that no name is lost to
// repetitions.
static struct ov_detection *find_room(struct ov_verdict *verdict, uint32_t rule) {
    if (verdict->count < OV_DETECTIONS_MAX) {
        return &verdict->detections[verdict->count++];
    }
    verdict->limit = verdict->limit == OV_LIMIT_NONE ? OV_LIMIT_DETECTIONS : verdict->limit;
    if (count_of_rule(verdict, rule) > 0) {
        return NULL;
    }
    for (uint32_t i = verdict->count; i > 0; i--) {
        if (count_of_rule(verdict, verdict->detections[i - 1].rule) > 1) {
            return &verdict->detections[i - 1];
        }
    }
    return NULL;
}

static void report(const struct ov_find *find, const struct ov_detection *place,
                   struct ov_verdict *verdict) {
    for (uint32_t i = 0; i < verdict->count; i++) {
        const struct ov_detection *told = &verdict->detections[i];
        if (told->rule == find->rule && is_same_place(told, place)) {
            return;
        }
    }
    struct ov_detection *detection = find_room(verdict, find->rule);
    if (detection != NULL) {
        *detection = *place;
        detection->rule = find->rule;
        detection->offset = find->offset;
    }
    verdict->kind = OV_VERDICT_FOUND;
    verdict->has_strong = verdict->has_strong || !find->is_pua;
}

void ov_finds_sort(struct ov_finds *finds) {
    qsort(finds->items, finds->count, sizeof finds->items[0], compare_finds);
}

void ov_finds_report(struct ov_finds *finds, bool is_all, const struct ov_detection *place,
                     struct ov_verdict *verdict) {
    ov_finds_sort(finds);
    const struct ov_find *chosen = NULL; // the first strong one, or the last
    for (uint32_t i = 0; i < finds->count; i++) {
        if (is_all) {
            report(&finds->items[i], place, verdict);
        } else if (chosen == NULL || chosen->is_pua) {
            chosen = &finds->items[i];
        }
    }
    if (chosen != NULL && !(chosen->is_pua && verdict->has_strong)) {
        verdict->count = 0; // of several, the strong one or the last unwanted one is told
        report(chosen, place, verdict);
    }
}
