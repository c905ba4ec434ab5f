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
static uint32_t hash_of(const struct ov_table *table, const void *key) {
    const uint8_t *bytes = key;
    uint64_t hash = 0x9e3779b97f4a7c15u;
    for (size_t at = 0; at < table->key_bytes; at += WORD_BYTES) {
        uint64_t word = 0;
        size_t left = table->key_bytes - at;
        memcpy(&word, bytes + at, left < WORD_BYTES ? left : WORD_BYTES);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
    }
    return (uint32_t)hash;
}

void *ov_table_item(const struct ov_table *table, size_t number) {
    return table->items + number * table->item_bytes;
}

// The slot of this key, or the free one that it would take. Items lie far apart: only one of the
// same hash is looked at.
static struct ov_table_slot *slot_of(const struct ov_table *table, const void *key, uint32_t hash) {
    size_t mask = table->slot_count - 1;
    size_t at = hash & mask;
    while (table->slots[at].item != 0 &&
           (table->slots[at].hash != hash ||
            memcmp(ov_table_item(table, table->slots[at].item - 1), key, table->key_bytes) != 0)) {
        at = (at + 1) & mask;
    }
    return &table->slots[at];
}

static void *find(const struct ov_table *table, const void *key, uint32_t hash) {
    uint32_t item = table->slot_count > 0 ? slot_of(table, key, hash)->item : 0;
    return item != 0 ? ov_table_item(table, item - 1) : NULL;
}

void *ov_table_find(const struct ov_table *table, const void *key) {
    return find(table, key, hash_of(table, key));
}

static bool grow_slots(struct ov_table *table) {
    size_t count = table->slot_count > 0 ? 2 * table->slot_count : LEAST_SLOTS;
    struct ov_table_slot *slots = calloc(count, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < table->slot_count; i++) {
        size_t at = table->slots[i].hash & (count - 1);
        while (table->slots[i].item != 0 && slots[at].item != 0) {
            at = (at + 1) & (count - 1);
        }
        if (table->slots[i].item != 0) {
            slots[at] = table->slots[i];
        }
    }
    free(table->slots);
    table->slots = slots;
    table->slot_count = count;
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
    uint32_t hash = hash_of(table, key);
    void *item = find(table, key, hash);
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
    *slot_of(table, key, hash) =
        (struct ov_table_slot){.hash = hash, .item = (uint32_t)++table->count};
    return item;
}
