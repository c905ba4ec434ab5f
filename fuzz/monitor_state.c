// SPDX-License-Identifier: Apache-2.0
// rooms: ledger
//
// A monitor's state: what is read is within what it says, and is written and read again the same.
//
// Input: the text. The log and its witnesses are those of a fixed policy.
#include "ledger/monitor_state.h"

#include <stdlib.h>

static const char origin[] = "log.example/rules";
static const char policy_text[] =
    "log log.example/rules+be92726d+ARcOvdTjhlDhmkDY8xQfCCfalGhNiQOsY98ZRo9MkvV+\n"
    "witness w1 witness.example/w1+e03c8287+BOZ+u+dwbIxh7Nnb80xn+eQIe5xLvWlcE9ShUMg/sgeW\n"
    "witness w2 witness.example/w2+805c8fac+BKbfCuJebfw1JbCtOff8oRZnUAo1shiI+ibs4viWtd3i\n"
    "quorum none\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct ov_monitor_state *state) {
    if (state->audited > state->head.size) {
        abort();
    }
    for (size_t i = 0; i < state->release_count; i++) {
        const struct ov_monitor_release *release = &state->releases[i];
        const struct ov_monitor_release *last =
            ov_monitor_release_last(state, i + 1, release->feed.text);
        if (release->index >= state->head.size || last != release) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct ov_policy policy;
    OV_CLEANUP(ov_monitor_state_release) struct ov_monitor_state state = {0};
    OV_CLEANUP(ov_monitor_state_release) struct ov_monitor_state again = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf second = {0};
    struct ov_policy_error error;
    if (policy.log_count == 0 &&
        ov_policy_read(ov_span_text(policy_text), &policy, &error) != OV_OK) {
        abort();
    }
    if (ov_monitor_state_read(ov_span_make(data, size), origin, &policy, &state) != OV_OK) {
        return 0;
    }
    check(&state);
    ov_monitor_state_add(&text, origin, &policy, &state);
    if (ov_monitor_state_read(ov_buf_span(&text), origin, &policy, &again) != OV_OK) {
        abort();
    }
    ov_monitor_state_add(&second, origin, &policy, &again);
    if (!ov_span_is_equal(ov_buf_span(&text), ov_buf_span(&second))) {
        abort();
    }
    return 0;
}
