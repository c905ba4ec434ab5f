// SPDX-License-Identifier: Apache-2.0
// Ranges of entries.
#include "journal/ranges.h"

#include <stdlib.h>

enum ov_status ov_ranges_add(struct ov_ranges *ranges, uint64_t from, uint64_t to) {
    if (ranges->count > 0 && ranges->items[ranges->count - 1].to == from) {
        ranges->items[ranges->count - 1].to = to;
        return OV_OK;
    }
    if (ranges->count == ranges->room) {
        size_t room = ranges->room > 0 ? 2 * ranges->room : 16;
        struct ov_range *items = realloc(ranges->items, room * sizeof *items);
        if (items == NULL) {
            return OV_MEMORY;
        }
        ranges->items = items;
        ranges->room = room;
    }
    ranges->items[ranges->count++] = (struct ov_range){.from = from, .to = to};
    return OV_OK;
}

void ov_ranges_release(struct ov_ranges *ranges) {
    free(ranges->items);
    *ranges = (struct ov_ranges){0};
}

bool ov_ranges_have(const struct ov_ranges *ranges, const struct ov_range *range) {
    uint64_t at = range->from;
    bool is_further = true;
    while (at < range->to && is_further) {
        is_further = false;
        for (size_t i = 0; i < ranges->count; i++) {
            if (ranges->items[i].from <= at && at < ranges->items[i].to) {
                at = ranges->items[i].to;
                is_further = true;
            }
        }
    }
    return at >= range->to;
}
