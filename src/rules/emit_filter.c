// SPDX-License-Identifier: Apache-2.0
// The filters: Bloom words, gram slots, entries, tails, probes and always-lists of each target.
#include "rules/emit_state.h"

#include <stdlib.h>

enum {
    STAGE1_LOG2_MIN = 10, // 4 KB
    STAGE1_LOG2_MAX = 17, // 512 KB: what a second-level cache holds beside the data
    STAGE2_LOG2_MAX = 17, // 1 MB
    SLOT_LOG2_MAX = 28,
};

// A gram of some trigger's window on its way into the tables.
struct gram {
    uint64_t gram; // folded; of class 1 the whole window
    struct ov_image_entry entry;
};

// What is gathered for one target.
struct gather {
    struct ov_emit *emit;
    uint32_t variant;
    struct ov_buf grams[OV_GRAM_CLASSES]; // struct gram
    struct ov_buf tail;                   // uint32_t pattern numbers
    struct ov_buf probes;                 // struct probe_item
    struct ov_image_filter filter;
    struct ov_buf *bloom, *slots, *entries, *tails, *always;
};

struct probe_item {
    struct ov_image_probe place; // without its keys
    struct ov_image_probe_key key;
};

// ---- gathering ---------------------------------------------------------------------------------

// The 8 bytes for the inline check: those in reach of the window that leave the fewest files to
// verify. `shift` is where the gram stands in the window.
static void choose_check(const struct ov_window *window, uint32_t shift, uint32_t gram_bytes,
                         struct ov_image_entry *entry) {
    uint8_t value[24], mask[24];
    memcpy(value, window->before_value, 8);
    memcpy(mask, window->before_mask, 8);
    memcpy(value + 8, window->value, 16);
    memcpy(mask + 8, window->mask, 16);
    int best = -1;
    uint32_t best_at = 8;
    for (uint32_t at = 0; at + 8 <= 24; at++) {
        int score = 0;
        for (uint32_t i = at; i < at + 8; i++) {
            bool is_in_gram = i >= 8 + shift && i < 8 + shift + gram_bytes;
            score += __builtin_popcount(mask[i]) * (is_in_gram ? 1 : 4);
        }
        if (score > best) {
            best = score;
            best_at = at;
        }
    }
    memcpy(&entry->value, value + best_at, 8);
    memcpy(&entry->mask, mask + best_at, 8);
    entry->value &= entry->mask;
    entry->delta = (int16_t)((int)best_at - 8 - (int)shift);
    entry->shift = (uint8_t)shift;
}

static void add_grams(struct gather *gather, const struct ov_emit_pattern *pattern,
                      unsigned number) {
    const struct ov_window *window = &pattern->window;
    uint32_t gram_bytes = number == 0 ? 6 : 4;
    uint32_t shifts = number == 0 ? 4 : 1;
    for (uint32_t shift = 0; shift < shifts; shift++) {
        struct gram item = {.entry = {.trigger = pattern->trigger}};
        memcpy(&item.gram, window->value + shift, gram_bytes);
        item.gram = ov_fold(item.gram);
        choose_check(window, shift, gram_bytes, &item.entry);
        ov_buf_add(&gather->grams[number], &item, sizeof item);
    }
}

static void add_probe(struct gather *gather, const struct ov_emit_pattern *pattern,
                      const struct ov_image_sub *sub) {
    struct probe_item item = {
        .place = {.offset_value = sub->offset_value,
                  .offset_section = sub->offset_section,
                  .offset_kind = sub->offset_kind,
                  .key_delta = pattern->window.probe_delta,
                  .key_mask = UINT32_MAX >> (32 - 8 * pattern->window.probe_bytes)},
        .key = {.trigger = pattern->trigger},
    };
    memcpy(&item.key.key, pattern->window.value, 4);
    item.key.key = (uint32_t)ov_fold(item.key.key) & item.place.key_mask;
    ov_buf_add(&gather->probes, &item, sizeof item);
}

static void add_pattern(struct gather *gather, uint32_t number) {
    const struct ov_emit_pattern *pattern =
        (const struct ov_emit_pattern *)gather->emit->emit_patterns.data + number;
    const struct ov_image_pattern *record =
        (const struct ov_image_pattern *)gather->emit->patterns->data + number;
    if (pattern->trigger == OV_IMAGE_NONE) {
        return;
    }
    gather->filter.trigger_count++;
    switch (pattern->window.kind) {
    case OV_WINDOW_GRAM6:
        add_grams(gather, pattern, 0);
        break;
    case OV_WINDOW_GRAM3:
        add_grams(gather, pattern, 1);
        break;
    case OV_WINDOW_TAIL:
        ov_buf_add_u32le(&gather->tail, number);
        break;
    case OV_WINDOW_PROBE:
        add_probe(gather, pattern,
                  (const struct ov_image_sub *)gather->emit->subs->data + record->sub);
        break;
    case OV_WINDOW_NONE:
        break;
    }
}

static void add_rules(struct gather *gather) {
    struct ov_emit *emit = gather->emit;
    const struct ov_image_rule *rules = (const struct ov_image_rule *)emit->rules->data;
    const struct ov_image_sub *subs = (const struct ov_image_sub *)emit->subs->data;
    uint32_t count = ov_emit_count(emit->rules, sizeof *rules);
    for (uint32_t i = 0; i < count; i++) {
        if (rules[i].target != 0 && rules[i].target != gather->variant) {
            continue;
        }
        if ((rules[i].flags & OV_RULE_FLAG_ALWAYS) != 0) {
            ov_buf_add_u32le(gather->always, i);
        }
        for (uint32_t k = 0; k < rules[i].sub_count; k++) {
            const struct ov_image_sub *sub = &subs[rules[i].sub_first + k];
            for (uint32_t n = 0; n < sub->pattern_count; n++) {
                add_pattern(gather, sub->pattern_first + n);
            }
        }
    }
}

// ---- gram tables -------------------------------------------------------------------------------

static int compare_grams(const void *a, const void *b) {
    const struct gram *left = a, *right = b;
    if (left->gram != right->gram) {
        return left->gram > right->gram ? 1 : -1;
    }
    if (left->entry.trigger != right->entry.trigger) {
        return left->entry.trigger > right->entry.trigger ? 1 : -1;
    }
    return left->entry.shift - right->entry.shift;
}

static uint32_t log2_at_least(uint64_t count, uint32_t min, uint32_t max) {
    uint32_t log2 = min;
    while (log2 < max && (uint64_t)1 << log2 < count) {
        log2++;
    }
    return log2;
}

static void set_word(uint32_t *words, uint32_t log2, uint32_t hash) {
    words[hash >> (32 - log2)] |= ov_gram_bits(hash);
}

static void set_gram(uint32_t *stage1, uint64_t *stage2, const struct ov_image_gram_class *class,
                     uint64_t gram) {
    set_word(stage1, class->stage1_log2, ov_gram_hash6((uint32_t)gram, (uint32_t)(gram >> 16)));
    uint64_t hash = ov_gram_hash(gram);
    stage2[hash >> (64 - class->stage2_log2)] |= ov_gram_bits2(hash);
}

static void set_window(uint32_t *stage1, uint32_t *stage2, const struct ov_image_gram_class *class,
                       uint32_t window) {
    set_word(stage1, class->stage1_log2, ov_gram_hash3(window));
    set_word(stage1, class->stage1_log2, ov_gram_hash3(window >> 8));
    set_word(stage2, class->stage2_log2, ov_gram_hash4(window));
}

// Puts the gram into the slots; false when it would stand too far from its place.
static bool put_slot(struct ov_image_slot *slots, uint32_t log2, uint64_t hash, uint32_t entry) {
    uint32_t mask = ((uint32_t)1 << log2) - 1;
    for (uint32_t i = 0; i < OV_SLOT_PROBES; i++) {
        struct ov_image_slot *slot = &slots[(ov_gram_slot(hash) + i) & mask];
        if (slot->entry == OV_IMAGE_NONE) {
            *slot = (struct ov_image_slot){.check = ov_gram_check(hash), .entry = entry};
            return true;
        }
    }
    return false;
}

// Where each distinct gram's entries begin.
struct run_list {
    uint64_t *hashes;
    uint32_t *entries;
    uint32_t count;
};

static enum ov_status put_slots(struct gather *gather, struct ov_image_gram_class *class,
                                const struct run_list *runs) {
    class->slot_first = ov_emit_count(gather->slots, sizeof(struct ov_image_slot));
    size_t start = gather->slots->size;
    for (uint32_t log2 = log2_at_least((uint64_t)runs->count * 2, 6, SLOT_LOG2_MAX);
         log2 <= SLOT_LOG2_MAX; log2++) {
        size_t bytes = sizeof(struct ov_image_slot) << log2;
        gather->slots->size = start;
        struct ov_image_slot *slots = (void *)ov_buf_extend(gather->slots, bytes);
        if (slots == NULL) {
            return OV_MEMORY;
        }
        memset(slots, 0xff, bytes);
        uint32_t placed = 0;
        while (placed < runs->count &&
               put_slot(slots, log2, runs->hashes[placed], runs->entries[placed])) {
            placed++;
        }
        if (placed == runs->count) {
            class->slot_log2 = log2;
            return OV_OK;
        }
    }
    return OV_LIMIT;
}

// Both Bloom filters of the class.
static enum ov_status put_bloom(struct gather *gather, unsigned number,
                                struct ov_image_gram_class *class, const struct run_list *runs,
                                const struct gram *grams) {
    uint32_t count = runs->count;
    class->stage1_log2 = number == 0 ? log2_at_least(count / 2, STAGE1_LOG2_MIN, STAGE1_LOG2_MAX)
                                     : log2_at_least(count, STAGE1_LOG2_MIN, STAGE1_LOG2_MAX - 4);
    class->stage2_log2 = number == 0 ? log2_at_least(count / 6, 6, STAGE2_LOG2_MAX)
                                     : log2_at_least(count, STAGE1_LOG2_MIN, STAGE2_LOG2_MAX - 2);
    ov_buf_align(gather->bloom, OV_IMAGE_ALIGN);
    class->stage1_at = (uint32_t)gather->bloom->size;
    size_t stage1_bytes = (size_t)4 << class->stage1_log2;
    size_t stage2_bytes = (size_t)(number == 0 ? 8 : 4) << class->stage2_log2;
    class->stage2_at = (uint32_t)(gather->bloom->size + stage1_bytes);
    uint8_t *start = ov_buf_extend(gather->bloom, stage1_bytes + stage2_bytes);
    if (start == NULL) {
        return OV_MEMORY;
    }
    uint32_t *stage1 = (uint32_t *)start;
    void *stage2 = start + stage1_bytes;
    for (uint32_t i = 0; i < runs->count; i++) {
        uint64_t gram = grams[runs->entries[i]].gram;
        if (number == 0) {
            set_gram(stage1, stage2, class, gram);
        } else {
            set_window(stage1, stage2, class, (uint32_t)gram);
        }
    }
    return OV_OK;
}

static enum ov_status put_class(struct gather *gather, unsigned number) {
    struct gram *grams = (struct gram *)gather->grams[number].data;
    uint32_t count = ov_emit_count(&gather->grams[number], sizeof *grams);
    struct ov_image_gram_class *class = &gather->filter.classes[number];
    if (count == 0) {
        return ov_buf_status(&gather->grams[number]);
    }
    qsort(grams, count, sizeof *grams, compare_grams);
    struct run_list runs = {.hashes = calloc(count, sizeof *runs.hashes),
                            .entries = calloc(count, sizeof *runs.entries)};
    enum ov_status status = runs.hashes != NULL && runs.entries != NULL ? OV_OK : OV_MEMORY;
    uint32_t base = ov_emit_count(gather->entries, sizeof(struct ov_image_entry));
    for (uint32_t i = 0; i < count && status == OV_OK; i++) {
        if (i == 0 || grams[i].gram != grams[i - 1].gram) {
            runs.hashes[runs.count] = ov_gram_hash(grams[i].gram);
            runs.entries[runs.count++] = i;
        }
        bool is_last = i + 1 == count || grams[i + 1].gram != grams[i].gram;
        grams[i].entry.flags = is_last ? OV_ENTRY_LAST : 0;
        ov_buf_add(gather->entries, &grams[i].entry, sizeof grams[i].entry);
    }
    class->gram_count = runs.count;
    status = status == OV_OK ? put_bloom(gather, number, class, &runs, grams) : status;
    for (uint32_t i = 0; i < runs.count && status == OV_OK; i++) {
        runs.entries[i] += base;
    }
    status = status == OV_OK ? put_slots(gather, class, &runs) : status;
    free(runs.hashes);
    free(runs.entries);
    return status;
}

// ---- probes ------------------------------------------------------------------------------------

static int compare_probes(const void *a, const void *b) {
    const struct probe_item *left = a, *right = b;
    int order = memcmp(&left->place, &right->place, sizeof left->place);
    if (order != 0) {
        return order;
    }
    if (left->key.key != right->key.key) {
        return left->key.key > right->key.key ? 1 : -1;
    }
    return left->key.trigger > right->key.trigger ? 1 : -1;
}

static enum ov_status put_probes(struct gather *gather) {
    struct probe_item *items = (struct probe_item *)gather->probes.data;
    uint32_t count = ov_emit_count(&gather->probes, sizeof *items);
    TRY(ov_buf_status(&gather->probes));
    struct ov_buf *places =
        ov_image_writer_add(gather->emit->writer, OV_SECTION_PROBES, gather->variant);
    struct ov_buf *keys =
        ov_image_writer_add(gather->emit->writer, OV_SECTION_PROBE_KEYS, gather->variant);
    if (places == NULL || keys == NULL) {
        return OV_LIMIT;
    }
    if (count > 1) {
        qsort(items, count, sizeof *items, compare_probes);
    }
    for (uint32_t i = 0; i < count;) {
        struct ov_image_probe place = items[i].place;
        uint32_t first = i;
        for (; i < count && memcmp(&items[i].place, &items[first].place, sizeof place) == 0; i++) {
            ov_buf_add(keys, &items[i].key, sizeof items[i].key);
        }
        place.key_first = first;
        place.key_count = i - first;
        ov_buf_add(places, &place, sizeof place);
    }
    return OV_OK;
}

// ---- targets -----------------------------------------------------------------------------------

static enum ov_status write_variant(struct gather *gather) {
    struct ov_image_writer *writer = gather->emit->writer;
    struct ov_buf *head = ov_image_writer_add(writer, OV_SECTION_FILTER, gather->variant);
    gather->bloom = ov_image_writer_add(writer, OV_SECTION_FILTER_BLOOM, gather->variant);
    gather->slots = ov_image_writer_add(writer, OV_SECTION_FILTER_SLOTS, gather->variant);
    gather->entries = ov_image_writer_add(writer, OV_SECTION_FILTER_ENTRIES, gather->variant);
    gather->tails = ov_image_writer_add(writer, OV_SECTION_FILTER_TAIL, gather->variant);
    gather->always = ov_image_writer_add(writer, OV_SECTION_ALWAYS, gather->variant);
    if (head == NULL || gather->bloom == NULL || gather->slots == NULL || gather->entries == NULL ||
        gather->tails == NULL || gather->always == NULL) {
        return OV_LIMIT;
    }
    add_rules(gather);
    for (unsigned number = 0; number < OV_GRAM_CLASSES; number++) {
        TRY(put_class(gather, number));
    }
    TRY(ov_emit_tail(gather->emit, &gather->tail, gather->entries, gather->tails,
                     &gather->filter.tail_count));
    TRY(put_probes(gather));
    gather->filter.entry_count = ov_emit_count(gather->entries, sizeof(struct ov_image_entry));
    ov_buf_add(head, &gather->filter, sizeof gather->filter);
    return OV_OK;
}

static enum ov_status emit_variant(struct ov_emit *emit, uint32_t variant) {
    struct gather gather = {.emit = emit, .variant = variant};
    enum ov_status status = write_variant(&gather);
    for (unsigned number = 0; number < OV_GRAM_CLASSES; number++) {
        ov_buf_release(&gather.grams[number]);
    }
    ov_buf_release(&gather.tail);
    ov_buf_release(&gather.probes);
    return status;
}

enum ov_status ov_emit_filters(struct ov_emit *emit) {
    const struct ov_image_rule *rules = (const struct ov_image_rule *)emit->rules->data;
    uint32_t count = ov_emit_count(emit->rules, sizeof *rules);
    struct ov_image_target targets[OV_IMAGE_TARGETS] = {0};
    for (uint32_t i = 0; i < count; i++) {
        targets[rules[i].target % OV_IMAGE_TARGETS].rule_count++;
    }
    for (uint32_t target = 0; target < OV_IMAGE_TARGETS; target++) {
        if (emit->options->progress != NULL) {
            emit->options->progress(emit->options->progress_arg, "building filters",
                                    target * 100 / OV_IMAGE_TARGETS);
        }
        bool has_own = target == 0 || targets[target].rule_count > 0;
        targets[target].filter = has_own ? target : 0;
        if (has_own) {
            TRY(emit_variant(emit, target));
        }
    }
    for (uint32_t target = 1; target < OV_IMAGE_TARGETS; target++) {
        targets[target].rule_count += targets[0].rule_count;
    }
    struct ov_buf *section = ov_image_writer_add(emit->writer, OV_SECTION_TARGETS, 0);
    if (section == NULL) {
        return OV_LIMIT;
    }
    ov_buf_add(section, targets, sizeof targets);
    return OV_OK;
}
