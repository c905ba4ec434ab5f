// SPDX-License-Identifier: Apache-2.0
// Rules, subsignatures, patterns and expressions as image records.
#include "rules/emit_state.h"

#include "rules/grams.h"

// ---- elements ----------------------------------------------------------------------------------

// Whether the ALT is a choice of single bytes, negated or not; the set goes to `ret_bitmap`.
static bool make_set(const struct ov_elem *elem, uint8_t ret_bitmap[32]) {
    memset(ret_bitmap, 0, 32);
    for (uint32_t i = 0; i < elem->alt_count; i++) {
        const struct ov_seq *seq = &elem->alts[i];
        if (seq->count != 1 || seq->elems[0].kind != OV_ELEM_BYTES || seq->elems[0].size != 1) {
            return false;
        }
        for (unsigned byte = 0; byte < 256; byte++) {
            if ((byte & seq->elems[0].mask[0]) == seq->elems[0].value[0]) {
                ret_bitmap[byte / 8] |= (uint8_t)(1u << byte % 8);
            }
        }
    }
    for (unsigned i = 0; i < 32 && elem->is_negated; i++) {
        ret_bitmap[i] = (uint8_t)~ret_bitmap[i];
    }
    return true;
}

static struct ov_emit_length measure_seq(const struct ov_elem *elems, uint32_t count);

bool ov_emit_set_has(const struct ov_elem *set, uint8_t byte) {
    for (uint32_t i = 0; i < set->alt_count; i++) {
        const struct ov_elem *one = &set->alts[i].elems[0];
        if ((byte & one->mask[0]) == one->value[0]) {
            return !set->is_negated;
        }
    }
    return set->is_negated;
}

struct ov_emit_length ov_emit_measure(const struct ov_elem *elem) {
    if (elem->kind == OV_ELEM_BYTES) {
        return (struct ov_emit_length){elem->size, elem->size};
    }
    if (elem->kind == OV_ELEM_CLASS) {
        bool may_be_two = elem->class == OV_CLASS_LINE && !elem->is_negated;
        return elem->is_edge ? (struct ov_emit_length){0, 0}
                             : (struct ov_emit_length){1, may_be_two ? 2 : 1};
    }
    if (elem->kind == OV_ELEM_GAP) {
        return (struct ov_emit_length){0, 0}; // between parts, no part's own
    }
    struct ov_emit_length length = {UINT64_MAX, 0};
    for (uint32_t i = 0; i < elem->alt_count; i++) {
        struct ov_emit_length alt = measure_seq(elem->alts[i].elems, elem->alts[i].count);
        length.min = alt.min < length.min ? alt.min : length.min;
        length.max = alt.max > length.max ? alt.max : length.max;
    }
    return length;
}

static struct ov_emit_length measure_seq(const struct ov_elem *elems, uint32_t count) {
    struct ov_emit_length sum = {0, 0};
    for (uint32_t i = 0; i < count; i++) {
        struct ov_emit_length one = ov_emit_measure(&elems[i]);
        sum.min += one.min;
        sum.max += one.max;
    }
    return sum;
}

static void put_elems(struct ov_buf *code, const struct ov_elem *elems, uint32_t count,
                      uint32_t *ret_count);

static void put_padded(struct ov_buf *code, const uint8_t *bytes, size_t size) {
    ov_buf_add(code, bytes, size);
    (void)ov_buf_extend(code, (8 - size % 8) % 8);
}

// Alternatives; their size is known only after they have been written.
static void put_alternatives(struct ov_buf *code, const struct ov_elem *elem) {
    struct ov_image_elem head = {
        .kind = OV_CODE_ALT, .flags = elem->is_negated, .number = (uint16_t)elem->alt_count};
    size_t head_at = code->size;
    ov_buf_add(code, &head, sizeof head);
    if (elem->is_negated) {
        ov_buf_add_u64le(code, measure_seq(elem->alts[0].elems, elem->alts[0].count).min);
    }
    for (uint32_t i = 0; i < elem->alt_count; i++) {
        size_t alt_at = code->size;
        struct ov_image_alt alt = {0};
        ov_buf_add(code, &alt, sizeof alt);
        put_elems(code, elem->alts[i].elems, elem->alts[i].count, &alt.elem_count);
        if (!code->has_failed) {
            alt.elem_bytes = (uint32_t)(code->size - alt_at - sizeof alt);
            memcpy(code->data + alt_at, &alt, sizeof alt);
        }
    }
    if (!code->has_failed) {
        head.size = (uint32_t)(code->size - head_at - sizeof head);
        memcpy(code->data + head_at, &head, sizeof head);
    }
}

static void put_elem(struct ov_buf *code, const struct ov_elem *elem) {
    struct ov_image_elem head = {0};
    uint8_t bitmap[32];
    if (elem->kind == OV_ELEM_BYTES) {
        head.kind = OV_CODE_BYTES;
        head.size = elem->size;
        ov_buf_add(code, &head, sizeof head);
        put_padded(code, elem->value, elem->size);
        put_padded(code, elem->mask, elem->size);
    } else if (elem->kind == OV_ELEM_CLASS) {
        head.kind = OV_CODE_CLASS;
        head.flags = elem->is_negated;
        head.number = (uint16_t)elem->class;
        ov_buf_add(code, &head, sizeof head);
    } else if (make_set(elem, bitmap)) {
        head.kind = OV_CODE_SET;
        head.size = 1;
        ov_buf_add(code, &head, sizeof head);
        ov_buf_add(code, bitmap, sizeof bitmap);
    } else {
        put_alternatives(code, elem);
    }
}

static void put_elems(struct ov_buf *code, const struct ov_elem *elems, uint32_t count,
                      uint32_t *ret_count) {
    *ret_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (elems[i].kind != OV_ELEM_CLASS || !elems[i].is_edge) {
            put_elem(code, &elems[i]);
            (*ret_count)++;
        }
    }
}

// ---- parts -------------------------------------------------------------------------------------

static uint8_t make_edge(const struct ov_elem *elem) {
    if (elem->kind != OV_ELEM_CLASS || !elem->is_edge) {
        return 0;
    }
    return (uint8_t)((elem->class + 1) | (elem->is_negated ? OV_EDGE_NEGATED : 0));
}

// The two rarest bytes at a fixed distance from the part's start: what a search looks for.
static void choose_anchors(const struct ov_elem *elems, uint32_t count,
                           struct ov_image_part *part) {
    double best[2] = {1e9, 1e9};
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct ov_emit_length length = ov_emit_measure(&elems[i]);
        for (uint32_t k = 0; elems[i].kind == OV_ELEM_BYTES && k < elems[i].size; k++) {
            uint8_t value = elems[i].value[k], mask = elems[i].mask[k];
            double frequency = mask == 0xff ? ov_byte_frequency(value)
                               : mask == 0xdf
                                   ? ov_byte_frequency(value) + ov_byte_frequency(value | 0x20)
                                   : 1.0 / (1 << __builtin_popcount(mask));
            if (mask == 0) {
                continue;
            }
            if (frequency < best[0]) {
                best[1] = best[0];
                part->anchor_b = part->anchor_a;
                part->value_b = part->value_a;
                part->mask_b = part->mask_a;
                best[0] = frequency;
                part->anchor_a = at + k;
                part->value_a = value;
                part->mask_a = mask;
            } else if (frequency < best[1]) {
                best[1] = frequency;
                part->anchor_b = at + k;
                part->value_b = value;
                part->mask_b = mask;
            }
        }
        if (length.min != length.max) {
            break;
        }
        at += (uint32_t)length.min;
    }
    if (part->anchor_b == OV_PART_NO_ANCHOR) {
        part->anchor_b = part->anchor_a;
        part->value_b = part->value_a;
        part->mask_b = part->mask_a;
    }
}

// One part of a pattern as it stands in the tree, without the gaps around it.
struct part_view {
    const struct ov_elem *elems;
    uint32_t count;
    const struct ov_elem *gap;                    // before it, or NULL
    const struct ov_elem *left_gap, *left_byte;   // `xx[a-b]REST`, or NULL
    const struct ov_elem *right_gap, *right_byte; // `REST[a-b]xx`, or NULL
};

static struct ov_image_outer make_outer(const struct ov_elem *gap, const struct ov_elem *byte) {
    return (struct ov_image_outer){.value = byte->value[0],
                                   .mask = byte->mask[0],
                                   .min = (uint8_t)gap->min,
                                   .max = (uint8_t)gap->max};
}

// The elements from *at up to the next gap; *at is moved behind them.
static struct part_view take_run(const struct ov_seq *seq, uint32_t *at) {
    struct part_view view = {.elems = &seq->elems[*at]};
    while (*at < seq->count && seq->elems[*at].kind != OV_ELEM_GAP) {
        (*at)++;
        view.count++;
    }
    return view;
}

static bool is_outer_at(const struct ov_seq *seq, uint32_t at) {
    return at + 1 < seq->count && seq->elems[at].kind == OV_ELEM_GAP && seq->elems[at].is_outer;
}

static bool is_single_byte(const struct part_view *view) {
    return view->count == 1 && view->elems[0].kind == OV_ELEM_BYTES && view->elems[0].size == 1;
}

// The next part of the sequence from *at on, which stands at the part's first element.
static struct part_view take_part(const struct ov_seq *seq, uint32_t *at) {
    struct part_view view = take_run(seq, at);
    if (is_outer_at(seq, *at) && is_single_byte(&view)) {
        const struct ov_elem *byte = view.elems;
        const struct ov_elem *gap = &seq->elems[(*at)++];
        view = take_run(seq, at);
        view.left_gap = gap;
        view.left_byte = byte;
    }
    if (is_outer_at(seq, *at)) {
        view.right_gap = &seq->elems[*at];
        view.right_byte = &seq->elems[*at + 1];
        *at += 2;
    }
    return view;
}

// Writes one part.
static enum ov_status put_part(struct ov_emit *emit, const struct part_view *view) {
    struct ov_buf *code = emit->code;
    const struct ov_elem *elems = view->elems;
    struct ov_emit_length length = measure_seq(elems, view->count);
    if (length.max > UINT16_MAX * 64u || code->size > UINT32_MAX / 2) {
        return OV_LIMIT;
    }
    struct ov_image_part part = {
        .gap_min = view->gap != NULL ? view->gap->min : 0,
        .gap_max = view->gap != NULL ? view->gap->max : 0,
        .min_bytes = (uint32_t)length.min,
        .max_bytes = (uint32_t)length.max,
        .anchor_a = OV_PART_NO_ANCHOR,
        .anchor_b = OV_PART_NO_ANCHOR,
        .left_edge = make_edge(&elems[0]),
        .right_edge = view->count > 1 ? make_edge(&elems[view->count - 1]) : 0,
    };
    choose_anchors(elems, view->count, &part);
    size_t part_at = code->size;
    ov_buf_add(code, &part, sizeof part);
    put_elems(code, elems, view->count, &part.elem_count);
    if (view->count == 1 && elems[0].kind == OV_ELEM_BYTES) {
        part.flags = OV_PART_LITERAL;
    }
    if (view->left_gap != NULL) {
        part.flags |= OV_PART_LEFT_OUTER;
        part.left = make_outer(view->left_gap, view->left_byte);
    }
    if (view->right_gap != NULL) {
        part.flags |= OV_PART_RIGHT_OUTER;
        part.right = make_outer(view->right_gap, view->right_byte);
    }
    TRY(ov_buf_status(code));
    part.elem_bytes = (uint32_t)(code->size - part_at - sizeof part);
    memcpy(code->data + part_at, &part, sizeof part);
    return OV_OK;
}

// Notes the part for the order in which clamscan tells of rules.
static void note_part(struct ov_emit *emit, const struct part_view *view, uint32_t code_at,
                      uint32_t number) {
    if (emit->is_plain) {
        return;
    }
    struct ov_emit_part part = {.code_at = code_at,
                                .rule = ov_emit_count(emit->rules, sizeof(struct ov_image_rule)),
                                .number = (uint16_t)number,
                                .target = (uint8_t)emit->rule->target};
    ov_emit_path(view->elems, view->count, &part);
    ov_emit_place_part(emit->places, emit->rule, &part);
    ov_buf_add(&emit->parts, &part, sizeof part);
}

static void put_offers(struct ov_emit *emit, const struct ov_offers *offers) {
    struct ov_emit_pattern pattern = {
        .window = offers->window, .trigger = OV_IMAGE_NONE, .fours = OV_IMAGE_NONE};
    struct ov_emit_fours other = {.window = offers->fours, .trigger = OV_IMAGE_NONE};
    bool is_open = offers->window.kind == OV_WINDOW_THREES || offers->window.kind == OV_WINDOW_TAIL;
    if (is_open && offers->fours.kind != OV_WINDOW_NONE &&
        offers->fours.kind != offers->window.kind) {
        pattern.fours = ov_emit_count(&emit->fours, sizeof other);
        ov_buf_add(&emit->fours, &other, sizeof other);
    }
    ov_buf_add(&emit->emit_patterns, &pattern, sizeof pattern);
}

static enum ov_status put_pattern(struct ov_emit *emit, const struct ov_sub *sub,
                                  const struct ov_pattern *pattern, uint32_t sub_number) {
    struct ov_image_pattern record = {.sub = sub_number,
                                      .code_at = (uint32_t)emit->code->size,
                                      .flags = pattern->is_wide ? OV_PATTERN_WIDE : 0};
    static struct ov_offers offers; // a build is single-threaded
    offers = (struct ov_offers){0};
    const struct ov_elem *gap = NULL;
    uint32_t at = 0;
    while (at < pattern->seq.count) {
        struct part_view view = take_part(&pattern->seq, &at);
        if (view.count == 0 || record.part_count == UINT16_MAX) {
            return OV_INVALID;
        }
        view.gap = gap;
        uint32_t part_at = (uint32_t)emit->code->size;
        TRY(put_part(emit, &view));
        bool is_only = record.part_count == 0 && at == pattern->seq.count;
        note_part(emit, &view, part_at, is_only ? 0 : record.part_count + 1u);
        ov_emit_window(view.elems, view.count, part_at, &sub->offset, record.part_count == 0,
                       &offers);
        gap = at < pattern->seq.count ? &pattern->seq.elems[at++] : NULL;
        uint32_t bytes = (uint32_t)measure_seq(view.elems, view.count).max;
        emit->window_overlap = bytes > emit->window_overlap ? bytes : emit->window_overlap;
        record.part_count++;
    }
    ov_buf_add(emit->patterns, &record, sizeof record);
    put_offers(emit, &offers);
    return OV_OK;
}

// ---- expressions and subsignatures -------------------------------------------------------------

static void put_expr(struct ov_buf *code, const struct ov_expr *expr, uint32_t *count) {
    if (expr->kind != OV_EXPR_SUB) {
        put_expr(code, expr->left, count);
        put_expr(code, expr->right, count);
    }
    struct ov_image_expr node = {.kind = (uint8_t)expr->kind,
                                 .op = (uint8_t)expr->op,
                                 .sub = (uint16_t)expr->sub,
                                 .count = expr->count,
                                 .distinct = expr->distinct};
    ov_buf_add(code, &node, sizeof node);
    (*count)++;
}

static uint32_t align_code(struct ov_buf *code) {
    ov_buf_align(code, 8);
    return (uint32_t)code->size;
}

static void put_regex(struct ov_emit *emit, const struct ov_sub *sub, struct ov_image_sub *record) {
    struct ov_image_regex head = {.flags = sub->regex_flags,
                                  .text_bytes = (uint32_t)sub->regex.size,
                                  .number = emit->regex_count++};
    record->extra_at = align_code(emit->code);
    ov_buf_add(emit->code, &head, sizeof head);
    put_expr(emit->code, sub->trigger, &head.trigger_count);
    ov_buf_add(emit->code, sub->regex.data, sub->regex.size);
    if (!emit->code->has_failed) {
        memcpy(emit->code->data + record->extra_at, &head, sizeof head);
        record->extra_bytes = (uint32_t)(emit->code->size - record->extra_at);
    }
    (void)align_code(emit->code);
}

static void put_compare(struct ov_emit *emit, const struct ov_sub *sub,
                        struct ov_image_sub *record) {
    const struct ov_byte_compare *from = &sub->compare;
    struct ov_image_compare compare = {
        .sub = from->sub,
        .base = (uint8_t)from->base,
        .flags = (uint8_t)((from->is_big_endian ? 1 : 0) | (from->is_exact ? 2 : 0)),
        .count = (uint8_t)from->count,
        .op = {(uint8_t)from->op[0], (uint8_t)from->op[1]},
        .bytes = from->size,
        .offset = from->offset,
        .value = {from->value[0], from->value[1]},
    };
    record->extra_at = align_code(emit->code);
    record->extra_bytes = sizeof compare;
    ov_buf_add(emit->code, &compare, sizeof compare);
}

static bool has_gap(const struct ov_pattern *pattern) {
    for (uint32_t i = 0; i < pattern->seq.count; i++) {
        if (pattern->seq.elems[i].kind == OV_ELEM_GAP && !pattern->seq.elems[i].is_outer) {
            return true;
        }
    }
    return false;
}

static enum ov_status put_sub(struct ov_emit *emit, const struct ov_sub *sub, uint32_t rule,
                              uint32_t number) {
    struct ov_image_sub record = {
        .rule = rule,
        .kind = (uint8_t)sub->kind,
        .offset_kind = (uint8_t)sub->offset.kind,
        .number = (uint8_t)number,
        .pattern_first = ov_emit_count(emit->patterns, sizeof(struct ov_image_pattern)),
        .offset_value = sub->offset.value,
        .offset_section = sub->offset.section,
        .offset_shift = sub->offset.shift,
    };
    uint32_t sub_number = ov_emit_count(emit->subs, sizeof record);
    if (sub->kind == OV_SUB_BODY) {
        record.pattern_count = sub->pattern_count;
        (void)align_code(emit->code);
        record.flags = OV_SUB_FLAG_WHOLE;
        for (uint32_t i = 0; i < sub->pattern_count; i++) {
            TRY(put_pattern(emit, sub, &sub->patterns[i], sub_number));
            record.flags &= has_gap(&sub->patterns[i]) ? 0 : OV_SUB_FLAG_WHOLE;
        }
    } else if (sub->kind == OV_SUB_REGEX) {
        put_regex(emit, sub, &record);
    } else if (sub->kind == OV_SUB_COMPARE) {
        put_compare(emit, sub, &record);
    } else if (sub->kind == OV_SUB_IMAGE_HASH) {
        struct ov_image_picture picture = {.hash = sub->image_hash, .sub = sub_number};
        ov_buf_add(emit->pictures, &picture, sizeof picture);
        record.flags = OV_SUB_FLAG_COVERED; // the lookup of a picture's hash is its trigger
    }
    ov_buf_add(emit->subs, &record, sizeof record);
    return OV_OK;
}

// ---- rules -------------------------------------------------------------------------------------

// clamscan matches plain patterns of target 0 with Boyer-Moore, before all others, and those of
// target 1 that stand at one place.
static bool is_plain(const struct ov_rule *rule) {
    const struct ov_sub *sub = &rule->subs[0];
    bool is_placed = sub->offset.kind != OV_OFFSET_ANY && sub->offset.shift == 0;
    if (sub->offset.kind == OV_OFFSET_VERSION || sub->offset.kind == OV_OFFSET_GROUP) {
        return false;
    }
    return rule->kind == OV_RULE_BODY && (rule->target == 0 || (rule->target == 1 && is_placed)) &&
           sub->kind == OV_SUB_BODY && sub->pattern_count == 1 &&
           memchr(sub->source.data, '?', sub->source.size) == NULL &&
           memchr(sub->source.data, '*', sub->source.size) == NULL &&
           memchr(sub->source.data, '{', sub->source.size) == NULL &&
           memchr(sub->source.data, '[', sub->source.size) == NULL &&
           memchr(sub->source.data, '(', sub->source.size) == NULL;
}

static uint8_t make_flags(const struct ov_rule *rule) {
    unsigned flags =
        (rule->is_official ? OV_RULE_FLAG_OFFICIAL : 0u) | (rule->is_pua ? OV_RULE_FLAG_PUA : 0u);
    if (rule->kind == OV_RULE_METADATA || rule->kind == OV_RULE_CERTIFICATE) {
        return (uint8_t)(flags | OV_RULE_FLAG_METADATA);
    }
    return (uint8_t)(flags | (rule->kind == OV_RULE_BODY ? OV_RULE_FLAG_BODY : 0u) |
                     (is_plain(rule) ? OV_RULE_FLAG_PLAIN : 0u));
}

enum ov_status ov_emit_rule(struct ov_emit *emit, const struct ov_rule *rule) {
    uint32_t number = ov_emit_count(emit->rules, sizeof(struct ov_image_rule));
    struct ov_image_rule record = {
        .flags = make_flags(rule),
        .target = (uint8_t)rule->target,
        .sub_count = (uint16_t)rule->sub_count,
        .sub_first = ov_emit_count(emit->subs, sizeof(struct ov_image_sub)),
        .limits = ov_emit_limits(emit, rule),
    };
    emit->rule = rule;
    emit->is_plain = (record.flags & OV_RULE_FLAG_PLAIN) != 0;
    if (emit->is_plain) {
        ov_emit_place_plain(emit->places, rule);
    }
    for (uint32_t i = 0; i < rule->sub_count; i++) {
        TRY(put_sub(emit, &rule->subs[i], number, i));
    }
    if (rule->kind == OV_RULE_LOGICAL) {
        record.expr_at = align_code(emit->code);
        put_expr(emit->code, rule->expr, &record.expr_count);
    }
    if (rule->kind == OV_RULE_METADATA) {
        ov_emit_metadata(emit, rule, number);
    } else if (rule->kind == OV_RULE_CERTIFICATE) {
        ov_emit_certificate(emit, rule, number);
    } else {
        ov_emit_notice(emit, rule, &record);
    }
    ov_buf_add(emit->rules, &record, sizeof record);
    return OV_OK;
}
