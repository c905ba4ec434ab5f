// SPDX-License-Identifier: Apache-2.0
// Sorts hash rules and writes their tables.
//
// Sorting is the work: a radix sort over the size and the first four bytes of the digest puts
// millions of rules in order in six passes; what is still tied after that is sorted by comparing.
#include "rules/emit_hash.h"

#include "match/hash_layout.h"

#include <stdlib.h>

// One rule on its way: everything that the passes look at.
struct key {
    uint64_t high; // first 8 bytes of the digest, as a number
    uint32_t size;
    uint32_t index; // of the rule
};

struct table {
    const struct ov_hash_rule *hashes;
    uint32_t rule_base;
    enum ov_hash_kind kind;
    struct key *keys, *spare;
    uint32_t count;
    struct ov_image_hash_head head;
};

// ---- sorting -----------------------------------------------------------------------------------

enum { PASSES = 6, DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

// Digit `pass` of a key, least significant first: three of the digest, three of the size.
static uint32_t pick_digit(const struct key *key, unsigned pass) {
    uint32_t word = pass < 3 ? (uint32_t)(key->high >> 32) : key->size;
    return word >> (pass % 3 * DIGIT_BITS) & (DIGITS - 1);
}

// Moves the keys to the other array by one digit. Keeps the order of equal ones.
static void sort_pass(struct table *table, unsigned pass, uint32_t counts[DIGITS]) {
    uint32_t at = 0;
    for (unsigned digit = 0; digit < DIGITS; digit++) {
        uint32_t size = counts[digit];
        counts[digit] = at;
        at += size;
    }
    for (uint32_t i = 0; i < table->count; i++) {
        table->spare[counts[pick_digit(&table->keys[i], pass)]++] = table->keys[i];
    }
    struct key *keys = table->keys;
    table->keys = table->spare;
    table->spare = keys;
}

static int compare_keys(const void *a, const void *b, void *context) {
    const struct key *left = a, *right = b;
    const struct table *table = context;
    if (left->high != right->high) {
        return left->high < right->high ? -1 : 1;
    }
    int order = memcmp(table->hashes[left->index].digest, table->hashes[right->index].digest,
                       ov_hash_bytes(table->kind));
    if (order != 0) {
        return order;
    }
    return left->index < right->index ? -1 : left->index > right->index; // load order
}

static bool is_tied(const struct key *a, const struct key *b) {
    return a->size == b->size && a->high >> 32 == b->high >> 32;
}

static void sort_ties(struct table *table) {
    uint32_t first = 0;
    for (uint32_t i = 1; i <= table->count; i++) {
        if (i < table->count && is_tied(&table->keys[first], &table->keys[i])) {
            continue;
        }
        if (i - first > 1) {
            qsort_r(table->keys + first, i - first, sizeof *table->keys, compare_keys, table);
        }
        first = i;
    }
}

// By size, digest, and load order. `counts` is scratch memory for PASSES histograms.
static void sort_keys(struct table *table, uint32_t (*counts)[DIGITS]) {
    memset(counts, 0, PASSES * sizeof *counts);
    for (uint32_t i = 0; i < table->count; i++) {
        for (unsigned pass = 0; pass < PASSES; pass++) {
            counts[pass][pick_digit(&table->keys[i], pass)]++;
        }
    }
    for (unsigned pass = 0; pass < PASSES; pass++) {
        bool is_same = counts[pass][pick_digit(&table->keys[0], pass)] == table->count;
        if (!is_same) {
            sort_pass(table, pass, counts[pass]);
        }
    }
    sort_ties(table);
}

// ---- the head ----------------------------------------------------------------------------------

// How many sizes the bitmap is to tell of: all, if that costs little for each size that occurs.
static uint32_t choose_covered_sizes(uint32_t largest_size, uint32_t group_count) {
    uint64_t covered = ((uint64_t)largest_size + OV_HASH_RUN) / OV_HASH_RUN * OV_HASH_RUN;
    uint64_t cheap = (uint64_t)group_count * OV_HASH_COVERED_PER_GROUP;
    covered = covered < cheap ? covered : cheap;
    return (uint32_t)(covered < OV_HASH_COVERED_MAX ? covered : OV_HASH_COVERED_MAX);
}

// Counts entries and sizes of the sorted keys. Rules without a size stand last.
static void count_groups(struct table *table) {
    struct ov_image_hash_head head = {.entry_count = table->count,
                                      .digest_bytes = (uint32_t)ov_hash_bytes(table->kind)};
    const struct key *keys = table->keys;
    uint32_t sized = table->count;
    while (sized > 0 && keys[sized - 1].size == OV_HASH_ANY_SIZE) {
        sized--;
    }
    head.any_count = table->count - sized;
    for (uint32_t i = 0; i < sized; i++) {
        head.group_count += i == 0 || keys[i].size != keys[i - 1].size;
    }
    if (sized > 0) {
        head.covered_sizes = choose_covered_sizes(keys[sized - 1].size, head.group_count);
    }
    for (uint32_t i = 0; i < sized && keys[i].size < head.covered_sizes; i++) {
        head.covered_count += i == 0 || keys[i].size != keys[i - 1].size;
    }
    table->head = head;
}

// ---- the columns -------------------------------------------------------------------------------

static void store_u32(uint8_t *column, uint64_t index, uint32_t value) {
    memcpy(column + index * sizeof value, &value, sizeof value);
}

// Bitmap, sizes and starts.
static void write_groups(const struct table *table, const struct ov_hash_columns *at,
                         uint8_t *section) {
    const struct ov_image_hash_head *head = &table->head;
    uint32_t group = 0, sized = head->entry_count - head->any_count;
    for (uint32_t i = 0; i < sized; i++) {
        uint32_t size = table->keys[i].size;
        if (i > 0 && size == table->keys[i - 1].size) {
            continue;
        }
        if (size < head->covered_sizes) {
            section[at->bitmap + size / 8] |= (uint8_t)(1u << size % 8);
        } else {
            store_u32(section + at->sizes, group - head->covered_count, size);
        }
        store_u32(section + at->starts, group, i);
        group++;
    }
    store_u32(section + at->starts, group, sized);
}

static void write_ranks(const struct table *table, const struct ov_hash_columns *at,
                        uint8_t *section) {
    uint32_t rank = 0;
    for (uint32_t run = 0; run < table->head.covered_sizes / OV_HASH_RUN; run++) {
        store_u32(section + at->ranks, run, rank);
        for (unsigned i = 0; i < OV_HASH_RUN / 64; i++) {
            uint64_t bits;
            memcpy(&bits, section + at->bitmap + run * (OV_HASH_RUN / 8) + i * sizeof bits,
                   sizeof bits);
            rank += (uint32_t)__builtin_popcountll(bits);
        }
    }
}

static void write_entries(const struct table *table, const struct ov_hash_columns *at,
                          uint8_t *section) {
    enum { AHEAD = 24 }; // entries; the rules are read in sorted order, which no cache foresees
    uint64_t rest_bytes = table->head.digest_bytes - OV_HASH_HIGH_BYTES;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct key *key = &table->keys[i];
        if (i + AHEAD < table->count) {
            __builtin_prefetch(&table->hashes[key[AHEAD].index]);
        }
        memcpy(section + at->high + (uint64_t)i * OV_HASH_HIGH_BYTES, &key->high,
               OV_HASH_HIGH_BYTES);
        memcpy(section + at->rest + i * rest_bytes,
               table->hashes[key->index].digest + OV_HASH_HIGH_BYTES, rest_bytes);
        store_u32(section + at->rules, i, table->rule_base + key->index);
    }
}

static enum ov_status write_table(struct table *table, struct ov_buf *ret_section) {
    struct ov_hash_columns at = ov_hash_columns_of(&table->head);
    uint8_t *section = ov_buf_extend(ret_section, at.end);
    if (section == NULL) {
        return OV_MEMORY;
    }
    memcpy(section, &table->head, sizeof table->head);
    write_groups(table, &at, section);
    write_ranks(table, &at, section);
    write_entries(table, &at, section);
    return OV_OK;
}

// ---- all of them -------------------------------------------------------------------------------

static void collect_keys(struct table *table, size_t count, enum ov_hash_scope scope) {
    uint32_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct ov_hash_rule *rule = &table->hashes[i];
        if (rule->scope == scope && rule->kind == table->kind) {
            uint64_t high;
            memcpy(&high, rule->digest, sizeof high);
            table->keys[at++] = (struct key){
                .high = __builtin_bswap64(high), .size = rule->size, .index = (uint32_t)i};
        }
    }
    table->count = at;
}

static enum ov_status count_rules(const struct ov_hash_rule *hashes, size_t count,
                                  uint32_t rule_base, struct ov_hash_report *ret_report) {
    memset(ret_report, 0, sizeof *ret_report);
    if (count >= OV_IMAGE_NONE - (size_t)rule_base) {
        return OV_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        if (hashes[i].scope >= OV_HASH_SCOPES || hashes[i].kind >= OV_HASH_KINDS) {
            return OV_INVALID;
        }
        ret_report->rule_count[hashes[i].scope][hashes[i].kind]++;
        ret_report->any_size_count[hashes[i].scope][hashes[i].kind] +=
            hashes[i].size == OV_HASH_ANY_SIZE;
    }
    return OV_OK;
}

// The memory that one table after another is sorted in.
struct scratch {
    struct key *keys, *spare;
    uint32_t (*counts)[DIGITS];
};

static size_t find_largest(const struct ov_hash_report *report) {
    size_t largest = 0;
    for (unsigned scope = 0; scope < OV_HASH_SCOPES; scope++) {
        for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
            size_t count = report->rule_count[scope][kind];
            largest = count > largest ? count : largest;
        }
    }
    return largest;
}

static enum ov_status emit_table(struct table *table, size_t count, enum ov_hash_scope scope,
                                 const struct scratch *scratch, struct ov_buf *section) {
    table->keys = scratch->keys;
    table->spare = scratch->spare;
    collect_keys(table, count, scope);
    sort_keys(table, scratch->counts);
    count_groups(table);
    return write_table(table, section);
}

static enum ov_status emit_tables(const struct table *rules, size_t count,
                                  const struct scratch *scratch, struct ov_image_writer *writer,
                                  struct ov_hash_report *report) {
    for (unsigned scope = 0; scope < OV_HASH_SCOPES; scope++) {
        for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
            if (report->rule_count[scope][kind] == 0) {
                continue;
            }
            struct ov_buf *section =
                ov_image_writer_add(writer, OV_SECTION_HASH, ov_hash_variant(scope, kind));
            if (section == NULL) {
                return OV_LIMIT;
            }
            struct table table = *rules;
            table.kind = kind;
            TRY(emit_table(&table, count, scope, scratch, section));
            report->size_count[scope][kind] = table.head.group_count;
            report->section_bytes[scope][kind] = section->size;
        }
    }
    return OV_OK;
}

enum ov_status ov_emit_hashes(const struct ov_hash_rule *hashes, size_t count, uint32_t rule_base,
                              struct ov_image_writer *writer, struct ov_hash_report *ret_report) {
    struct ov_hash_report report;
    TRY(count_rules(hashes, count, rule_base, &report));
    size_t largest = find_largest(&report) + 1;
    struct scratch scratch = {.keys = calloc(largest, sizeof *scratch.keys),
                              .spare = calloc(largest, sizeof *scratch.spare),
                              .counts = calloc(PASSES, sizeof *scratch.counts)};
    struct table rules = {.hashes = hashes, .rule_base = rule_base};
    enum ov_status status = OV_MEMORY;
    if (scratch.keys != NULL && scratch.spare != NULL && scratch.counts != NULL) {
        status = emit_tables(&rules, count, &scratch, writer, &report);
    }
    free(scratch.keys);
    free(scratch.spare);
    free(scratch.counts);
    if (status == OV_OK) {
        *ret_report = report;
    }
    return status;
}
