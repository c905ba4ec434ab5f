// SPDX-License-Identifier: Apache-2.0
//
// Ranges of entries: which are missing, which were said to be removed. A few; on the heap.
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ov_range {
    uint64_t from, to; // `to` is not of it
};

struct ov_ranges {
    struct ov_range *items;
    size_t count, room;
};

// Adds a range, joined with the one that was added last where it continues that. OV_MEMORY.
enum ov_status ov_ranges_add(struct ov_ranges *ranges, uint64_t from, uint64_t to);
void ov_ranges_release(struct ov_ranges *ranges);

// Whether each number of this range is in one of them.
bool ov_ranges_have(const struct ov_ranges *ranges, const struct ov_range *range);
