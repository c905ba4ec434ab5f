// SPDX-License-Identifier: Apache-2.0
// Open addressing over an array of items.
#include "watch/table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_SLOTS = 64, WORD_BYTES = 8 };

void ov_table_init(size_t key_bytes, size_t item_bytes, struct ov_table *ret_table) {
    *ret_table = (struct ov_table){.key_bytes = key_bytes, .item_bytes = item_bytes};
}

void ov_table_release(struct ov_table *table) {
    free(table->items);
    free(table->slots);
    ov_table_init(table->key_bytes, table->item_bytes, table);
}

// Inode numbers and cookies: a product watched with care in mind could choose them, and would slow
// its own recording down by that, no more.
static uint64_t hash_of(const struct ov_table *table, const void *key) {
    const uint8_t *bytes = key;
    uint64_t hash = 0x9e3779b97f4a7c15u;
    for (size_t at = 0; at < table->key_bytes; at += WORD_BYTES) {
        uint64_t word = 0;
        size_t left = table->key_bytes - at;
        memcpy(&word, bytes + at, left < WORD_BYTES ? left : WORD_BYTES);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
    }
    return hash;
}

void *ov_table_item(const struct ov_table *table, size_t number) {
    return table->items + number * table->item_bytes;
}

// The slot of this key, or the free one that it would take.
static size_t slot_of(const struct ov_table *table, const void *key) {
    size_t mask = table->slot_count - 1;
    size_t slot = (size_t)hash_of(table, key) & mask;
    while (table->slots[slot] != 0 &&
           memcmp(ov_table_item(table, table->slots[slot] - 1), key, table->key_bytes) != 0) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

void *ov_table_find(const struct ov_table *table, const void *key) {
    if (table->slot_count == 0) {
        return NULL;
    }
    uint32_t number = table->slots[slot_of(table, key)];
    return number != 0 ? ov_table_item(table, number - 1) : NULL;
}

static bool grow_slots(struct ov_table *table) {
    size_t count = table->slot_count > 0 ? 2 * table->slot_count : LEAST_SLOTS;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = count;
    for (size_t i = 0; i < table->count; i++) {
        slots[slot_of(table, ov_table_item(table, i))] = (uint32_t)i + 1;
    }
    return true;
}

static bool grow_items(struct ov_table *table) {
    size_t room = table->room > 0 ? 2 * table->room : LEAST_SLOTS / 2;
    uint8_t *items = reallocarray(table->items, room, table->item_bytes);
    if (items == NULL) {
        return false;
    }
    table->items = items;
    table->room = room;
    return true;
}

void *ov_table_get(struct ov_table *table, const void *key) {
    void *item = ov_table_find(table, key);
    if (item != NULL) {
        return item;
    }
    bool has_room = table->count < UINT32_MAX - 1;
    has_room = has_room && (2 * table->count < table->slot_count || grow_slots(table));
    has_room = has_room && (table->count < table->room || grow_items(table));
    if (!has_room) {
        return NULL;
    }
    item = ov_table_item(table, table->count);
    memset(item, 0, table->item_bytes);
    memcpy(item, key, table->key_bytes);
    table->slots[slot_of(table, key)] = (uint32_t)++table->count;
    return item;
}
