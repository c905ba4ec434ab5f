// SPDX-License-Identifier: Apache-2.0
//
// Searches an object for one subsignature, exactly: how often, where first, where last.
#pragma once

#include "match/matcher_state.h"

struct ov_found {
    uint32_t count;      // matches; capped at UINT32_MAX
    uint64_t first, end; // start and end of the first match
    uint64_t last;       // start of the last match
};

// Searches all patterns of a BODY subsignature. With `is_count` false it stops at the first match.
// Counting follows ClamAV: each start of a match counts once; for patterns of several parts each
// match of the last part. Sets the matcher's flags on exhaustion.
struct ov_found ov_sub_search(struct ov_matcher *matcher, const struct ov_image_sub *sub,
                              bool is_count);
