// SPDX-License-Identifier: Apache-2.0
// When clamscan would notice a match.
//
// It stops at the first detection, so which of several matching rules it names depends on how its
// tables were filled. A plain pattern goes into the first free block of its own bytes, whichever
// that is when the pattern is loaded, and is noticed there. Of any other part two or three literal
// bytes go into a tree, and the part is noticed where they end; a pattern of several parts is
// noticed with its last.
#include "rules/emit_state.h"

enum { BLOCK = 3, DEPTH_MIN = 2, DEPTH_MAX = 3 };

static unsigned hash_block(const uint8_t *bytes) {
    return (211u * bytes[0] + 37u * bytes[1] + bytes[2]) % OV_PLAIN_BLOCKS;
}

static uint32_t place_plain(const struct ov_elem *literal, bool *is_used) {
    uint32_t place = 0;
    if (literal->size < BLOCK) {
        return 0;
    }
    for (uint32_t i = 0; i + BLOCK <= literal->size; i++) {
        if (!is_used[hash_block(literal->value + i)]) {
            place = i;
            break;
        }
    }
    is_used[hash_block(literal->value + place)] = true;
    return place;
}

// ---- the path of a part in the tree ------------------------------------------------------------

// A part as clamscan stores it: bytes, and one cell for each choice or class.
struct cells {
    const struct ov_elem *elems;
    uint32_t count;
    uint32_t length; // cells
};

static bool is_edge(const struct ov_elem *elem) {
    return elem->kind == OV_ELEM_CLASS && elem->is_edge;
}

static uint32_t count_cells(const struct ov_elem *elem) {
    return elem->kind == OV_ELEM_BYTES ? elem->size : is_edge(elem) ? 0 : 1;
}

// The cells from `at` on that are literal bytes, at most DEPTH_MAX of them.
static uint32_t read_literals(const struct cells *cells, uint32_t at,
                              uint8_t ret_bytes[DEPTH_MAX]) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < cells->count && count < DEPTH_MAX; i++) {
        const struct ov_elem *elem = &cells->elems[i];
        uint32_t size = count_cells(elem);
        if (at >= size) {
            at -= size;
            continue;
        }
        if (elem->kind != OV_ELEM_BYTES) {
            return count;
        }
        for (; at < size && count < DEPTH_MAX; at++) {
            if (elem->mask[at] != 0xff && elem->mask[at] != 0xdf) {
                return count;
            }
            ret_bytes[count++] = elem->value[at];
        }
        at = 0;
    }
    return count;
}

// Where the path begins, in cells. Bytes at the very beginning are taken if none is a wildcard and
// not all are zero. Else the first three literal bytes whose first two are not zero; failing that,
// the last of the longest that there are, of which two that are not zero are preferred.
static uint32_t place_path(const struct cells *cells) {
    uint8_t bytes[DEPTH_MAX] = {0};
    uint32_t wanted = cells->length < DEPTH_MAX ? cells->length : DEPTH_MAX;
    uint32_t count = read_literals(cells, 0, bytes);
    uint32_t all = (uint32_t)bytes[0] | (count > 1 ? bytes[1] : 0) | (count > 2 ? bytes[2] : 0);
    if (count == wanted && all != 0) {
        return 0;
    }
    uint32_t best = 0, best_at = 0, other = 0, other_at = 0;
    bool is_zero = true;
    for (uint32_t at = 0; at + DEPTH_MIN <= cells->length; at++) {
        count = read_literals(cells, at, bytes);
        if (count == 0 || count < best) {
            continue;
        }
        best = count;
        best_at = at;
        is_zero = bytes[0] == 0 && (count < 2 || bytes[1] == 0);
        if (!is_zero && count == DEPTH_MAX) {
            return at;
        }
        if (!is_zero && count >= DEPTH_MIN && count > other) {
            other = count;
            other_at = at;
        }
    }
    return is_zero && other != 0 ? other_at : best_at;
}

// The bytes that `count` cells from `at` on may take.
static struct ov_emit_length measure_cells(const struct cells *cells, uint32_t at, uint32_t count) {
    struct ov_emit_length sum = {0, 0};
    for (uint32_t i = 0; i < cells->count && count > 0; i++) {
        const struct ov_elem *elem = &cells->elems[i];
        uint32_t size = count_cells(elem);
        uint32_t from = at < size ? at : size;
        uint32_t taken = size - from < count ? size - from : count;
        at -= from;
        count -= taken;
        if (taken > 0) {
            bool is_bytes = elem->kind == OV_ELEM_BYTES;
            struct ov_emit_length one = ov_emit_measure(elem);
            sum.min += is_bytes ? taken : one.min;
            sum.max += is_bytes ? taken : one.max;
        }
    }
    return sum;
}

void ov_emit_path(const struct ov_elem *elems, uint32_t count, struct ov_emit_part *ret_part) {
    struct cells cells = {.elems = elems, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        cells.length += count_cells(&elems[i]);
    }
    uint32_t at = place_path(&cells);
    ret_part->depth = (uint8_t)read_literals(&cells, at, ret_part->path);
    struct ov_emit_length front = measure_cells(&cells, 0, at + ret_part->depth);
    struct ov_emit_length back = measure_cells(&cells, at + ret_part->depth, cells.length);
    ret_part->cell_count = cells.length;
    ret_part->front = (uint32_t)front.min;
    ret_part->back = (uint32_t)back.min;
    ret_part->is_from_end = front.min != front.max && back.min == back.max;
}

// ---- rules -------------------------------------------------------------------------------------

void ov_emit_notice(struct ov_emit *emit, const struct ov_rule *rule,
                    struct ov_image_rule *record) {
    const struct ov_sub *sub = &rule->subs[0];
    if (rule->kind != OV_RULE_BODY || sub->kind != OV_SUB_BODY) {
        return;
    }
    if ((record->flags & OV_RULE_FLAG_PLAIN) != 0) {
        record->notice =
            place_plain(&sub->patterns[0].seq.elems[0], emit->plain->is_used[rule->target & 1]);
        return;
    }
    uint32_t count = ov_emit_count(&emit->parts, sizeof(struct ov_emit_part));
    if (count == 0 || emit->parts.has_failed) {
        return;
    }
    struct ov_emit_part *last = &((struct ov_emit_part *)emit->parts.data)[count - 1];
    last->is_telling = true;
    record->notice = last->front;
    if (last->number > 0 || last->is_from_end) {
        record->flags |= OV_RULE_FLAG_LATE;
        record->notice = last->back;
    }
}
