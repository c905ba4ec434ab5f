// SPDX-License-Identifier: Apache-2.0
//
// Paths with what is known of each: which of lower layers a path hides. Worker process only.
#pragma once

#include "base/arena.h"

enum {
    OV_PATH_TOLD = 1,        // it was told already
    OV_PATH_HIDES = 2,       // what stands there in lower layers is not seen
    OV_PATH_HIDES_BELOW = 4, // nor what stands in it
};

struct ov_path_entry {
    struct ov_span path;
    uint64_t hash;
    unsigned flags;
};

struct ov_path_table {
    struct ov_arena *arena;
    struct ov_path_entry *entries;
    size_t room, count;
};

// OV_MEMORY. An entry that is there keeps the flags that it has.
enum ov_status ov_path_table_add(struct ov_path_table *table, struct ov_span path, unsigned flags);

// 0 for a path that is not there.
unsigned ov_path_table_flags(const struct ov_path_table *table, struct ov_span path);
