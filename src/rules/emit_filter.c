// SPDX-License-Identifier: Apache-2.0
// The filters: Bloom words, gram slots, entries, tails, probes and always-lists of each target.
#include "rules/emit_state.h"

#include <math.h>
#include <stdlib.h>

enum {
    STAGE1_LOG2_MIN = 10, // 4 KB
    STAGE1_LOG2_MAX = 17, // 512 KB: what a second-level cache holds beside the data
    STAGE2_LOG2_MAX = 17, // 1 MB
    SLOT_LOG2_MAX = 28,
    TAIL_TRIED_MAX = 512, // windows
};

// Cycles for each byte of data, roughly, as in emit_tail.c: class 2, whatever is in it; a key of
// classes 0 and 1, as far as it makes others pass; a key that stands.
static const double THREES_COST = 0.5, KEY_COST = 7e-7, KEY_FOUND_COST = 40;

enum { SIXES, FOURS, THREES }; // the gram classes

// A gram of some trigger's window on its way into the tables.
struct gram {
    uint64_t gram; // folded; of class 2 the whole window
    struct ov_image_entry entry;
};

// What is gathered for one target.
struct gather {
    struct ov_emit *emit;
    uint32_t variant;
    struct ov_buf grams[OV_GRAM_CLASSES]; // struct gram
    struct ov_buf open;                   // uint32_t numbers of patterns of class 2 or the tail
    struct ov_buf tail;                   // struct ov_emit_tail_item
    struct ov_buf probes;                 // struct probe_item
    struct ov_image_filter filter;
    struct ov_buf *bloom, *slots, *entries, *tails, *always;
};

struct probe_item {
    struct ov_image_probe place; // without its keys
    struct ov_image_probe_key key;
};

// ---- gathering ---------------------------------------------------------------------------------

// Adds a key of a window; one with a hole once for each byte that may stand there.
static void add_gram(struct gather *gather, unsigned number, const struct ov_window_gram *gram,
                     uint32_t trigger) {
    struct gram item = {.entry = {.value = gram->value,
                                  .mask = gram->mask,
                                  .trigger = trigger,
                                  .delta = gram->delta,
                                  .shift = gram->shift}};
    memcpy(&item.gram, gram->bytes, gram->size);
    if (gram->hole == OV_NO_HOLE) {
        ov_buf_add(&gather->grams[number], &item, sizeof item);
        return;
    }
    uint64_t known = item.gram;
    for (unsigned byte = 0; byte < 256; byte++) {
        item.gram = known | (uint64_t)byte << 8 * gram->hole;
        if (ov_fold(item.gram) == item.gram) {
            ov_buf_add(&gather->grams[number], &item, sizeof item);
        }
    }
}

static void add_keys(struct gather *gather, const struct ov_window *window, uint32_t trigger) {
    for (unsigned i = 0; i < 4; i++) {
        const struct ov_window_gram *gram = &window->grams[i];
        add_gram(gather, gram->size == 6 ? SIXES : FOURS, gram, trigger);
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
    case OV_WINDOW_SIXES:
        add_keys(gather, &pattern->window, pattern->trigger);
        break;
    case OV_WINDOW_THREES:
    case OV_WINDOW_TAIL:
        ov_buf_add_u32le(&gather->open, number);
        break;
    case OV_WINDOW_PROBE:
        add_probe(gather, pattern,
                  (const struct ov_image_sub *)gather->emit->subs->data + record->sub);
        break;
    default:
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

// ---- class 1 or class 2 ------------------------------------------------------------------------

static struct ov_emit_fours *find_fours(struct gather *gather, uint32_t number) {
    struct ov_emit *emit = gather->emit;
    const struct ov_emit_pattern *pattern =
        (const struct ov_emit_pattern *)emit->emit_patterns.data + number;
    return pattern->fours != OV_IMAGE_NONE
               ? (struct ov_emit_fours *)emit->fours.data + pattern->fours
               : NULL;
}

// The other window of a pattern has a trigger of its own, as it stands elsewhere.
static uint32_t need_trigger(struct gather *gather, struct ov_emit_fours *fours, uint32_t number) {
    struct ov_emit *emit = gather->emit;
    if (fours->trigger == OV_IMAGE_NONE) {
        struct ov_image_trigger trigger = {.pattern = number,
                                           .part_at = fours->window.part_at,
                                           .back_min = (uint16_t)fours->window.back_min,
                                           .back_max = (uint16_t)fours->window.back_max};
        fours->trigger = ov_emit_count(emit->triggers, sizeof trigger);
        ov_buf_add(emit->triggers, &trigger, sizeof trigger);
    }
    return fours->trigger;
}

// One of the two ways in which a filter can take the open patterns: with class 1 and no class 2, or
// with class 2 and no class 1. Dry, it only lists what would go to the tail and sums up the rest.
struct plan {
    bool has_fours;
    double cost; // cycles for each byte of data
    struct ov_buf tail;
};

static void list_tail(struct gather *gather, struct plan *plan) {
    const uint32_t *numbers = (const uint32_t *)gather->open.data;
    for (uint32_t i = 0; i < ov_emit_count(&gather->open, sizeof *numbers); i++) {
        const struct ov_emit_pattern *pattern =
            (const struct ov_emit_pattern *)gather->emit->emit_patterns.data + numbers[i];
        const struct ov_emit_fours *fours = plan->has_fours ? find_fours(gather, numbers[i]) : NULL;
        const struct ov_window *window = fours != NULL ? &fours->window : &pattern->window;
        struct ov_emit_tail_item item = {window, pattern->trigger, numbers[i]};
        if (window->kind == OV_WINDOW_TAIL) {
            ov_buf_add(&plan->tail, &item, sizeof item);
            continue;
        }
        plan->cost += window->frequency * KEY_FOUND_COST;
        for (unsigned k = 0; k < 4 && window->kind == OV_WINDOW_FOURS; k++) {
            plan->cost += (window->grams[k].hole == OV_NO_HOLE ? 1 : 230) * KEY_COST;
        }
    }
}

static enum ov_status measure_plan(struct gather *gather, struct plan *plan) {
    double tail = 0;
    list_tail(gather, plan);
    TRY(ov_buf_status(&plan->tail));
    uint32_t open_count = ov_emit_count(&gather->open, sizeof(uint32_t));
    uint32_t tail_count = ov_emit_count(&plan->tail, sizeof(struct ov_emit_tail_item));
    if (plan->has_fours) {
        plan->cost += ov_emit_count(&gather->grams[SIXES], sizeof(struct gram)) * KEY_COST;
    } else if (tail_count < open_count) {
        plan->cost += THREES_COST;
    }
    if (plan->has_fours && tail_count > TAIL_TRIED_MAX) {
        plan->cost = INFINITY; // no tail serves so many well: not worth the time to find out
        return OV_OK;
    }
    TRY(ov_emit_tail_cost(&plan->tail, &tail));
    plan->cost += tail;
    return OV_OK;
}

static void add_open(struct gather *gather, bool has_fours) {
    const uint32_t *numbers = (const uint32_t *)gather->open.data;
    for (uint32_t i = 0; i < ov_emit_count(&gather->open, sizeof *numbers); i++) {
        const struct ov_emit_pattern *pattern =
            (const struct ov_emit_pattern *)gather->emit->emit_patterns.data + numbers[i];
        struct ov_emit_fours *fours = has_fours ? find_fours(gather, numbers[i]) : NULL;
        const struct ov_window *window = fours != NULL ? &fours->window : &pattern->window;
        uint32_t trigger =
            fours != NULL ? need_trigger(gather, fours, numbers[i]) : pattern->trigger;
        struct ov_emit_tail_item item = {window, trigger, numbers[i]};
        if (window->kind == OV_WINDOW_FOURS) {
            add_keys(gather, window, trigger);
        } else if (window->kind == OV_WINDOW_THREES) {
            add_gram(gather, THREES, &window->grams[0], trigger);
        } else {
            ov_buf_add(&gather->tail, &item, sizeof item);
        }
    }
}

// Takes the cheaper way.
static enum ov_status settle_open(struct gather *gather) {
    struct plan threes = {.has_fours = false}, fours = {.has_fours = true};
    TRY(ov_buf_status(&gather->open));
    enum ov_status status = measure_plan(gather, &threes);
    if (status == OV_OK) {
        status = measure_plan(gather, &fours);
    }
    if (status == OV_OK) {
        add_open(gather, fours.cost < threes.cost);
    }
    ov_buf_release(&threes.tail);
    ov_buf_release(&fours.tail);
    return status;
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

// Where a filter has class 1, the first four bytes of a gram of six choose its word.
static void set_six(uint32_t *words, uint32_t log2, bool has_fours, uint64_t gram) {
    uint32_t low = (uint32_t)gram, high = (uint32_t)(gram >> 16);
    if (has_fours) {
        words[ov_gram_hash4(low) >> (32 - log2)] |= ov_gram_bits6(low, high);
    } else {
        set_word(words, log2, ov_gram_hash6(low, high));
    }
}

static void set_stage1(uint32_t *words, uint32_t log2, unsigned number, uint64_t gram) {
    uint32_t four = (uint32_t)gram;
    if (number == FOURS) {
        set_word(words, log2, ov_gram_hash4(four));
    } else {
        set_word(words, log2, ov_gram_hash3(four));
        set_word(words, log2, ov_gram_hash3(four >> 8));
    }
}

static void set_stage2(void *words, uint32_t log2, unsigned number, uint64_t gram) {
    if (number == THREES) {
        set_word(words, log2, ov_gram_hash4((uint32_t)gram));
    } else {
        uint64_t hash = ov_gram_hash(gram);
        ((uint64_t *)words)[hash >> (64 - log2)] |= ov_gram_bits2(hash);
    }
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

// The distinct grams of a class, and where the entries of each begin.
struct run_list {
    uint64_t *grams;
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
               put_slot(slots, log2, ov_gram_hash(runs->grams[placed]), runs->entries[placed])) {
            placed++;
        }
        if (placed == runs->count) {
            class->slot_log2 = log2;
            return OV_OK;
        }
    }
    return OV_LIMIT;
}

// Appends 1 << log2 words of a Bloom filter; gives where they begin in the section.
static enum ov_status put_words(struct gather *gather, size_t word_bytes, uint32_t log2,
                                uint32_t *ret_at) {
    ov_buf_align(gather->bloom, OV_IMAGE_ALIGN);
    *ret_at = (uint32_t)gather->bloom->size;
    return ov_buf_extend(gather->bloom, word_bytes << log2) != NULL ? OV_OK : OV_MEMORY;
}

// Stage 1 of the classes from `first` to `last`, which share it.
static enum ov_status put_stage1(struct gather *gather, const struct run_list *runs, unsigned first,
                                 unsigned last) {
    struct ov_image_gram_class *classes = gather->filter.classes;
    uint32_t log2, at;
    if (first == THREES) {
        log2 = log2_at_least(runs[THREES].count, STAGE1_LOG2_MIN, STAGE1_LOG2_MAX - 4);
    } else {
        // Where the first four bytes choose the word, more keys share one.
        uint64_t count = (uint64_t)runs[SIXES].count + runs[FOURS].count;
        uint64_t words = runs[FOURS].count > 0 ? count * 11 / 20 : count / 2;
        log2 = log2_at_least(words, STAGE1_LOG2_MIN, STAGE1_LOG2_MAX);
    }
    TRY(put_words(gather, 4, log2, &at));
    for (unsigned number = first; number <= last; number++) {
        if (runs[number].count == 0) {
            continue;
        }
        classes[number].stage1_at = at;
        classes[number].stage1_log2 = log2;
        for (uint32_t i = 0; i < runs[number].count; i++) {
            uint32_t *words = (uint32_t *)(gather->bloom->data + at);
            if (number == SIXES) {
                set_six(words, log2, runs[FOURS].count > 0, runs[number].grams[i]);
            } else {
                set_stage1(words, log2, number, runs[number].grams[i]);
            }
        }
    }
    return OV_OK;
}

static enum ov_status put_stage2(struct gather *gather, const struct run_list *runs,
                                 unsigned number) {
    struct ov_image_gram_class *class = &gather->filter.classes[number];
    class->stage2_log2 = number == THREES
                             ? log2_at_least(runs->count, STAGE1_LOG2_MIN, STAGE2_LOG2_MAX - 2)
                             : log2_at_least(runs->count / 6, 6, STAGE2_LOG2_MAX);
    TRY(put_words(gather, number == THREES ? 4 : 8, class->stage2_log2, &class->stage2_at));
    for (uint32_t i = 0; i < runs->count; i++) {
        set_stage2(gather->bloom->data + class->stage2_at, class->stage2_log2, number,
                   runs->grams[i]);
    }
    return OV_OK;
}

// Sorts the grams of a class and writes their entries.
static enum ov_status put_entries(struct gather *gather, unsigned number,
                                  struct run_list *ret_runs) {
    struct gram *grams = (struct gram *)gather->grams[number].data;
    uint32_t count = ov_emit_count(&gather->grams[number], sizeof *grams);
    TRY(ov_buf_status(&gather->grams[number]));
    if (count == 0) {
        return OV_OK;
    }
    qsort(grams, count, sizeof *grams, compare_grams);
    ret_runs->grams = calloc(count, sizeof *ret_runs->grams);
    ret_runs->entries = calloc(count, sizeof *ret_runs->entries);
    if (ret_runs->grams == NULL || ret_runs->entries == NULL) {
        return OV_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || grams[i].gram != grams[i - 1].gram) {
            ret_runs->grams[ret_runs->count] = grams[i].gram;
            ret_runs->entries[ret_runs->count++] =
                ov_emit_count(gather->entries, sizeof(struct ov_image_entry));
        }
        bool is_last = i + 1 == count || grams[i + 1].gram != grams[i].gram;
        grams[i].entry.flags = is_last ? OV_ENTRY_LAST : 0;
        ov_buf_add(gather->entries, &grams[i].entry, sizeof grams[i].entry);
    }
    gather->filter.classes[number].gram_count = ret_runs->count;
    return OV_OK;
}

static enum ov_status fill_classes(struct gather *gather, struct run_list runs[OV_GRAM_CLASSES]) {
    for (unsigned number = 0; number < OV_GRAM_CLASSES; number++) {
        TRY(put_entries(gather, number, &runs[number]));
    }
    if (runs[SIXES].count + runs[FOURS].count > 0) {
        TRY(put_stage1(gather, runs, SIXES, FOURS));
    }
    if (runs[THREES].count > 0) {
        TRY(put_stage1(gather, runs, THREES, THREES));
    }
    for (unsigned number = 0; number < OV_GRAM_CLASSES; number++) {
        if (runs[number].count > 0) {
            TRY(put_stage2(gather, &runs[number], number));
            TRY(put_slots(gather, &gather->filter.classes[number], &runs[number]));
        }
    }
    return OV_OK;
}

static enum ov_status put_classes(struct gather *gather) {
    struct run_list runs[OV_GRAM_CLASSES] = {0};
    enum ov_status status = fill_classes(gather, runs);
    for (unsigned number = 0; number < OV_GRAM_CLASSES; number++) {
        free(runs[number].grams);
        free(runs[number].entries);
    }
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
    TRY(settle_open(gather));
    TRY(put_classes(gather));
    TRY(ov_emit_tail(&gather->tail, gather->entries, gather->tails, &gather->filter.tail_count));
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
    ov_buf_release(&gather.open);
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
