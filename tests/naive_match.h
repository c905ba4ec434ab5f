// SPDX-License-Identifier: Apache-2.0
//
// The matcher's naive twin: byte by byte over the rule tree, with no filter and no image.
//
// It shares no code with match/. Objects must be small. Known are body subsignatures with
// offsets that need no headers, classes without the wide variant, counts, and expressions.
#pragma once

#include "rules/tree.h"

#include <stdlib.h>

static bool naive_is_alnum(uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Whether a class accepts the byte at `at`; outside the object an edge always holds.
static bool naive_class(const struct ov_elem *e, struct ov_span o, size_t at, bool is_left) {
    uint8_t c = o.data[at];
    bool is_newline = c == '\n' || (c == '\r' && at + 1 < o.size && o.data[at + 1] == '\n');
    switch (e->class) {
    case OV_CLASS_BOUNDARY:
        return c != 0 && strchr(is_left ? " -./<@_" : "\n\r \"'-/=>_", c) != NULL;
    case OV_CLASS_LINE:
        return is_left ? c == '\n' : is_newline;
    default:
        return !naive_is_alnum(c);
    }
}

// Marks in `ends` (size + 1 flags) every place that the elements may reach from `at`. Returns
// whether there is one.
static bool naive_walk(const struct ov_elem *e, uint32_t n, struct ov_span o, size_t at,
                       bool is_first, bool *ends) {
    if (n == 0 || e->kind == OV_ELEM_GAP) {
        ends[at] = true;
        return true;
    }
    if (e->kind == OV_ELEM_BYTES) {
        for (uint32_t i = 0; i < e->size; i++) {
            if (at + i >= o.size || (o.data[at + i] & e->mask[i]) != e->value[i]) {
                return false;
            }
        }
        return naive_walk(e + 1, n - 1, o, at + e->size, false, ends);
    }
    bool has_end = false;
    if (e->kind == OV_ELEM_CLASS && e->is_edge) {
        bool is_outside = is_first ? at == 0 : at == o.size;
        if (is_outside != e->is_negated ||
            (!is_outside && naive_class(e, o, is_first ? at - 1 : at, is_first))) {
            has_end = naive_walk(e + 1, n - 1, o, at, false, ends);
        }
    } else if (e->kind == OV_ELEM_ALT) {
        bool *reached = calloc(o.size + 1, sizeof *reached);
        bool has_any = false;
        size_t length = 0;
        for (uint32_t i = 0; i < e->alt_count; i++) {
            has_any |= naive_walk(e->alts[i].elems, e->alts[i].count, o, at, false, reached);
        }
        for (uint32_t i = 0; i < e->alts[0].count; i++) {
            length += e->alts[0].elems[i].size; // of a negated choice, whose parts are bytes
        }
        for (size_t i = at; i <= o.size; i++) {
            if (e->is_negated ? !has_any && i == at + length : reached[i]) {
                has_end |= naive_walk(e + 1, n - 1, o, i, false, ends);
            }
        }
        free(reached);
    }
    return has_end;
}

static bool naive_offset(const struct ov_offset *offset, size_t size, size_t at) {
    if (offset->kind == OV_OFFSET_ANY) {
        return true;
    }
    int64_t first = offset->kind == OV_OFFSET_EOF ? (int64_t)size - offset->value : offset->value;
    return first >= 0 && (int64_t)at >= first && (int64_t)at <= first + offset->shift;
}

// How often a pattern matches: starts of its last part that the parts before allow.
static uint32_t naive_count(const struct ov_pattern *p, const struct ov_offset *offset,
                            struct ov_span o) {
    bool *starts = calloc(o.size + 1, 1), *ends = calloc(o.size + 1, 1);
    bool *mine = calloc(o.size + 1, 1); // none set, but while a start is looked at
    uint32_t count = 0;
    for (size_t i = 0; i <= o.size; i++) {
        starts[i] = naive_offset(offset, o.size, i);
    }
    for (uint32_t from = 0; from < p->seq.count;) {
        uint32_t to = from;
        while (to < p->seq.count && p->seq.elems[to].kind != OV_ELEM_GAP) {
            to++;
        }
        memset(ends, 0, o.size + 1);
        count = 0;
        for (size_t i = 0; i <= o.size; i++) {
            if (starts[i]) {
                bool has_any = naive_walk(p->seq.elems + from, to - from, o, i, true, mine);
                for (size_t k = i; has_any && k <= o.size; k++) {
                    ends[k] = ends[k] || mine[k];
                    mine[k] = false;
                }
                count += has_any;
            }
        }
        memset(starts, 0, o.size + 1);
        for (size_t k = 0; to < p->seq.count && k <= o.size; k++) {
            uint64_t last = (uint64_t)k + p->seq.elems[to].max;
            for (uint64_t s = (uint64_t)k + p->seq.elems[to].min;
                 ends[k] && s <= o.size && s <= last; s++) {
                starts[s] = true;
            }
        }
        from = to + 1;
    }
    free(starts);
    free(ends);
    free(mine);
    return count;
}

struct naive_value {
    bool holds;
    uint64_t total, subs; // matches below, and which subsignatures have any
};

static bool naive_compare(enum ov_compare_op op, uint64_t total, uint32_t count) {
    return op == OV_COMPARE_NONE ? total > 0
           : op == OV_COMPARE_EQ ? total == count
           : op == OV_COMPARE_GT ? total > count
                                 : total < count;
}

static struct naive_value naive_expr(const struct ov_expr *e, const uint32_t *counts) {
    if (e->kind == OV_EXPR_SUB) {
        bool holds = naive_compare(e->op, counts[e->sub], e->count);
        return (struct naive_value){holds, holds ? counts[e->sub] : 0,
                                    holds && counts[e->sub] > 0 ? (uint64_t)1 << e->sub : 0};
    }
    struct naive_value left = naive_expr(e->left, counts), right = naive_expr(e->right, counts);
    struct naive_value v = {e->kind == OV_EXPR_AND ? left.holds && right.holds
                                                   : left.holds || right.holds,
                            left.total + right.total, left.subs | right.subs};
    if (e->op != OV_COMPARE_NONE) {
        v.total = v.holds ? v.total : 0;
        v.subs = v.holds ? v.subs : 0;
        v.holds = naive_compare(e->op, v.total, e->count) &&
                  (uint32_t)__builtin_popcountll(v.subs) >= e->distinct;
        v.total = v.holds ? v.total : 0;
        v.subs = 0;
    }
    return v;
}

static bool naive_rule_matches(const struct ov_rule *rule, struct ov_span object) {
    uint32_t counts[64] = {0};
    for (uint32_t i = 0; i < rule->sub_count; i++) {
        for (uint32_t k = 0; k < rule->subs[i].pattern_count; k++) {
            counts[i] += naive_count(&rule->subs[i].patterns[k], &rule->subs[i].offset, object);
        }
    }
    return rule->kind == OV_RULE_BODY ? counts[0] > 0 : naive_expr(rule->expr, counts).holds;
}
