// SPDX-License-Identifier: Apache-2.0
//
// A growing hash table of items of one size, each of which begins with its key. Items are never
// removed. Keys are compared byte by byte: no padding in them.
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct ov_table_slot {
    uint32_t hash;
    uint32_t item; // its number and one, 0: free
};

struct ov_table {
    size_t key_bytes, item_bytes;
    uint8_t *items; // in the order in which they came
    size_t count, room;
    struct ov_table_slot *slots;
    size_t slot_count; // a power of two
};

void ov_table_init(size_t key_bytes, size_t item_bytes, struct ov_table *ret_table);
void ov_table_release(struct ov_table *table);

// The item of this key, or NULL. Valid until the next ov_table_get.
void *ov_table_find(const struct ov_table *table, const void *key);
// The same, made when there is none: zeros behind its key. NULL: out of memory.
void *ov_table_get(struct ov_table *table, const void *key);
// The `number`-th item that came.
void *ov_table_item(const struct ov_table *table, size_t number);
