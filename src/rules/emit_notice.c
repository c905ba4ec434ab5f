// SPDX-License-Identifier: Apache-2.0
// When clamscan would notice a match.
//
// It stops at the first detection, so which of several matching rules it names depends on how its
// tables were filled: a plain pattern goes into the first free block of its own bytes, whichever
// that is when the pattern is loaded, and is noticed there; others are noticed at the first three
// bytes without wildcards.
#include "rules/emit_state.h"

enum { BLOCK = 3, DEPTH = 3 };

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

// The first bytes of the part that are literal and not all zero. `elems` begins the part.
static uint32_t place_static(const struct ov_elem *elems, uint32_t count) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < count && elems[i].kind != OV_ELEM_GAP; i++) {
        const struct ov_elem *elem = &elems[i];
        for (uint32_t k = 0; elem->kind == OV_ELEM_BYTES && k + DEPTH <= elem->size; k++) {
            const uint8_t *mask = elem->mask + k, *value = elem->value + k;
            bool is_literal = mask[0] == 0xff && mask[1] == 0xff && mask[2] == 0xff;
            if (is_literal && (value[0] | value[1] | value[2]) != 0) {
                return at + k;
            }
        }
        at += (uint32_t)ov_emit_measure(elem).min;
    }
    return 0;
}

void ov_emit_notice(const struct ov_rule *rule, struct ov_emit_plain *plain,
                    struct ov_image_rule *record) {
    const struct ov_sub *sub = &rule->subs[0];
    if (rule->kind != OV_RULE_BODY || sub->kind != OV_SUB_BODY) {
        return;
    }
    const struct ov_seq *seq = &sub->patterns[0].seq;
    if ((record->flags & OV_RULE_FLAG_PLAIN) != 0) {
        record->notice = place_plain(&seq->elems[0], plain->is_used[rule->target & 1]);
        return;
    }
    uint32_t last = 0;
    for (uint32_t i = 0; i < seq->count; i++) {
        bool is_gap = seq->elems[i].kind == OV_ELEM_GAP && !seq->elems[i].is_outer;
        last = is_gap ? i + 1 : last;
    }
    record->notice = place_static(&seq->elems[last], seq->count - last);
    if (last > 0) {
        uint64_t length = 0;
        for (uint32_t i = last; i < seq->count; i++) {
            length += ov_emit_measure(&seq->elems[i]).min;
        }
        record->flags |= OV_RULE_FLAG_LATE;
        record->notice = (uint32_t)length - record->notice;
    }
}
