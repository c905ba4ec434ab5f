// SPDX-License-Identifier: Apache-2.0
//
// Many machines' reports (docs/formats/inventory.md) as one: which product is on which machine.
//
// A report of strangers is read in a cage (ov_fleet_tell), which answers with lines of text; these
// are held against their form and taken up outside (ov_fleet_take). Nothing here reads a file.
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>

enum {
    OV_FLEET_REPORTS_MAX = 100000,
    OV_FLEET_PRODUCTS_MAX = 1024, // in one report
    OV_FLEET_TEXT_BYTES_MAX = 512,
};

// ---- in the cage --------------------------------------------------------------------------------

// Appends the lines of one report. OV_DAMAGED: it is none; OV_LIMIT; OV_MEMORY.
enum ov_status ov_fleet_tell(struct ov_span report, struct ov_arena *arena, struct ov_buf *lines);

// ---- the organisation ---------------------------------------------------------------------------

enum ov_fleet_trust {
    OV_FLEET_UNSIGNED,
    OV_FLEET_UNKNOWN_KEY, // signed by somebody whose key was not given
    OV_FLEET_SIGNED,
};

struct ov_fleet_product {
    const char *id, *name, *vendor, *state, *version;
};

struct ov_fleet_report {
    const char *file; // where it came from
    enum ov_fleet_trust trust;
    const char *key; // its signer's name; "" when not SIGNED
    const char *machine, *root, *time, *overt;
    const struct ov_fleet_product *products;
    size_t product_count;
    uint64_t unlisted_count; // holders on no list that are no part of the operating system
    uint64_t problem_count;  // what could not be read
    bool is_superseded;      // a newer report of the same machine and root is there: not counted
};

struct ov_fleet {
    struct ov_arena *arena;
    struct ov_fleet_report *reports;
    size_t count, room;
};

// Takes the lines of one report up; `report` has its file, trust and key, which are copied.
// OV_DAMAGED: the lines are out of form; OV_LIMIT; OV_MEMORY. The fleet is then as it was.
enum ov_status ov_fleet_take(struct ov_fleet *fleet, const struct ov_fleet_report *report,
                             struct ov_span lines);

// Sorts by machine, root and time, and marks what is superseded.
void ov_fleet_sort(struct ov_fleet *fleet);

// Whether a report's time lies before `limit`, of the same form ("2026-11-22T10:00:00Z").
bool ov_fleet_is_before(const struct ov_fleet_report *report, const char *limit);
