// SPDX-License-Identifier: Apache-2.0
//
// The organisation's report, as text and as JSON.
#pragma once

#include "inventory/fleet.h"

struct ov_inventory_merge {
    struct ov_fleet fleet;
    char stale_before[32]; // reports with an older time are stale
    struct ov_merge_refusal {
        const char *file; // borrowed
        const char *why;
    } * refusals;
    size_t refusal_count, refusal_room;
};

// A file that gave no report; `why` is copied.
void ov_inventory_merge_refuse(struct ov_inventory_merge *merge, const char *file, const char *why);
void ov_inventory_merge_release(struct ov_inventory_merge *merge);

// Appends a whole page to print, with no script and nothing from elsewhere.
void ov_inventory_merge_html(const struct ov_inventory_merge *merge, struct ov_buf *page);

// Prints the report of a sorted fleet; gives the exit code.
int ov_inventory_merge_print(const struct ov_inventory_merge *merge, bool is_json);
