// SPDX-License-Identifier: Apache-2.0
// Expressions of rules, decided in two steps: with what the filter knows, then by searching.
#include "match/eval.h"

#include "base/filetype.h"
#include "match/compare.h"
#include "match/icons.h"
#include "match/regex.h"
#include "match/search.h"
#include "match/sweep.h"

#include <stdlib.h>

// ov_sub_kind, ov_expr_kind and ov_compare_op of rules/tree.h as they stand in the image.
enum { SUB_BODY, SUB_REGEX, SUB_COMPARE, SUB_MACRO, SUB_IMAGE_HASH };
enum { EXPR_SUB, EXPR_AND, EXPR_OR };
enum { OP_NONE, OP_EQ, OP_GT, OP_LT };

enum { NODES_MAX = 1024, DEPTH_MAX = 256 };

enum truth { IS_FALSE, IS_TRUE, IS_UNKNOWN };

struct value {
    enum truth truth;
    uint64_t total;    // matches below, when true
    uint64_t distinct; // bits of the subsignatures that matched
    uint64_t possible; // of those, and of those of which it is unknown
};

// An expression in postfix order, with the first node of each node's operands.
struct tree {
    const struct ov_image_expr *nodes;
    uint32_t count;
    uint16_t first[NODES_MAX];
};

struct evaluation {
    struct ov_matcher *matcher;
    const struct ov_image_sub *subs;
    uint32_t sub_count;
    const struct ov_touched *touched;
    uint64_t seen;
    bool is_final;                  // may search
    uint64_t has_found, is_counted; // bits: what found[] holds
    struct ov_found found[OV_IMAGE_SUBS_MAX];
};

static struct ov_found count_sub(struct evaluation *ev, uint32_t number, bool is_count);

// ---- expressions -------------------------------------------------------------------------------

// Finds where each node's operands begin. False, and the damage flag, when they do not add up.
static bool plan_tree(struct ov_code *code, uint32_t at, uint32_t count, struct tree *ret_tree) {
    const struct ov_image_expr *nodes = count >= 1 && count <= NODES_MAX
                                            ? ov_code_get(code, at, (uint64_t)count * sizeof *nodes)
                                            : NULL;
    if (nodes == NULL) {
        code->is_damaged = true;
        return false;
    }
    ret_tree->nodes = nodes;
    ret_tree->count = count;
    for (uint32_t i = 0; i < count; i++) {
        ret_tree->first[i] = (uint16_t)i;
        if (nodes[i].kind == EXPR_SUB) {
            continue;
        }
        if (i < 2 || ret_tree->first[i - 1] == 0) {
            code->is_damaged = true;
            return false;
        }
        ret_tree->first[i] = ret_tree->first[ret_tree->first[i - 1] - 1];
    }
    if (ret_tree->first[count - 1] != 0) {
        code->is_damaged = true;
        return false;
    }
    return true;
}

static bool compare_count(uint8_t op, uint64_t total, uint32_t count) {
    switch (op) {
    case OP_EQ:
        return total == count;
    case OP_GT:
        return total > count;
    case OP_LT:
        return total < count;
    default:
        return total > 0;
    }
}

// A subsignature's value. `needs_count` is false when it is enough to know that it matched.
static struct value value_sub(struct evaluation *ev, const struct ov_image_expr *node,
                              bool needs_count) {
    uint32_t number = node->sub;
    if (number >= ev->sub_count) {
        ev->matcher->code.is_damaged = true;
        return (struct value){.truth = IS_FALSE};
    }
    bool is_covered = (ev->subs[number].flags & OV_SUB_FLAG_COVERED) != 0;
    bool is_absent = is_covered && (ev->seen >> number & 1) == 0;
    uint64_t bit = (uint64_t)1 << number;
    if (!is_absent && !ev->is_final) {
        return (struct value){.truth = IS_UNKNOWN, .possible = bit};
    }
    uint64_t total =
        is_absent ? 0 : count_sub(ev, number, needs_count || node->op != OP_NONE).count;
    if (!compare_count(node->op, total, node->count)) {
        return (struct value){.truth = IS_FALSE};
    }
    return (struct value){.truth = IS_TRUE, .total = total, .distinct = bit, .possible = bit};
}

// A block's value after its own comparison. What matched inside is not told to the outside then. A
// block that asks for more different ones than can still match holds no more.
static struct value apply_block(const struct ov_image_expr *node, struct value value) {
    if (node->op == OP_NONE) {
        return value;
    }
    if (value.truth == IS_UNKNOWN) {
        bool can_hold = (uint32_t)__builtin_popcountll(value.possible) >= node->distinct;
        return (struct value){.truth = can_hold ? IS_UNKNOWN : IS_FALSE};
    }
    uint64_t total = value.truth == IS_TRUE ? value.total : 0;
    uint64_t distinct = value.truth == IS_TRUE ? value.distinct : 0;
    bool holds = compare_count(node->op, total, node->count) &&
                 (uint32_t)__builtin_popcountll(distinct) >= node->distinct;
    return (struct value){.truth = holds ? IS_TRUE : IS_FALSE, .total = holds ? total : 0};
}

static struct value value_node(struct evaluation *ev, const struct tree *tree, uint32_t index,
                               bool needs_count, unsigned depth) {
    const struct ov_image_expr *node = &tree->nodes[index];
    if (node->kind == EXPR_SUB) {
        return value_sub(ev, node, needs_count);
    }
    if (depth > DEPTH_MAX) {
        ev->matcher->code.is_damaged = true;
        return (struct value){.truth = IS_FALSE};
    }
    bool is_and = node->kind == EXPR_AND;
    bool is_counted = needs_count || node->op != OP_NONE;
    uint32_t left_index = tree->first[index - 1] - 1u;
    struct value left = value_node(ev, tree, left_index, is_counted, depth + 1);
    if (is_and && left.truth == IS_FALSE) {
        return apply_block(node, left);
    }
    if (!is_and && left.truth == IS_TRUE && !is_counted) {
        return left;
    }
    struct value right = value_node(ev, tree, index - 1, is_counted, depth + 1);
    enum truth decides = is_and ? IS_FALSE : IS_TRUE;
    struct value value = {.total = left.total + right.total,
                          .distinct = left.distinct | right.distinct,
                          .possible = left.possible | right.possible};
    if (left.truth == decides || right.truth == decides) {
        value.truth = decides;
    } else if (left.truth == IS_UNKNOWN || right.truth == IS_UNKNOWN) {
        value.truth = IS_UNKNOWN;
    } else {
        value.truth = is_and ? IS_TRUE : IS_FALSE;
    }
    if (value.truth == IS_FALSE) {
        // What matched in vain does not count outside.
        value.total = value.distinct = value.possible = 0;
    }
    // With a side still unknown the total is not known either.
    if (node->op != OP_NONE && (left.truth == IS_UNKNOWN || right.truth == IS_UNKNOWN) &&
        value.truth != IS_FALSE) {
        value.truth = IS_UNKNOWN;
    }
    return apply_block(node, value);
}

// ---- subsignatures -----------------------------------------------------------------------------

static struct ov_found count_regex(struct evaluation *ev, const struct ov_image_sub *sub) {
    struct ov_code *code = &ev->matcher->code;
    const struct ov_image_regex *regex = ov_code_get(code, sub->extra_at, sizeof *regex);
    if (regex == NULL) {
        return (struct ov_found){0};
    }
    uint64_t nodes_at = (uint64_t)sub->extra_at + sizeof *regex;
    uint64_t text_at = nodes_at + (uint64_t)regex->trigger_count * sizeof(struct ov_image_expr);
    struct tree tree;
    if (text_at > UINT32_MAX || !plan_tree(code, (uint32_t)nodes_at, regex->trigger_count, &tree)) {
        code->is_damaged = true;
        return (struct ov_found){0};
    }
    const uint8_t *text = ov_code_get(code, (uint32_t)text_at, regex->text_bytes);
    if (text == NULL || value_node(ev, &tree, tree.count - 1, false, 0).truth != IS_TRUE) {
        return (struct ov_found){0};
    }
    return ov_regex_search(ev->matcher, sub, regex, ov_span_make(text, regex->text_bytes));
}

static struct ov_found count_compare(struct evaluation *ev, uint32_t number) {
    const struct ov_image_sub *sub = &ev->subs[number];
    const struct ov_image_compare *compare =
        ov_code_get(&ev->matcher->code, sub->extra_at, sizeof *compare);
    if (compare == NULL || sub->extra_at % 8 != 0) {
        ev->matcher->code.is_damaged = true;
        return (struct ov_found){0};
    }
    // Only earlier subsignatures may be referred to, so this ends.
    if (compare->sub >= number) {
        return (struct ov_found){0};
    }
    struct ov_found anchor = count_sub(ev, compare->sub, true);
    if (anchor.count == 0 || !ov_compare_holds(compare, ev->matcher->object->bytes, anchor.last)) {
        return (struct ov_found){0};
    }
    anchor.count = 1;
    return anchor;
}

// Searches only for what neither the filter nor a sweep knows.
static struct ov_found count_body(struct evaluation *ev, const struct ov_image_sub *sub,
                                  uint32_t number, bool is_count) {
    bool is_covered = (sub->flags & OV_SUB_FLAG_COVERED) != 0;
    bool is_seen = (ev->seen >> number & 1) != 0;
    bool is_whole = (sub->flags & OV_SUB_FLAG_WHOLE) != 0;
    if (is_covered && !is_seen) {
        return (struct ov_found){0};
    }
    if (is_covered && is_whole && !is_count) {
        return (struct ov_found){.count = 1,
                                 .first = ev->touched->start,
                                 .end = ev->touched->end,
                                 .last = ev->touched->start};
    }
    const struct ov_swept *swept = ov_sweep_find(ev->matcher, (uint32_t)(sub - ev->matcher->subs));
    if (swept != NULL && !swept->is_present) {
        return (struct ov_found){0};
    }
    if (swept != NULL && is_whole && !is_count) {
        return (struct ov_found){
            .count = 1, .first = swept->start, .end = swept->end, .last = swept->start};
    }
    return ov_sub_search(ev->matcher, sub, is_count);
}

// The picture was looked up before: ov_pictures_touch. It matches as a whole, once.
static struct ov_found count_image_hash(const struct evaluation *ev, uint32_t number) {
    return (struct ov_found){.count = ev->seen >> number & 1,
                             .end = ev->matcher->object->bytes.size};
}

// How often a subsignature matches; searched once for each rule.
static struct ov_found count_sub(struct evaluation *ev, uint32_t number, bool is_count) {
    uint64_t bit = (uint64_t)1 << number;
    if ((ev->is_counted & bit) != 0 || (!is_count && (ev->has_found & bit) != 0)) {
        return ev->found[number];
    }
    const struct ov_image_sub *sub = &ev->subs[number];
    struct ov_found found = {0};
    if (sub->kind == SUB_BODY) {
        found = count_body(ev, sub, number, is_count);
    } else if (sub->kind == SUB_REGEX) {
        is_count = true;
        // Marked before the search: a trigger that leads back here finds no match.
        ev->found[number] = found;
        ev->is_counted |= bit;
        found = count_regex(ev, sub);
    } else if (sub->kind == SUB_COMPARE) {
        is_count = true;
        found = count_compare(ev, number);
    } else if (sub->kind == SUB_IMAGE_HASH) {
        found = count_image_hash(ev, number);
    }
    ev->found[number] = found;
    ev->has_found |= bit;
    ev->is_counted |= is_count || found.count == 0 ? bit : 0;
    return found;
}

// ---- rules -------------------------------------------------------------------------------------

static bool is_within(uint64_t value, uint32_t min, uint32_t max) {
    return value >= min && value <= max;
}

// Whether the object lies in what the rule names, the last of it nearest. clamscan's way: a view is
// a layer in the count at most, and CL_TYPE_ANY is passed over without taking the place of a layer.
static bool is_inside(const struct ov_object *object, const struct ov_image_limits *limits) {
    uint16_t parent = object->container_count > 0 ? object->containers[0] : OV_FILETYPE_ANY;
    if (limits->container != 0 && limits->container != parent) {
        return false;
    }
    if (limits->intermediate_count > object->layer_count) {
        return false;
    }
    uint32_t at = 0;
    for (uint32_t i = limits->intermediate_count; i > 0; i--) {
        uint16_t wanted = limits->intermediates[i - 1];
        if (wanted == OV_FILETYPE_ANY) {
            continue;
        }
        if (at >= object->container_count || object->containers[at] != wanted) {
            return false;
        }
        at++;
    }
    return true;
}

// The conditions of the target description block.
bool ov_rule_meets_limits(struct ov_matcher *matcher, const struct ov_image_rule *rule) {
    const struct ov_object *object = matcher->object;
    if (rule->limits == OV_IMAGE_NONE) {
        return true;
    }
    if (rule->limits >= matcher->limit_count) {
        matcher->code.is_damaged = true;
        return false;
    }
    const struct ov_image_limits *limits = &matcher->limits[rule->limits];
    const struct ov_anchors *anchors = &object->anchors;
    if (limits->intermediate_count > OV_IMAGE_INTERMEDIATES_MAX) {
        matcher->code.is_damaged = true;
        return false;
    }
    if (!is_inside(object, limits)) {
        return false;
    }
    if (!is_within(object->bytes.size, limits->file_size_min, limits->file_size_max)) {
        return false;
    }
    if (limits->has_entry != 0 &&
        !(anchors->has_entry && is_within(anchors->entry, limits->entry_min, limits->entry_max))) {
        return false;
    }
    return limits->has_sections == 0 ||
           is_within(anchors->section_count, limits->sections_min, limits->sections_max);
}

// Whether the object has an icon that the rule asks for: the last that is looked at, because icons
// must be drawn.
static bool has_icon(struct ov_matcher *matcher, const struct ov_image_rule *rule) {
    if (rule->limits >= matcher->limit_count) {
        return true; // asks for nothing
    }
    const struct ov_image_limits *limits = &matcher->limits[rule->limits];
    return limits->needs_icon == 0 || ov_icons_match(matcher, limits->icon_groups);
}

// The first subsignature that was found says where.
static void place_match(const struct evaluation *ev, struct ov_match *ret_match) {
    for (uint32_t i = 0; i < ev->sub_count; i++) {
        if ((ev->has_found >> i & 1) != 0 && ev->found[i].count > 0) {
            ret_match->start = ev->found[i].first;
            ret_match->end = ev->found[i].end;
            return;
        }
    }
}

// Gathers the rule's records. False when a condition fails, or on damage.
static bool open_rule(struct ov_matcher *matcher, const struct ov_touched *touched,
                      struct evaluation *ret_ev) {
    const struct ov_image_rule *rule = &matcher->rules[touched->rule];
    if (!ov_rule_meets_limits(matcher, rule)) {
        return false;
    }
    if (rule->sub_count > OV_IMAGE_SUBS_MAX || rule->sub_first > matcher->sub_count ||
        rule->sub_count > matcher->sub_count - rule->sub_first) {
        matcher->code.is_damaged = true;
        return false;
    }
    ret_ev->matcher = matcher;
    ret_ev->subs = &matcher->subs[rule->sub_first];
    ret_ev->sub_count = rule->sub_count;
    ret_ev->touched = touched;
    ret_ev->seen = touched->seen;
    ret_ev->is_final = false;
    ret_ev->has_found = ret_ev->is_counted = 0;
    return true;
}

static void add_pending(struct ov_matcher *matcher, uint32_t sub) {
    if (matcher->pending_count == matcher->pending_room) {
        uint32_t room = matcher->pending_room == 0 ? 256 : matcher->pending_room * 2;
        uint32_t *grown = realloc(matcher->pending, room * sizeof *grown);
        if (grown == NULL) {
            return; // searched for one by one then
        }
        matcher->pending = grown;
        matcher->pending_room = room;
    }
    matcher->pending[matcher->pending_count++] = sub;
}

bool ov_rule_is_open(struct ov_matcher *matcher, const struct ov_touched *touched) {
    const struct ov_image_rule *rule = &matcher->rules[touched->rule];
    struct evaluation ev;
    if (!open_rule(matcher, touched, &ev)) {
        return false;
    }
    struct tree tree;
    if ((rule->flags & OV_RULE_FLAG_BODY) == 0 &&
        (!plan_tree(&matcher->code, rule->expr_at, rule->expr_count, &tree) ||
         value_node(&ev, &tree, tree.count - 1, false, 0).truth == IS_FALSE)) {
        return false;
    }
    for (uint32_t i = 0; i < ev.sub_count; i++) {
        bool is_covered = (ev.subs[i].flags & OV_SUB_FLAG_COVERED) != 0;
        if (ev.subs[i].kind == SUB_BODY && !is_covered) {
            add_pending(matcher, (uint32_t)(&ev.subs[i] - matcher->subs));
        }
    }
    return true;
}

bool ov_rule_evaluate(struct ov_matcher *matcher, const struct ov_touched *touched,
                      struct ov_match *ret_match) {
    const struct ov_image_rule *rule = &matcher->rules[touched->rule];
    *ret_match = (struct ov_match){.rule = touched->rule};
    struct evaluation ev;
    if (!open_rule(matcher, touched, &ev)) {
        return false;
    }
    ev.is_final = true;
    bool holds;
    if ((rule->flags & OV_RULE_FLAG_BODY) != 0) {
        holds = ev.sub_count == 1 && count_sub(&ev, 0, false).count > 0;
    } else {
        struct tree tree;
        holds = plan_tree(&matcher->code, rule->expr_at, rule->expr_count, &tree) &&
                value_node(&ev, &tree, tree.count - 1, false, 0).truth == IS_TRUE;
    }
    holds = holds && has_icon(matcher, rule);
    if (holds) {
        place_match(&ev, ret_match);
    }
    return holds && !matcher->code.is_damaged;
}
