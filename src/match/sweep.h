// SPDX-License-Identifier: Apache-2.0
//
// One pass over an object for many subsignatures at once, when searching for each would cost too
// much.
//
// Files that trigger hundreds of rules (crafted ones trigger all of them) would be searched from
// end to end for every further string of each. A sweep makes a gram table of the strings in
// question on the spot, passes over the object once, and says for each of them: absent, or there
// and where first.
#pragma once

#include "match/matcher_state.h"

// What a sweep found out about a subsignature.
struct ov_swept {
    uint32_t sub;
    bool is_known;       // false: no gram could be made of it
    bool is_present;     // its first part stands somewhere that its offset allows
    uint64_t start, end; // of the first such place
};

// Looks for the BODY subsignatures in `subs` (ascending numbers). The results are the matcher's, in
// the same order, until the next sweep. False when there is no memory: then nothing is known.
bool ov_sweep_run(struct ov_matcher *matcher, const uint32_t *subs, uint32_t count);

// Forgets the results: another object begins.
void ov_sweep_reset(struct ov_matcher *matcher);

void ov_sweep_free(struct ov_sweep *sweep);

// What the last sweep of this object knows of a subsignature, or NULL.
const struct ov_swept *ov_sweep_find(const struct ov_matcher *matcher, uint32_t sub);
