// SPDX-License-Identifier: Apache-2.0
// Which subsignatures the filter must look for, so that no match of a rule goes unseen.
//
// A rule that is a conjunction needs only one of its strings searched; the rest are searched when
// that one is there. A disjunction needs all of its sides, and what may hold without any match
// (counts that allow zero) cannot be covered at all: such rules are evaluated for every object.
#include "rules/emit_state.h"

#include <math.h>
#include <stdlib.h>

enum {
    CONJUNCTS_MAX = OV_IMAGE_SUBS_MAX,
    EXTRA_COVERS = 3, // further necessary strings for rules whose first one is common
};

// A rule that would be triggered in more than this share of objects gets a further string.
static const double OFTEN = 1e-3;

// The chance that an object is a picture of one hash: it is looked up, and searched for nowhere.
static const double PICTURE_COST = 1e-9;

// A set of subsignatures of which at least one matches whenever the expression is true.
struct cover {
    uint64_t subs;
    double cost; // chance for an object; INFINITY when there is no such set
};

struct chooser {
    struct ov_emit *emit;
    const struct ov_rule *rule;
    struct ov_image_sub *records; // of the rule, in the SUBS section
    double costs[OV_IMAGE_SUBS_MAX];
    struct cover conjuncts[CONJUNCTS_MAX];
    uint32_t conjunct_count;
};

static struct ov_emit_pattern *get_offers(struct ov_emit *emit, const struct ov_image_sub *record) {
    return (struct ov_emit_pattern *)emit->emit_patterns.data + record->pattern_first;
}

static double cost_of_window(const struct ov_window *window) {
    if (window->kind == OV_WINDOW_NONE) {
        return INFINITY;
    }
    if (window->kind == OV_WINDOW_PROBE) {
        return window->frequency;
    }
    // A tail window slows every byte down, not only its own objects.
    double price = window->kind == OV_WINDOW_TAIL     ? 2e-5
                   : window->kind == OV_WINDOW_THREES ? 1e-9
                                                      : 0;
    return (window->frequency + price) * OV_OBJECT_BYTES;
}

static double cost_of_sub(struct chooser *chooser, uint32_t number) {
    const struct ov_image_sub *record = &chooser->records[number];
    double sum = 0;
    for (uint32_t i = 0; i < record->pattern_count; i++) {
        sum += cost_of_window(&get_offers(chooser->emit, record)[i].window);
    }
    return record->pattern_count > 0 ? sum : INFINITY;
}

static struct cover cover_expr(struct chooser *chooser, const struct ov_expr *expr);

static struct cover cover_sub(struct chooser *chooser, uint32_t number) {
    static const struct cover none = {.cost = INFINITY};
    const struct ov_sub *sub =
        number < chooser->rule->sub_count ? &chooser->rule->subs[number] : NULL;
    if (sub == NULL) {
        return none;
    }
    switch (sub->kind) {
    case OV_SUB_BODY:
        return (struct cover){.subs = (uint64_t)1 << number, .cost = chooser->costs[number]};
    case OV_SUB_IMAGE_HASH:
        return (struct cover){.subs = (uint64_t)1 << number, .cost = PICTURE_COST};
    case OV_SUB_REGEX:
        return cover_expr(chooser, sub->trigger);
    case OV_SUB_COMPARE:
        return sub->compare.sub < number ? cover_sub(chooser, sub->compare.sub) : none;
    default:
        return none;
    }
}

// Whether the count may be met with no match at all.
static bool allows_none(const struct ov_expr *expr) {
    return expr->op == OV_COMPARE_LT || (expr->op == OV_COMPARE_EQ && expr->count == 0);
}

static struct cover cover_expr(struct chooser *chooser, const struct ov_expr *expr) {
    if (allows_none(expr)) {
        return (struct cover){.cost = INFINITY};
    }
    if (expr->kind == OV_EXPR_SUB) {
        return cover_sub(chooser, expr->sub);
    }
    struct cover left = cover_expr(chooser, expr->left);
    struct cover right = cover_expr(chooser, expr->right);
    if (expr->kind == OV_EXPR_AND) {
        return left.cost <= right.cost ? left : right;
    }
    return (struct cover){.subs = left.subs | right.subs, .cost = left.cost + right.cost};
}

// The sides of the conjunctions at the top, each covered by itself.
static void list_conjuncts(struct chooser *chooser, const struct ov_expr *expr) {
    if (expr->kind == OV_EXPR_AND && expr->op == OV_COMPARE_NONE) {
        list_conjuncts(chooser, expr->left);
        list_conjuncts(chooser, expr->right);
        return;
    }
    struct cover cover = cover_expr(chooser, expr);
    if (isfinite(cover.cost) && chooser->conjunct_count < CONJUNCTS_MAX) {
        chooser->conjuncts[chooser->conjunct_count++] = cover;
    }
}

static int compare_covers(const void *a, const void *b) {
    const struct cover *left = a, *right = b;
    if (left->cost != right->cost) {
        return left->cost > right->cost ? 1 : -1;
    }
    return (left->subs > right->subs) - (left->subs < right->subs);
}

// Adds a trigger for every pattern of the subsignature and marks it as covered.
static void add_triggers(struct chooser *chooser, uint32_t number) {
    struct ov_emit *emit = chooser->emit;
    struct ov_image_sub *record = &chooser->records[number];
    if ((record->flags & OV_SUB_FLAG_COVERED) != 0) {
        return;
    }
    record->flags |= OV_SUB_FLAG_COVERED;
    for (uint32_t i = 0; i < record->pattern_count; i++) {
        struct ov_emit_pattern *offer = &get_offers(emit, record)[i];
        struct ov_image_trigger trigger = {
            .pattern = record->pattern_first + i,
            .part_at = offer->window.part_at,
            .back_min = (uint16_t)offer->window.back_min,
            .back_max = (uint16_t)offer->window.back_max,
        };
        offer->trigger = ov_emit_count(emit->triggers, sizeof trigger);
        ov_buf_add(emit->triggers, &trigger, sizeof trigger);
    }
}

static void note_cost(struct ov_emit *emit, uint32_t rule, enum ov_cost_kind kind,
                      double frequency) {
    struct ov_rule_cost cost = {.rule = rule, .kind = kind, .frequency = frequency};
    if (emit->options->with_costs) {
        ov_buf_add(&emit->costs, &cost, sizeof cost);
    }
}

// The cheapest cover, and more of them while rules would be triggered too often.
static uint64_t choose_subs(struct chooser *chooser) {
    uint64_t subs = 0;
    double chance = 1;
    if (chooser->conjunct_count > 1) {
        qsort(chooser->conjuncts, chooser->conjunct_count, sizeof chooser->conjuncts[0],
              compare_covers);
    }
    for (uint32_t i = 0; i < chooser->conjunct_count && i <= EXTRA_COVERS; i++) {
        double cost = chooser->conjuncts[i].cost;
        if (i > 0 && (chance < OFTEN || cost >= 1)) {
            break;
        }
        subs |= chooser->conjuncts[i].subs;
        chance *= cost < 1 ? cost : 1;
    }
    return subs;
}

enum ov_status ov_emit_cover(struct ov_emit *emit, uint32_t number) {
    struct ov_image_rule *record = (struct ov_image_rule *)emit->rules->data + number;
    struct chooser chooser = {
        .emit = emit,
        .rule = &emit->set->rules[number],
        .records = (struct ov_image_sub *)emit->subs->data + record->sub_first,
    };
    for (uint32_t i = 0; i < record->sub_count; i++) {
        chooser.costs[i] = cost_of_sub(&chooser, i);
    }
    if (chooser.rule->kind == OV_RULE_METADATA || chooser.rule->kind == OV_RULE_CERTIFICATE) {
        return OV_OK; // no bytes of an object can trigger it
    }
    if (chooser.rule->kind == OV_RULE_BODY) {
        struct cover cover = cover_sub(&chooser, 0);
        chooser.conjunct_count = isfinite(cover.cost) ? 1 : 0;
        chooser.conjuncts[0] = cover;
    } else {
        list_conjuncts(&chooser, chooser.rule->expr);
    }
    uint64_t subs = choose_subs(&chooser);
    if (chooser.conjunct_count == 0) {
        record->flags |= OV_RULE_FLAG_ALWAYS;
        note_cost(emit, number, OV_COST_ALWAYS, 1);
    } else if (chooser.conjuncts[0].cost > OFTEN) {
        note_cost(emit, number, OV_COST_WINDOW, chooser.conjuncts[0].cost / OV_OBJECT_BYTES);
    }
    for (uint32_t i = 0; i < record->sub_count; i++) {
        if ((subs >> i & 1) != 0) {
            add_triggers(&chooser, i);
        }
    }
    return ov_buf_status(emit->triggers);
}
