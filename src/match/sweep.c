// SPDX-License-Identifier: Apache-2.0
// The pass for many subsignatures at once.
#include "match/sweep.h"

#include "match/place.h"

#include <stdlib.h>

enum {
    GRAM = 4,
    WORDS_LOG2_MIN = 8,
    WORDS_LOG2_MAX = 16,
    TIME_CHECK_CHUNKS = 64,
};

// A gram of some pattern's first part.
struct seed {
    uint32_t gram; // folded
    uint32_t next; // seed with the same slot, or OV_IMAGE_NONE
    uint32_t pattern;
    uint32_t back; // from the part's start to the gram
    uint32_t item; // index into the results
};

struct ov_sweep {
    struct ov_swept *items;
    uint32_t item_count, item_room;
    struct seed *seeds;
    uint32_t seed_count, seed_room;
    uint32_t words[1 << WORDS_LOG2_MAX]; // stage 1
    uint32_t slots[1 << WORDS_LOG2_MAX]; // first seed of each
};

void ov_sweep_free(struct ov_sweep *sweep) {
    if (sweep != NULL) {
        free(sweep->items);
        free(sweep->seeds);
        free(sweep);
    }
}

// ---- seeds -------------------------------------------------------------------------------------

static bool is_literal(const uint8_t *value, const uint8_t *mask) {
    for (unsigned i = 0; i < GRAM; i++) {
        if (!ov_folds_to_one(value[i], mask[i])) {
            return false;
        }
    }
    return true;
}

// Of the literal grams at a fixed distance from the part's start, the one whose bytes differ most:
// runs of one byte are found all over.
static bool find_gram(const struct ov_part *part, uint32_t *ret_gram, uint32_t *ret_back) {
    struct ov_image_elem elem;
    if (part->elems.size < sizeof elem) {
        return false;
    }
    memcpy(&elem, part->elems.data, sizeof elem);
    uint64_t padded = ((uint64_t)elem.size + 7) / 8 * 8;
    if (elem.kind != OV_CODE_BYTES || sizeof elem + 2 * padded > part->elems.size) {
        return false;
    }
    const uint8_t *value = part->elems.data + sizeof elem;
    const uint8_t *mask = value + padded;
    int best = 0;
    for (uint32_t i = 0; i + GRAM <= elem.size; i++) {
        int distinct = 1 + (value[i + 1] != value[i]) + (value[i + 2] != value[i + 1]) +
                       (value[i + 3] != value[i + 2]) + (value[i] != 0 && value[i + 3] != 0);
        if (distinct > best && is_literal(value + i, mask + i)) {
            best = distinct;
            memcpy(ret_gram, value + i, GRAM);
            *ret_gram = (uint32_t)ov_fold(*ret_gram);
            *ret_back = i;
        }
    }
    return best > 1;
}

// Makes room for one more item of an array that grows by doubling.
static bool grow(void **array, uint32_t count, uint32_t *room, size_t item_bytes) {
    if (count < *room) {
        return true;
    }
    uint32_t wanted = *room == 0 ? 256 : *room * 2;
    void *grown = realloc(*array, wanted * item_bytes);
    if (grown == NULL) {
        return false;
    }
    *array = grown;
    *room = wanted;
    return true;
}

// A seed for each pattern of the subsignature; it is known only if every pattern has one.
static bool add_sub(struct ov_matcher *matcher, uint32_t number) {
    struct ov_sweep *sweep = matcher->sweep;
    const struct ov_image_sub *sub = &matcher->subs[number];
    if (!grow((void **)&sweep->items, sweep->item_count, &sweep->item_room, sizeof *sweep->items)) {
        return false;
    }
    struct ov_swept *item = &sweep->items[sweep->item_count++];
    *item = (struct ov_swept){.sub = number, .is_known = sub->pattern_count > 0};
    if (sub->pattern_first > matcher->pattern_count ||
        sub->pattern_count > matcher->pattern_count - sub->pattern_first) {
        matcher->code.is_damaged = true;
        return false;
    }
    uint32_t first = sweep->seed_count;
    for (uint32_t i = 0; i < sub->pattern_count && item->is_known; i++) {
        const struct ov_image_pattern *pattern = &matcher->patterns[sub->pattern_first + i];
        struct seed seed = {.pattern = sub->pattern_first + i, .item = sweep->item_count - 1};
        struct ov_part part;
        uint32_t next;
        bool is_wide = (pattern->flags & OV_PATTERN_WIDE) != 0;
        item->is_known = ov_part_open(&matcher->code, pattern->code_at, is_wide, &part, &next) &&
                         find_gram(&part, &seed.gram, &seed.back);
        if (!item->is_known) {
            sweep->seed_count = first;
            return true;
        }
        if (!grow((void **)&sweep->seeds, sweep->seed_count, &sweep->seed_room,
                  sizeof *sweep->seeds)) {
            return false;
        }
        sweep->seeds[sweep->seed_count++] = seed;
    }
    return true;
}

// Fills stage 1 and the slots; gives log2 of their number.
static unsigned fill_tables(struct ov_sweep *sweep) {
    unsigned log2 = WORDS_LOG2_MIN;
    while (log2 < WORDS_LOG2_MAX && (uint32_t)1 << log2 < sweep->seed_count * 2) {
        log2++;
    }
    memset(sweep->words, 0, sizeof *sweep->words << log2);
    memset(sweep->slots, 0xff, sizeof *sweep->slots << log2);
    for (uint32_t i = 0; i < sweep->seed_count; i++) {
        uint32_t hash = ov_gram_hash4(sweep->seeds[i].gram);
        sweep->words[hash >> (32 - log2)] |= ov_gram_bits(hash);
        uint32_t *slot = &sweep->slots[hash >> (32 - log2)];
        sweep->seeds[i].next = *slot;
        *slot = i;
    }
    return log2;
}

// ---- the pass ----------------------------------------------------------------------------------

// The gram stands at `at`: does the seed's part, where its offset allows?
static bool try_seed(struct ov_matcher *matcher, const struct seed *seed, size_t at) {
    struct ov_swept *item = &matcher->sweep->items[seed->item];
    const struct ov_image_pattern *pattern = &matcher->patterns[seed->pattern];
    const struct ov_image_sub *sub = &matcher->subs[item->sub];
    if (at < seed->back) {
        return false;
    }
    size_t start = at - seed->back;
    struct ov_part part;
    uint32_t next;
    struct ov_ends ends;
    bool is_wide = (pattern->flags & OV_PATTERN_WIDE) != 0;
    bool needs_place = sub->offset_kind != 0;
    if (!ov_part_open(&matcher->code, pattern->code_at, is_wide, &part, &next) ||
        !ov_part_match(&matcher->code, &part, matcher->object->bytes, start, &ends) ||
        (needs_place && !ov_start_is_allowed(sub, matcher->object, start))) {
        return false;
    }
    if (!item->is_present || start < item->start) {
        item->start = start;
        item->end = ends.at[0];
    }
    item->is_present = true;
    return true;
}

// Tries the seeds of a slot that have this gram. A seed that has matched leaves the slot: it has
// said all that is asked, and crafted files repeat themselves.
static void try_slot(struct ov_matcher *matcher, uint32_t *link, uint32_t gram, size_t at) {
    struct ov_sweep *sweep = matcher->sweep;
    while (*link != OV_IMAGE_NONE) {
        struct seed *seed = &sweep->seeds[*link];
        if (seed->gram == gram && try_seed(matcher, seed, at)) {
            *link = seed->next;
        } else {
            link = &seed->next;
        }
    }
}

static void sweep_chunk(struct ov_matcher *matcher, unsigned log2, const uint8_t *data,
                        uint32_t size, size_t base) {
    struct ov_filter_scratch *scratch = matcher->scratch;
    uint32_t count = matcher->kernels->grams[OV_GRAMS_4_BY_1](matcher->sweep->words, log2, data,
                                                              size, scratch->at);
    for (uint32_t i = 0; i < count && scratch->at[i] < size; i++) {
        uint32_t gram;
        memcpy(&gram, data + scratch->at[i], sizeof gram);
        gram = (uint32_t)ov_fold(gram);
        uint32_t hash = ov_gram_hash4(gram);
        try_slot(matcher, &matcher->sweep->slots[hash >> (32 - log2)], gram, base + scratch->at[i]);
    }
}

static void sweep_object(struct ov_matcher *matcher, unsigned log2) {
    struct ov_span object = matcher->object->bytes;
    uint32_t chunks = 0;
    for (size_t at = 0; at < object.size; chunks++) {
        struct ov_chunk chunk = ov_chunk_take(object, at, matcher->scratch);
        sweep_chunk(matcher, log2, chunk.data, chunk.size, at);
        at += chunk.size;
        if (chunks % TIME_CHECK_CHUNKS == TIME_CHECK_CHUNKS - 1 && !ov_matcher_has_time(matcher)) {
            return;
        }
    }
}

bool ov_sweep_run(struct ov_matcher *matcher, const uint32_t *subs, uint32_t count) {
    if (matcher->sweep == NULL) {
        matcher->sweep = calloc(1, sizeof *matcher->sweep);
    }
    if (matcher->sweep == NULL) {
        return false;
    }
    matcher->sweep->item_count = 0;
    matcher->sweep->seed_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!add_sub(matcher, subs[i])) {
            matcher->sweep->item_count = 0;
            return false;
        }
    }
    sweep_object(matcher, fill_tables(matcher->sweep));
    return true;
}

const struct ov_swept *ov_sweep_find(const struct ov_matcher *matcher, uint32_t sub) {
    uint32_t low = 0, high = matcher->sweep != NULL ? matcher->sweep->item_count : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct ov_swept *item = &matcher->sweep->items[middle];
        if (item->sub == sub) {
            return item->is_known ? item : NULL;
        }
        if (item->sub < sub) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

void ov_sweep_reset(struct ov_matcher *matcher) {
    if (matcher->sweep != NULL) {
        matcher->sweep->item_count = 0;
    }
}
