// SPDX-License-Identifier: Apache-2.0
// rooms: base inventory
//
// A stranger's report: what the cage tells of it is always taken up, and lines out of form are not.
#include "inventory/fleet.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BYTES = 8 << 20 };

static void expect(bool is_so) {
    if (!is_so) {
        abort();
    }
}

static enum ov_status take(struct ov_arena *arena, struct ov_span lines) {
    struct ov_fleet fleet = {.arena = arena};
    const struct ov_fleet_report report = {.file = "x.json", .key = ""};
    enum ov_status status = ov_fleet_take(&fleet, &report, lines);
    if (status == OV_OK) {
        status = ov_fleet_take(&fleet, &report, lines);
        expect(status == OV_OK || status == OV_MEMORY);
        ov_fleet_sort(&fleet);
        expect(fleet.reports[0].is_superseded == false);
    }
    return status;
}

// The first byte chooses: a report, or lines of a cage that was taken over.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    OV_CLEANUP(ov_arena_release) struct ov_arena arena;
    OV_CLEANUP(ov_buf_release) struct ov_buf lines = {0};
    ov_arena_init(&arena, ARENA_BYTES);
    if (size > 0 && data[0] == 'r') {
        (void)take(&arena, ov_span_make(data, size));
    } else if (ov_fleet_tell(ov_span_make(data, size), &arena, &lines) == OV_OK) {
        ov_arena_reset(&arena);
        enum ov_status status = take(&arena, ov_buf_span(&lines));
        // Times and states are held against their form outside.
        expect(status == OV_OK || status == OV_DAMAGED || status == OV_LIMIT);
    }
    return 0;
}
