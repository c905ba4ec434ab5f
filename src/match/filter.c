// SPDX-License-Identifier: Apache-2.0
// The pass over an object: kernels, then second Bloom filter, hash table and inline check.
#include "match/filter.h"

enum { TIME_CHECK_BYTES = 1 << 20 };

// ---- opening -----------------------------------------------------------------------------------

// Whether [at, at + bytes) lies in a section of `size` bytes.
static bool fits(uint64_t at, uint64_t bytes, uint64_t size) {
    return at <= size && bytes <= size - at;
}

enum { SIXES, FOURS, THREES }; // the gram classes

static enum ov_status open_class(struct ov_filter *filter, unsigned number, struct ov_span bloom) {
    const struct ov_image_gram_class *gram = &filter->head->classes[number];
    if (gram->gram_count == 0) {
        return OV_OK;
    }
    uint64_t word_bytes = number == THREES ? 4 : 8;
    bool is_sound = gram->stage1_log2 >= 1 && gram->stage1_log2 <= 22 && gram->stage2_log2 >= 1 &&
                    gram->stage2_log2 <= 26 && gram->slot_log2 <= 30 && gram->stage1_at % 8 == 0 &&
                    gram->stage2_at % 8 == 0 &&
                    fits(gram->stage1_at, (uint64_t)4 << gram->stage1_log2, bloom.size) &&
                    fits(gram->stage2_at, word_bytes << gram->stage2_log2, bloom.size) &&
                    fits(gram->slot_first, (uint64_t)1 << gram->slot_log2, filter->slot_count);
    if (!is_sound) {
        return OV_DAMAGED;
    }
    const uint32_t *stage1 = (const void *)(bloom.data + gram->stage1_at);
    filter->stage2[number] = bloom.data + gram->stage2_at;
    if (number == THREES) {
        filter->threes = stage1;
        filter->threes_log2 = gram->stage1_log2;
        return OV_OK;
    }
    bool is_shared = filter->fours == NULL ||
                     (filter->fours == stage1 && filter->fours_log2 == gram->stage1_log2);
    filter->fours = stage1;
    filter->fours_log2 = gram->stage1_log2;
    return is_shared ? OV_OK : OV_DAMAGED;
}

enum ov_status ov_filter_open(const struct ov_image *image, uint32_t variant,
                              struct ov_filter *ret_filter) {
    static const struct ov_image_filter empty;
    struct ov_filter filter = {.head = &empty};
    uint32_t count;
    const struct ov_image_filter *head =
        ov_image_array(image, OV_SECTION_FILTER, variant, sizeof *head, &count);
    if (count == 0) {
        *ret_filter = filter;
        return OV_OK;
    }
    filter.head = head;
    filter.slots = ov_image_array(image, OV_SECTION_FILTER_SLOTS, variant, sizeof *filter.slots,
                                  &filter.slot_count);
    filter.entries = ov_image_array(image, OV_SECTION_FILTER_ENTRIES, variant,
                                    sizeof *filter.entries, &filter.entry_count);
    filter.tails = ov_image_array(image, OV_SECTION_FILTER_TAIL, variant, sizeof *filter.tails,
                                  &filter.tail_count);
    if (head->tail_count != filter.tail_count || filter.tail_count > OV_FILTER_TAILS_MAX) {
        return OV_DAMAGED;
    }
    struct ov_span bloom = ov_image_section(image, OV_SECTION_FILTER_BLOOM, variant);
    for (unsigned number = 0; number < OV_GRAM_CLASSES; number++) {
        TRY(open_class(&filter, number, bloom));
    }
    *ret_filter = filter;
    return OV_OK;
}

// ---- running -----------------------------------------------------------------------------------

struct ov_chunk ov_chunk_take(struct ov_span object, size_t at, struct ov_filter_scratch *scratch) {
    size_t left = object.size - at;
    struct ov_chunk chunk = {.data = object.data + at, .size = OV_CHUNK_BYTES};
    if (left < OV_CHUNK_BYTES + OV_FILTER_SLACK) {
        chunk.size = (uint32_t)(left < OV_CHUNK_BYTES ? left : OV_CHUNK_BYTES);
        uint8_t *edge = scratch->edge + OV_FILTER_SLACK;
        edge[-1] = at > 0 ? chunk.data[-1] : 0;
        memcpy(edge, chunk.data, left);
        memset(edge + left, 0, 2 * OV_FILTER_SLACK);
        chunk.data = edge;
    }
    return chunk;
}

// A chunk and where it begins in the object.
struct chunk {
    const uint8_t *data;
    uint32_t size;
    size_t base;
};

// Whether the entry's 8 inline bytes stand at their place. What would reach outside the object is
// let through: the exact match has the last word.
static bool passes_inline(const struct ov_image_entry *entry, struct ov_span object, size_t gram) {
    size_t at = gram + (size_t)(ptrdiff_t)entry->delta; // wraps below zero: caught by the bound
    if (object.size < 8 || at > object.size - 8) {
        return true;
    }
    uint64_t word;
    memcpy(&word, object.data + at, sizeof word);
    return (word & entry->mask) == entry->value;
}

// Tells the sink of every entry from `first` on that may stand at `gram`. Returns whether all of
// their triggers are done with.
static bool offer_entries(const struct ov_filter_run *run, uint32_t first, size_t gram) {
    const struct ov_filter *filter = run->filter;
    bool are_done = true;
    for (uint32_t i = first; i < filter->entry_count; i++) {
        const struct ov_image_entry *entry = &filter->entries[i];
        bool is_done = false;
        size_t window = gram - (size_t)(ptrdiff_t)entry->shift; // wraps below zero
        if ((entry->shift <= 0 || window < gram) && passes_inline(entry, run->object, gram)) {
            is_done = run->sink(run->sink_arg, entry->trigger, window);
        }
        are_done = are_done && is_done;
        if ((entry->flags & OV_ENTRY_LAST) != 0) {
            break;
        }
    }
    return are_done;
}

static uint64_t load_key(const uint8_t *data, unsigned number) {
    uint64_t key; // the bytes behind it are there, and cut off: one load is faster than two
    memcpy(&key, data, sizeof key);
    return ov_fold(key & UINT64_MAX >> (number == SIXES ? 16 : 32));
}

// Keeps the grams of class 0 or 1 that pass stage 2; their hashes go to scratch->hashes.
static uint32_t keep_grams(const struct ov_filter_run *run, unsigned number,
                           const struct chunk *chunk, uint32_t count) {
    struct ov_filter_scratch *scratch = run->scratch;
    uint32_t shift = 64 - run->filter->head->classes[number].stage2_log2;
    const uint64_t *words = (const void *)run->filter->stage2[number];
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hash = ov_gram_hash(load_key(chunk->data + scratch->at[i], number));
        scratch->hashes[i] = hash;
        __builtin_prefetch(&words[hash >> shift]);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t hash = scratch->hashes[i];
        uint64_t bits = ov_gram_bits2(hash);
        scratch->windows[kept] = scratch->at[i];
        scratch->hashes[kept] = hash;
        kept += (words[hash >> shift] & bits) == bits;
    }
    return kept;
}

// Keeps the windows of class 2 that pass stage 2; their hashes go to scratch->hashes. Grams of
// three are common, so that the fourth byte, before or after, is looked at before anything else.
static uint32_t keep_windows(const struct ov_filter_run *run, const struct chunk *chunk,
                             uint32_t count) {
    struct ov_filter_scratch *scratch = run->scratch;
    uint32_t log2 = run->filter->head->classes[THREES].stage2_log2;
    const uint32_t *words = (const void *)run->filter->stage2[THREES];
    uint32_t first = 0, kept = 0;
    if (count > 0 && scratch->at[0] == 0 && chunk->base == 0) { // nothing stands before it
        scratch->windows[kept++] = 1;
        first = 1;
    }
    kept += run->kernels->windows(words, log2, chunk->data, scratch->at + first, count - first,
                                  scratch->windows + kept);
    for (uint32_t i = 0; i < kept; i++) {
        uint32_t at = --scratch->windows[i]; // UINT32_MAX: begins in the chunk before
        scratch->hashes[i] = ov_gram_hash(load_key(chunk->data + (ptrdiff_t)(int32_t)at, THREES));
    }
    return kept;
}

// The first entry of the key with that hash, or OV_IMAGE_NONE.
static uint32_t find_slot(const struct ov_filter *filter, unsigned number, uint64_t hash) {
    const struct ov_image_gram_class *gram = &filter->head->classes[number];
    uint32_t mask = ((uint32_t)1 << gram->slot_log2) - 1;
    uint32_t check = ov_gram_check(hash);
    uint32_t at = ov_gram_slot(hash);
    for (unsigned i = 0; i < OV_SLOT_PROBES; i++) {
        const struct ov_image_slot *slot = &filter->slots[gram->slot_first + ((at + i) & mask)];
        if (slot->entry == OV_IMAGE_NONE || slot->check == check) {
            return slot->entry;
        }
    }
    return OV_IMAGE_NONE;
}

// Looks up what has passed stage 2 of a class, and tells of what stands there.
static void look_up(const struct ov_filter_run *run, unsigned number, const struct chunk *chunk,
                    uint32_t count) {
    const struct ov_image_gram_class *gram = &run->filter->head->classes[number];
    struct ov_filter_scratch *scratch = run->scratch;
    const struct ov_image_slot *slots = run->filter->slots + gram->slot_first;
    uint32_t slot_mask = ((uint32_t)1 << gram->slot_log2) - 1;
    for (uint32_t i = 0; i < count; i++) {
        __builtin_prefetch(&slots[ov_gram_slot(scratch->hashes[i]) & slot_mask]);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry = find_slot(run->filter, number, scratch->hashes[i]);
        scratch->windows[kept] = scratch->windows[i];
        scratch->hashes[kept] = entry;
        if (entry < run->filter->entry_count) {
            __builtin_prefetch(&run->filter->entries[entry]);
            kept++;
        }
    }
    for (uint32_t i = 0; i < kept; i++) {
        size_t at = chunk->base + (size_t)(ptrdiff_t)(int32_t)scratch->windows[i];
        (void)offer_entries(run, (uint32_t)scratch->hashes[i], at);
    }
}

// Kernels round the size up: what lies beyond belongs to the next chunk.
static uint32_t cut_off(const uint32_t *at, uint32_t count, uint32_t size) {
    while (count > 0 && at[count - 1] >= size) {
        count--;
    }
    return count;
}

static void run_fours(const struct ov_filter_run *run, const struct chunk *chunk) {
    const struct ov_filter *filter = run->filter;
    uint32_t *at = run->scratch->at;
    enum ov_gram_kernel_kind kind = filter->stage2[FOURS] != NULL ? OV_GRAMS_BY_4 : OV_GRAMS_6_BY_4;
    uint32_t count =
        run->kernels->grams[kind](filter->fours, filter->fours_log2, chunk->data, chunk->size, at);
    count = cut_off(at, count, chunk->size);
    for (unsigned number = SIXES; number <= FOURS; number++) {
        if (filter->stage2[number] != NULL) {
            look_up(run, number, chunk, keep_grams(run, number, chunk, count));
        }
    }
}

static void run_threes(const struct ov_filter_run *run, const struct chunk *chunk) {
    const struct ov_filter *filter = run->filter;
    uint32_t *at = run->scratch->at;
    uint32_t count = run->kernels->grams[OV_GRAMS_3_BY_2](filter->threes, filter->threes_log2,
                                                          chunk->data, chunk->size, at);
    count = cut_off(at, count, chunk->size);
    look_up(run, THREES, chunk, keep_windows(run, chunk, count));
}

// One group of the tail. Buckets whose triggers are all done with are left out from then on, so
// that long runs of one byte cost nothing after the first.
static void run_tail(const struct ov_filter_run *run, uint32_t number, const struct chunk *chunk,
                     uint8_t *live) {
    const struct ov_image_tail *tail = &run->filter->tails[number];
    struct ov_filter_scratch *scratch = run->scratch;
    if (*live == 0) {
        return;
    }
    uint32_t count =
        run->kernels->tail(tail, *live, chunk->data, chunk->size, scratch->at, scratch->buckets);
    for (uint32_t i = 0; i < count; i++) {
        unsigned buckets = scratch->buckets[i] & *live;
        for (; buckets != 0; buckets &= buckets - 1) {
            unsigned bucket = (unsigned)__builtin_ctz(buckets);
            if (offer_entries(run, tail->entry_first[bucket], chunk->base + scratch->at[i])) {
                *live &= (uint8_t) ~(1u << bucket);
            }
        }
    }
}

static void run_chunk(const struct ov_filter_run *run, const struct chunk *chunk, uint8_t *live) {
    if (run->filter->fours != NULL) {
        run_fours(run, chunk);
    }
    if (run->filter->threes != NULL) {
        run_threes(run, chunk);
    }
    for (uint32_t i = 0; i < run->filter->tail_count; i++) {
        run_tail(run, i, chunk, &live[i]);
    }
}

bool ov_filter_run(const struct ov_filter_run *run) {
    struct ov_span object = run->object;
    uint8_t live[OV_FILTER_TAILS_MAX];
    for (uint32_t i = 0; i < run->filter->tail_count; i++) {
        live[i] = (uint8_t)run->filter->tails[i].bucket_mask;
    }
    size_t at = 0;
    while (at < object.size) {
        struct ov_chunk piece = ov_chunk_take(object, at, run->scratch);
        struct chunk chunk = {.data = piece.data, .size = piece.size, .base = at};
        run_chunk(run, &chunk, live);
        if (run->marks != NULL) {
            struct ov_mark_piece mark_piece = {.at = at, .data = piece.data, .size = piece.size};
            ov_marks_look(run->marks, run->kernels, object, &mark_piece, run->scratch->at);
        }
        at += chunk.size;
        if (at % TIME_CHECK_BYTES == 0 && !run->has_time(run->sink_arg)) {
            return false;
        }
    }
    return true;
}
