// SPDX-License-Identifier: Apache-2.0
// A table of runs with open addressing.
#include "journal/run_table.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

enum { FIRST_ROOM = 64 };

static_assert(sizeof((struct ov_run_table *)NULL)->key == crypto_shorthash_KEYBYTES,
              "a key of SipHash");

// Where a run stands, or the free slot where it would.
static struct ov_run_slot *find_place(const struct ov_run_table *table,
                                      const struct ov_entry_run *run) {
    uint64_t hash = 0;
    uint8_t bytes[crypto_shorthash_BYTES];
    (void)crypto_shorthash(bytes, run->bytes, sizeof run->bytes, table->key);
    memcpy(&hash, bytes, sizeof hash);
    for (size_t i = (size_t)hash & (table->room - 1);; i = (i + 1) & (table->room - 1)) {
        struct ov_run_slot *slot = &table->slots[i];
        if (!slot->is_used || memcmp(slot->run.bytes, run->bytes, sizeof run->bytes) == 0) {
            return slot;
        }
    }
}

struct ov_run_slot *ov_run_table_find(const struct ov_run_table *table,
                                      const struct ov_entry_run *run) {
    if (table->room == 0) {
        return NULL;
    }
    struct ov_run_slot *slot = find_place(table, run);
    return slot->is_used ? slot : NULL;
}

static enum ov_status grow(struct ov_run_table *table) {
    struct ov_run_table larger = *table;
    larger.room = table->room == 0 ? FIRST_ROOM : 2 * table->room;
    larger.slots = (struct ov_run_slot *)calloc(larger.room, sizeof *larger.slots);
    if (larger.slots == NULL) {
        return OV_MEMORY;
    }
    if (table->room == 0) {
        randombytes_buf(larger.key, sizeof larger.key);
    }
    for (size_t i = 0; i < table->room; i++) {
        if (table->slots[i].is_used) {
            *find_place(&larger, &table->slots[i].run) = table->slots[i];
        }
    }
    free(table->slots);
    *table = larger;
    return OV_OK;
}

enum ov_status ov_run_table_add(struct ov_run_table *table, const struct ov_entry_run *run,
                                uint64_t seq) {
    if (2 * table->count >= table->room) {
        TRY(grow(table));
    }
    *find_place(table, run) =
        (struct ov_run_slot){.run = *run, .seq = seq, .is_used = true, .is_open = true};
    table->count++;
    table->open_count++;
    return OV_OK;
}

void ov_run_table_reopen(struct ov_run_table *table, struct ov_run_slot *slot, uint64_t seq) {
    table->open_count += !slot->is_open;
    slot->is_open = true;
    slot->sent_bytes = 0;
    slot->seq = seq;
}

void ov_run_table_end(struct ov_run_table *table, struct ov_run_slot *slot) {
    table->open_count -= slot->is_open;
    slot->is_open = false;
}

static int compare_seqs(const void *a, const void *b) {
    const uint64_t *left = (const uint64_t *)a;
    const uint64_t *right = (const uint64_t *)b;
    return *left < *right ? -1 : *left > *right;
}

uint64_t *ov_run_table_list_open(const struct ov_run_table *table) {
    size_t count = 0;
    uint64_t *seqs = NULL;
    if (table->open_count > 0) {
        seqs = (uint64_t *)calloc(table->open_count, sizeof *seqs);
    }
    for (size_t i = 0; i < table->room && seqs != NULL; i++) {
        if (table->slots[i].is_open) {
            seqs[count++] = table->slots[i].seq;
        }
    }
    if (seqs != NULL) {
        qsort(seqs, count, sizeof *seqs, compare_seqs);
    }
    return seqs;
}

void ov_run_table_release(struct ov_run_table *table) {
    free(table->slots);
    *table = (struct ov_run_table){0};
}
