// SPDX-License-Identifier: Apache-2.0
// A hash table with open addresses; it grows before it is two thirds full.
#include "survey/path_table.h"

enum { FIRST_ROOM = 1024 };

static uint64_t hash_path(struct ov_span path) {
    uint64_t hash = 0xcbf29ce484222325; // FNV-1a
    for (size_t i = 0; i < path.size; i++) {
        hash = (hash ^ path.data[i]) * 0x100000001b3;
    }
    return hash;
}

// Where the path stands, or would.
static struct ov_path_entry *find_entry(const struct ov_path_table *table, struct ov_span path,
                                        uint64_t hash) {
    size_t at = hash & (table->room - 1);
    while (table->entries[at].path.data != NULL &&
           (table->entries[at].hash != hash || !ov_span_is_equal(table->entries[at].path, path))) {
        at = (at + 1) & (table->room - 1);
    }
    return &table->entries[at];
}

static enum ov_status grow(struct ov_path_table *table) {
    struct ov_path_table larger = *table;
    larger.room = table->room > 0 ? 2 * table->room : FIRST_ROOM;
    larger.entries = ov_arena_array(table->arena, larger.room, sizeof *larger.entries);
    if (larger.entries == NULL) {
        return OV_MEMORY;
    }
    memset(larger.entries, 0, larger.room * sizeof *larger.entries);
    for (size_t i = 0; i < table->room; i++) {
        const struct ov_path_entry *entry = &table->entries[i];
        if (entry->path.data != NULL) {
            *find_entry(&larger, entry->path, entry->hash) = *entry;
        }
    }
    *table = larger;
    return OV_OK;
}

enum ov_status ov_path_table_add(struct ov_path_table *table, struct ov_span path, unsigned flags) {
    if (3 * (table->count + 1) > 2 * table->room) {
        TRY(grow(table));
    }
    uint64_t hash = hash_path(path);
    struct ov_path_entry *entry = find_entry(table, path, hash);
    if (entry->path.data == NULL) {
        const char *copy = ov_arena_text(table->arena, path);
        if (copy == NULL) {
            return OV_MEMORY;
        }
        *entry = (struct ov_path_entry){.path = ov_span_make(copy, path.size), .hash = hash};
        table->count++;
    }
    entry->flags |= flags;
    return OV_OK;
}

unsigned ov_path_table_flags(const struct ov_path_table *table, struct ov_span path) {
    if (table->count == 0) {
        return 0;
    }
    return find_entry(table, path, hash_path(path))->flags;
}
