// SPDX-License-Identifier: Apache-2.0
// Exact matching and searching of one part.
#include "match/part.h"

#include "match/kernels.h"

// ov_class of rules/tree.h as it stands in the code.
enum { CLASS_BOUNDARY, CLASS_LINE, CLASS_WORD };

enum { FLAG_NEGATED = 1, NESTING_MAX = 16, TIME_CHECK_STEPS = 1 << 16 };

const void *ov_code_get(struct ov_code *code, uint32_t at, uint64_t size) {
    if (at % 4 != 0 || at > code->bytes.size || size > code->bytes.size - at) {
        code->is_damaged = true;
        return NULL;
    }
    return code->bytes.data + at;
}

bool ov_part_open(struct ov_code *code, uint32_t at, bool is_wide, struct ov_part *ret_part,
                  uint32_t *ret_next) {
    const struct ov_image_part *head = ov_code_get(code, at, sizeof *head);
    if (head == NULL) {
        return false;
    }
    uint64_t after = (uint64_t)at + sizeof *head;
    const uint8_t *elems = head->elem_bytes % 4 == 0 && after <= UINT32_MAX
                               ? ov_code_get(code, (uint32_t)after, head->elem_bytes)
                               : NULL;
    if (elems == NULL || head->min_bytes > head->max_bytes ||
        after + head->elem_bytes > UINT32_MAX) {
        code->is_damaged = true;
        return false;
    }
    ret_part->head = head;
    ret_part->elems = ov_span_make(elems, head->elem_bytes);
    ret_part->is_wide = is_wide;
    *ret_next = (uint32_t)(after + head->elem_bytes);
    return true;
}

// ---- character classes -------------------------------------------------------------------------

static bool is_alnum(uint8_t byte) {
    uint8_t lower = byte | 0x20;
    return (byte >= '0' && byte <= '9') || (lower >= 'a' && lower <= 'z');
}

static bool is_left_boundary(uint8_t byte) {
    return byte != 0 && strchr(" -./<@_", byte) != NULL;
}

static bool is_right_boundary(uint8_t byte) {
    return byte != 0 && strchr("\n\r \"'-/=>_", byte) != NULL;
}

// Whether an edge holds between `start - 1` and `start`.
static bool holds_left(uint8_t edge, bool is_wide, struct ov_span object, size_t start) {
    bool is_negated = (edge & OV_EDGE_NEGATED) != 0;
    unsigned class = (edge & 0x7fu) - 1;
    bool holds = true;
    if (start > 0) {
        uint8_t before = object.data[start - 1];
        if (class == CLASS_BOUNDARY) {
            holds = is_left_boundary(before);
        } else if (class == CLASS_LINE) {
            holds = before == '\n';
        } else if (is_wide) {
            holds = start < 2 || before != 0 || !is_alnum(object.data[start - 2]);
        } else {
            holds = !is_alnum(before);
        }
    }
    return holds != is_negated;
}

// Whether an edge holds between `end - 1` and `end`.
static bool holds_right(uint8_t edge, bool is_wide, struct ov_span object, size_t end) {
    bool is_negated = (edge & OV_EDGE_NEGATED) != 0;
    unsigned class = (edge & 0x7fu) - 1;
    bool holds = true;
    if (end < object.size) {
        uint8_t after = object.data[end];
        bool has_two = end + 1 < object.size;
        if (class == CLASS_BOUNDARY) {
            holds = is_right_boundary(after);
        } else if (class == CLASS_LINE) {
            holds = after == '\n' || (after == '\r' && has_two && object.data[end + 1] == '\n');
        } else if (is_wide) {
            holds = (has_two && object.data[end + 1] != 0) || !is_alnum(after);
        } else {
            holds = !is_alnum(after);
        }
    }
    return holds != is_negated;
}

// How many bytes a consuming class takes at `at`; 0 when it does not match.
static size_t take_class(const struct ov_image_elem *elem, struct ov_span object, size_t at) {
    if (at >= object.size) {
        return 0;
    }
    uint8_t byte = object.data[at];
    size_t taken = 0;
    if (elem->number == CLASS_BOUNDARY) {
        taken = is_left_boundary(byte) || is_right_boundary(byte) ? 1 : 0;
    } else if (elem->number == CLASS_WORD) {
        taken = is_alnum(byte) ? 0 : 1;
    } else if (byte == '\n') {
        taken = 1;
    } else if (byte == '\r' && at + 1 < object.size && object.data[at + 1] == '\n') {
        taken = 2;
    }
    if ((elem->flags & FLAG_NEGATED) != 0) {
        return taken == 0 ? 1 : 0;
    }
    return taken;
}

// ---- elements ----------------------------------------------------------------------------------

// Whether (object[at + i] & mask[i]) == value[i] for all i.
static bool has_bytes(const uint8_t *value, const uint8_t *mask, size_t size, struct ov_span object,
                      size_t at) {
    if (at > object.size || size > object.size - at) {
        return false;
    }
    const uint8_t *data = object.data + at;
    size_t i = 0;
    for (; i + 8 <= size; i += 8) {
        uint64_t word, want, bits;
        memcpy(&word, data + i, 8);
        memcpy(&want, value + i, 8);
        memcpy(&bits, mask + i, 8);
        if ((word & bits) != want) {
            return false;
        }
    }
    for (; i < size; i++) {
        if ((data[i] & mask[i]) != value[i]) {
            return false;
        }
    }
    return true;
}

static void add_end(struct ov_ends *ends, size_t at) {
    for (uint32_t i = 0; i < ends->count; i++) {
        if (ends->at[i] == at) {
            return;
        }
    }
    if (ends->count < OV_PART_ENDS_MAX) {
        ends->at[ends->count++] = at;
    } else {
        ends->is_cut = true;
    }
}

// One run of elements in the code: what is left of it, and how deep we are in alternatives.
struct run {
    struct ov_code *code;
    struct ov_span elems;
    uint32_t count;
    unsigned depth;
    struct ov_span object;
};

static void match_run(const struct run *run, struct ov_ends *ends);

// Takes `size` bytes (rounded up to 8) off the front of *elems, or NULL and the damage flag.
static const uint8_t *take_code(struct ov_code *code, struct ov_span *elems, uint64_t size) {
    uint64_t padded = (size + 7) / 8 * 8;
    if (padded > elems->size) {
        code->is_damaged = true;
        return NULL;
    }
    const uint8_t *start = elems->data;
    *elems = ov_span_part(*elems, (size_t)padded, elems->size);
    return start;
}

// Whether one alternative, at the front of *body, matches at `at`; adds its ends to *ends.
static bool match_alternative(const struct run *run, struct ov_span *body, size_t at,
                              struct ov_ends *ends) {
    struct ov_image_alt alt;
    const uint8_t *head = take_code(run->code, body, sizeof alt);
    if (head == NULL) {
        return false;
    }
    memcpy(&alt, head, sizeof alt);
    const uint8_t *elems = take_code(run->code, body, alt.elem_bytes);
    if (elems == NULL) {
        return false;
    }
    struct ov_ends reached = {.count = 1, .at = {at}};
    struct run inner = *run;
    inner.elems = ov_span_make(elems, alt.elem_bytes);
    inner.count = alt.elem_count;
    inner.depth = run->depth + 1;
    match_run(&inner, &reached);
    run->code->is_cut = run->code->is_cut || reached.is_cut;
    for (uint32_t i = 0; i < reached.count; i++) {
        add_end(ends, reached.at[i]);
    }
    return reached.count > 0;
}

// The ends that the alternatives of one element reach from `at`. Negated alternatives consume their
// common length, which stands before them, when none of them matches.
static void match_alternatives(const struct run *run, const struct ov_image_elem *elem,
                               struct ov_span body, size_t at, struct ov_ends *ends) {
    bool is_negated = (elem->flags & FLAG_NEGATED) != 0;
    uint32_t length = 0;
    if (is_negated) {
        const uint8_t *head = take_code(run->code, &body, sizeof length);
        if (head == NULL) {
            return;
        }
        memcpy(&length, head, sizeof length);
    }
    struct ov_ends reached = {.count = 0};
    bool has_matched = false;
    for (uint32_t i = 0; i < elem->number && !run->code->is_damaged; i++) {
        has_matched = match_alternative(run, &body, at, &reached) || has_matched;
    }
    if (is_negated) {
        reached.count = 0;
        if (!has_matched && at <= run->object.size && length <= run->object.size - at) {
            add_end(&reached, at + length);
        }
    }
    for (uint32_t i = 0; i < reached.count; i++) {
        add_end(ends, reached.at[i]);
    }
}

// The ends of one element from each of `from`.
static void match_elem(const struct run *run, const struct ov_image_elem *elem, struct ov_span body,
                       const struct ov_ends *from, struct ov_ends *ret_ends) {
    ret_ends->count = 0;
    ret_ends->is_cut = false;
    const uint8_t *value = body.data;
    size_t padded = ((size_t)elem->size + 7) / 8 * 8;
    for (uint32_t i = 0; i < from->count; i++) {
        size_t at = from->at[i];
        if (elem->kind == OV_CODE_BYTES) {
            if (has_bytes(value, value + padded, elem->size, run->object, at)) {
                add_end(ret_ends, at + elem->size);
            }
        } else if (elem->kind == OV_CODE_SET) {
            uint8_t byte = at < run->object.size ? run->object.data[at] : 0;
            if (at < run->object.size && (value[byte / 8] >> byte % 8 & 1) != 0) {
                add_end(ret_ends, at + 1);
            }
        } else if (elem->kind == OV_CODE_CLASS) {
            size_t taken = take_class(elem, run->object, at);
            if (taken > 0) {
                add_end(ret_ends, at + taken);
            }
        } else {
            match_alternatives(run, elem, body, at, ret_ends);
        }
    }
}

// How many bytes of code follow the head of an element.
static uint64_t body_bytes(const struct ov_image_elem *elem) {
    switch (elem->kind) {
    case OV_CODE_BYTES:
        return ((uint64_t)elem->size + 7) / 8 * 8 * 2;
    case OV_CODE_SET:
        return 32;
    case OV_CODE_ALT:
        return elem->size;
    default:
        return 0;
    }
}

// Whether matching may go on; asks the clock now and then.
static bool may_go_on(struct ov_code *code) {
    if (++code->steps % TIME_CHECK_STEPS == 0 && code->budget != NULL &&
        !ov_budget_has_time(code->budget)) {
        code->is_late = true;
    }
    return !code->is_damaged && !code->is_late;
}

// Replaces the places in *ends by those reached after all elements of the run.
static void match_run(const struct run *run, struct ov_ends *ends) {
    struct ov_span elems = run->elems;
    if (run->depth > NESTING_MAX) {
        run->code->is_damaged = true;
    }
    for (uint32_t i = 0; i < run->count && ends->count > 0 && may_go_on(run->code); i++) {
        struct ov_image_elem elem;
        const uint8_t *head = take_code(run->code, &elems, sizeof elem);
        if (head == NULL) {
            break;
        }
        memcpy(&elem, head, sizeof elem);
        bool is_known = elem.kind >= OV_CODE_BYTES && elem.kind <= OV_CODE_CLASS;
        uint64_t size = body_bytes(&elem);
        const uint8_t *body = is_known ? take_code(run->code, &elems, size) : NULL;
        if (body == NULL) {
            run->code->is_damaged = true;
            break;
        }
        struct ov_ends reached;
        match_elem(run, &elem, ov_span_make(body, (size_t)size), ends, &reached);
        run->code->is_cut = run->code->is_cut || reached.is_cut;
        *ends = reached;
    }
    if (run->code->is_damaged || run->code->is_late) {
        ends->count = 0;
    }
}

// ---- parts -------------------------------------------------------------------------------------

// The common case: one literal, no edges.
static bool match_literal(struct ov_code *code, const struct ov_part *part, struct ov_span object,
                          size_t start, struct ov_ends *ret_ends) {
    struct ov_image_elem elem;
    if (part->elems.size < sizeof elem) {
        code->is_damaged = true;
        return false;
    }
    memcpy(&elem, part->elems.data, sizeof elem);
    uint64_t size = body_bytes(&elem);
    if (elem.kind != OV_CODE_BYTES || size > part->elems.size - sizeof elem) {
        code->is_damaged = true;
        return false;
    }
    const uint8_t *value = part->elems.data + sizeof elem;
    if (!has_bytes(value, value + size / 2, elem.size, object, start)) {
        return false;
    }
    ret_ends->count = 1;
    ret_ends->at[0] = start + elem.size;
    return true;
}

// Whether the byte stands within its distances before `start`.
static bool holds_left_outer(const struct ov_image_outer *outer, struct ov_span object,
                             size_t start) {
    for (size_t gap = outer->min; gap <= outer->max && gap < start; gap++) {
        if ((object.data[start - 1 - gap] & outer->mask) == outer->value) {
            return true;
        }
    }
    return false;
}

static bool holds_right_outer(const struct ov_image_outer *outer, struct ov_span object,
                              size_t end) {
    for (size_t gap = outer->min; gap <= outer->max && gap < object.size - end; gap++) {
        if ((object.data[end + gap] & outer->mask) == outer->value) {
            return true;
        }
    }
    return false;
}

// What must hold at one of the part's ends.
static bool holds_end(const struct ov_part *part, struct ov_span object, size_t end) {
    const struct ov_image_part *head = part->head;
    if (head->right_edge != 0 && !holds_right(head->right_edge, part->is_wide, object, end)) {
        return false;
    }
    return (head->flags & OV_PART_RIGHT_OUTER) == 0 || holds_right_outer(&head->right, object, end);
}

bool ov_part_match(struct ov_code *code, const struct ov_part *part, struct ov_span object,
                   size_t start, struct ov_ends *ret_ends) {
    const struct ov_image_part *head = part->head;
    ret_ends->count = 0;
    if (start > object.size || head->min_bytes > object.size - start || code->is_damaged ||
        code->is_late) {
        return false;
    }
    if (head->flags == OV_PART_LITERAL) {
        return match_literal(code, part, object, start, ret_ends);
    }
    if ((head->left_edge != 0 && !holds_left(head->left_edge, part->is_wide, object, start)) ||
        ((head->flags & OV_PART_LEFT_OUTER) != 0 &&
         !holds_left_outer(&head->left, object, start))) {
        return false;
    }
    struct ov_ends ends = {.count = 1, .at = {start}};
    struct run run = {
        .code = code, .elems = part->elems, .count = head->elem_count, .object = object};
    match_run(&run, &ends);
    for (uint32_t i = 0; i < ends.count; i++) {
        if (holds_end(part, object, ends.at[i])) {
            ret_ends->at[ret_ends->count++] = ends.at[i];
        }
    }
    return ret_ends->count > 0;
}

size_t ov_part_find(struct ov_code *code, const struct ov_kernels *kernels,
                    const struct ov_part *part, struct ov_span object, size_t from, size_t last,
                    struct ov_ends *ret_ends) {
    const struct ov_image_part *head = part->head;
    ret_ends->count = 0;
    if (head->min_bytes > object.size) {
        return SIZE_MAX;
    }
    size_t end = object.size - head->min_bytes;
    last = last < end ? last : end;
    struct ov_pair pair = {.at_a = head->anchor_a,
                           .at_b = head->anchor_b,
                           .value_a = head->value_a,
                           .mask_a = head->mask_a,
                           .value_b = head->value_b,
                           .mask_b = head->mask_b};
    bool has_anchor = head->anchor_a < head->min_bytes && head->anchor_b < head->min_bytes;
    while (from <= last && !code->is_damaged && !code->is_late) {
        size_t start = has_anchor ? kernels->pair(&pair, object.data, from, last) : from;
        if (start == SIZE_MAX) {
            break;
        }
        if (ov_part_match(code, part, object, start, ret_ends)) {
            return start;
        }
        from = start + 1;
    }
    return SIZE_MAX;
}
