// SPDX-License-Identifier: Apache-2.0
// Lookups in the hash tables of an image. Every index that the image names is checked here, where
// it is followed.
#include "match/hashset.h"
#include "match/hash_layout.h"

#include <stdio.h>

static uint32_t load_u32(const uint8_t *column, uint64_t index) {
    uint32_t value;
    memcpy(&value, column + index * sizeof value, sizeof value);
    return value;
}

static uint64_t load_u64(const uint8_t *column, uint64_t index) {
    uint64_t value;
    memcpy(&value, column + index * sizeof value, sizeof value);
    return value;
}

// ---- opening -----------------------------------------------------------------------------------

enum ov_status ov_hash_table_open(struct ov_span section, enum ov_hash_kind kind,
                                  struct ov_hash_table *ret_table) {
    struct ov_image_hash_head head;
    if (section.size == 0) {
        *ret_table = (struct ov_hash_table){0};
        return OV_OK;
    }
    if (section.size < sizeof head) {
        return OV_DAMAGED;
    }
    memcpy(&head, section.data, sizeof head);
    if (head.digest_bytes != ov_hash_bytes(kind) || head.any_count > head.entry_count ||
        head.covered_count > head.group_count || head.covered_sizes % OV_HASH_RUN != 0) {
        return OV_DAMAGED;
    }
    struct ov_hash_columns at = ov_hash_columns_of(&head);
    if (at.end != section.size) {
        return OV_DAMAGED;
    }
    *ret_table = (struct ov_hash_table){
        .bitmap = section.data + at.bitmap,
        .ranks = section.data + at.ranks,
        .sizes = section.data + at.sizes,
        .starts = section.data + at.starts,
        .high = section.data + at.high,
        .rest = section.data + at.rest,
        .rules = section.data + at.rules,
        .entry_count = head.entry_count,
        .any_count = head.any_count,
        .group_count = head.group_count,
        .covered_count = head.covered_count,
        .covered_sizes = head.covered_sizes,
        .rest_bytes = head.digest_bytes - OV_HASH_HIGH_BYTES,
    };
    return OV_OK;
}

enum ov_status ov_hashset_open(const struct ov_image *image, enum ov_hash_scope scope,
                               struct ov_hashset *ret_set, char ret_reason[OV_IMAGE_REASON_BYTES]) {
    struct ov_hashset set;
    for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
        uint32_t variant = ov_hash_variant(scope, kind);
        struct ov_span section = ov_image_section(image, OV_SECTION_HASH, variant);
        enum ov_status status = ov_hash_table_open(section, kind, &set.tables[kind]);
        if (status != OV_OK) {
            (void)snprintf(ret_reason, OV_IMAGE_REASON_BYTES,
                           "the hash table at byte %zu (section %d, variant %u) is not as long as "
                           "its counts say",
                           (size_t)(section.data - image->bytes.data), OV_SECTION_HASH, variant);
            return status;
        }
    }
    *ret_set = set;
    return OV_OK;
}

bool ov_hashset_is_empty(const struct ov_hashset *set) {
    for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
        if (set->tables[kind].entry_count > 0) {
            return false;
        }
    }
    return true;
}

// ---- sizes -------------------------------------------------------------------------------------

// The group of a size that the bitmap tells of: how many sizes below it have entries.
static bool find_covered_group(const struct ov_hash_table *table, uint32_t size,
                               uint32_t *ret_group) {
    uint64_t word = load_u64(table->bitmap, size / 64);
    uint64_t bit = (uint64_t)1 << size % 64;
    if ((word & bit) == 0) {
        return false;
    }
    uint32_t run = size / OV_HASH_RUN;
    uint32_t group = load_u32(table->ranks, run);
    for (uint32_t i = run * (OV_HASH_RUN / 64); i < size / 64; i++) {
        group += (uint32_t)__builtin_popcountll(load_u64(table->bitmap, i));
    }
    *ret_group = group + (uint32_t)__builtin_popcountll(word & (bit - 1));
    return true;
}

static bool find_group(const struct ov_hash_table *table, uint64_t size, uint32_t *ret_group) {
    if (size < table->covered_sizes) {
        return find_covered_group(table, (uint32_t)size, ret_group);
    }
    uint32_t low = 0, high = table->group_count - table->covered_count;
    uint32_t count = high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (load_u32(table->sizes, middle) < size) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == count || load_u32(table->sizes, low) != size) {
        return false;
    }
    *ret_group = table->covered_count + low;
    return true;
}

// The entries [first, end) with this size; nothing when the image's numbers make no sense.
static bool find_entries(const struct ov_hash_table *table, uint64_t size, uint32_t *ret_first,
                         uint32_t *ret_end) {
    uint32_t group;
    if (!find_group(table, size, &group) || group >= table->group_count) {
        return false;
    }
    uint32_t first = load_u32(table->starts, group);
    uint32_t end = load_u32(table->starts, (uint64_t)group + 1);
    if (first > end || end > table->entry_count) {
        return false;
    }
    *ret_first = first;
    *ret_end = end;
    return true;
}

unsigned ov_hashset_kinds_wanted(const struct ov_hashset *set, uint64_t size) {
    unsigned kinds = 0;
    for (unsigned kind = 0; kind < OV_HASH_KINDS; kind++) {
        const struct ov_hash_table *table = &set->tables[kind];
        uint32_t group;
        if (table->any_count > 0 || (table->entry_count > 0 && find_group(table, size, &group))) {
            kinds |= 1u << kind;
        }
    }
    return kinds;
}

// ---- digests -----------------------------------------------------------------------------------

// The digest as the columns have it.
struct key {
    uint64_t high;
    const uint8_t *rest;
};

static struct key make_key(const uint8_t *digest) {
    return (struct key){.high = __builtin_bswap64(load_u64(digest, 0)),
                        .rest = digest + OV_HASH_HIGH_BYTES};
}

// Compares entry `index` with the key: below 0 when the entry comes first.
static int compare_entry(const struct ov_hash_table *table, uint32_t index, const struct key *key) {
    uint64_t high = load_u64(table->high, index);
    if (high != key->high) {
        return high < key->high ? -1 : 1;
    }
    return memcmp(table->rest + (uint64_t)index * table->rest_bytes, key->rest, table->rest_bytes);
}

// Narrows [*first, *end) to where an even spread of digests puts the key. The ends are tried, not
// trusted. Saves page faults in large groups: the search then stays within one or two pages.
static void narrow(const struct ov_hash_table *table, const struct key *key, uint32_t *first,
                   uint32_t *end) {
    uint32_t count = *end - *first;
    uint32_t guess = *first + (uint32_t)((unsigned __int128)key->high * count >> 64);
    // Four standard deviations are at most twice the square root of the count.
    uint32_t reach = 4u << (32 - __builtin_clz(count)) / 2;
    if (guess - *first > reach && compare_entry(table, guess - reach, key) < 0) {
        *first = guess - reach + 1;
    }
    if (*end - guess > reach && compare_entry(table, guess + reach, key) >= 0) {
        *end = guess + reach;
    }
}

// The first entry in [first, end) that is not below the key, or `end`.
static uint32_t find_lower(const struct ov_hash_table *table, uint32_t first, uint32_t end,
                           const struct key *key) {
    enum { WORTH_GUESSING = 64 };
    if (end - first >= WORTH_GUESSING) {
        narrow(table, key, &first, &end);
    }
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (compare_entry(table, middle, key) < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

// Sets the hits on the first entry of [first, end) that may match.
static void aim(struct ov_hash_hits *hits, uint32_t first, uint32_t end) {
    struct key key = make_key(hits->digest);
    hits->at = find_lower(hits->table, first, end, &key);
    hits->end = end;
}

static void aim_at_any(struct ov_hash_hits *hits) {
    const struct ov_hash_table *table = hits->table;
    hits->is_any = true;
    aim(hits, table->entry_count - table->any_count, table->entry_count);
}

void ov_hash_hits_begin(const struct ov_hashset *set, enum ov_hash_kind kind, uint64_t size,
                        const uint8_t *digest, struct ov_hash_hits *ret_hits) {
    uint32_t first, end;
    *ret_hits = (struct ov_hash_hits){.table = &set->tables[kind], .digest = digest};
    if (ret_hits->table->entry_count == 0) {
        ret_hits->is_any = true;
    } else if (find_entries(ret_hits->table, size, &first, &end)) {
        aim(ret_hits, first, end);
    } else {
        aim_at_any(ret_hits);
    }
}

bool ov_hash_hits_next(struct ov_hash_hits *hits, uint32_t *ret_rule) {
    struct key key = make_key(hits->digest);
    for (;;) {
        if (hits->at < hits->end && compare_entry(hits->table, hits->at, &key) == 0) {
            *ret_rule = load_u32(hits->table->rules, hits->at++);
            return true;
        }
        hits->at = hits->end;
        if (hits->is_any) {
            return false;
        }
        aim_at_any(hits);
    }
}

bool ov_hashset_find(const struct ov_hashset *set, enum ov_hash_kind kind, uint64_t size,
                     const uint8_t *digest, uint32_t *ret_rule) {
    struct ov_hash_hits hits;
    ov_hash_hits_begin(set, kind, size, digest, &hits);
    return ov_hash_hits_next(&hits, ret_rule);
}
