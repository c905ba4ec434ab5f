// SPDX-License-Identifier: Apache-2.0
// rooms: ledger
//
// Policies and checkpoints: members form trees, more witnesses never make less of a quorum, and its
// time is one that makes it up.
//
// Input: a policy, a line "#", and a checkpoint.
#include "ledger/checkpoint.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static void expect(bool is_so) {
    if (!is_so) {
        abort();
    }
}

static void check_trees(const struct ov_policy *policy) {
    for (size_t i = 0; i < policy->witness_count; i++) {
        expect(policy->witnesses[i].group < (int)policy->group_count);
    }
    for (size_t i = 0; i < policy->group_count; i++) {
        const struct ov_policy_group *group = &policy->groups[i];
        expect(group->needed >= 1 && group->needed <= group->member_count);
        expect(group->group == -1 || group->group > (int)i);
    }
}

// `seed` says who has cosigned.
static void check_quorum(const struct ov_policy *policy, uint64_t seed) {
    uint64_t times[OV_POLICY_WITNESSES_MAX] = {0}, in_time = 0;
    bool is_met = ov_policy_is_met(policy, seed);
    expect(!is_met || ov_policy_is_met(policy, UINT64_MAX));
    expect(is_met || !ov_policy_is_met(policy, 0));
    for (size_t i = 0; i < policy->witness_count; i++) {
        times[i] = (seed >> i & 1) * (1 + (seed * (i + 3) >> 7) % 1000);
    }
    uint64_t time = ov_policy_quorum_time(policy, times);
    expect((time != 0) == (is_met && policy->quorum != OV_QUORUM_NONE));
    for (size_t i = 0; i < policy->witness_count; i++) {
        in_time |= (uint64_t)(times[i] != 0 && times[i] >= time) << i;
    }
    expect(time == 0 || ov_policy_is_met(policy, in_time));
}

static void check_checkpoint(struct ov_span bytes, const struct ov_policy *policy) {
    struct ov_checkpoint_opened opened, witnessed;
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    const char *why = NULL;
    if (ov_checkpoint_open(bytes, policy, &opened, &why) != OV_OK) {
        expect(why != NULL);
        return;
    }
    expect(why == NULL && opened.log_index < policy->log_count);
    ov_checkpoint_add(&out, &opened.checkpoint);
    expect(ov_span_is_equal(ov_buf_span(&out), opened.note.text));
    expect((ov_checkpoint_open_witnessed(bytes, policy, &witnessed, &why) == OV_OK) ==
           opened.is_quorum_met);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ov_span bytes = ov_span_make(data, size), mark = ov_span_text("\n#\n");
    size_t end = ov_span_search(bytes, 0, mark) + 1;
    struct ov_policy_error error = {0};
    struct ov_policy policy;
    struct ov_checkpoint checkpoint;
    struct ov_span rest = ov_span_from(bytes, end + 2);
    (void)ov_checkpoint_read(rest, &checkpoint);
    if (ov_policy_read(ov_span_part(bytes, 0, end), &policy, &error) != OV_OK) {
        expect(error.why != NULL);
        return 0;
    }
    check_trees(&policy);
    for (uint64_t seed = 1; seed != 0; seed <<= 3) {
        check_quorum(&policy, seed * 0x9e3779b97f4a7c15);
    }
    check_checkpoint(rest, &policy);
    return 0;
}
