// SPDX-License-Identifier: Apache-2.0
// rooms: inventory
//
// Plans of removal from a file: what is taken is spelled as we spell it, and every step of it acts
// on names and exact paths alone.
#include "inventory/plan.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static void expect(bool is_so) {
    if (!is_so) {
        abort();
    }
}

static void check_step(const struct ov_plan *plan, const struct ov_plan_step *step) {
    struct ov_plan_command command;
    for (size_t i = 0; i < step->target_count && step->kind != OV_STEP_PERSON; i++) {
        expect(step->targets[i][0] != '-' && step->targets[i][0] != 0);
        expect(strpbrk(step->targets[i], "\n\r") == NULL);
    }
    for (const struct ov_plan_entry *entry = step->entries; entry != NULL; entry = entry->next) {
        expect(ov_plan_path_is_good(entry->path) && strstr(entry->path, "/../") == NULL);
        expect(ov_plan_find_entry(step, entry->path) != NULL);
        expect(ov_plan_entry_is_same(entry, entry));
    }
    expect(ov_plan_step_is_same(step, step));
    if (ov_plan_command_make(plan, step, &command) == OV_OK) {
        expect(command.args[0] != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    OV_CLEANUP(ov_plan_release) struct ov_plan plan;
    OV_CLEANUP(ov_buf_release) struct ov_buf again = {0};
    const char *why = NULL;
    ov_plan_init(&plan);
    if (ov_plan_read_json(ov_span_make(data, size), &plan, &why) != OV_OK) {
        expect(why != NULL);
        return 0;
    }
    for (const struct ov_plan_step *step = plan.steps; step != NULL; step = step->next) {
        check_step(&plan, step);
    }
    ov_plan_write_json(&plan, &again);
    expect(ov_span_is_equal(ov_buf_span(&again), ov_span_make(data, size)));
    return 0;
}
