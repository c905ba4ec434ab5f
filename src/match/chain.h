// SPDX-License-Identifier: Apache-2.0
//
// A cheap look at what must stand beside a part that was found.
#pragma once

#include "match/matcher_state.h"

// Whether the parts before and after the one at `part_at` may stand where the gaps allow, given
// that it matches from `start` to `ends`. True also when a gap is too wide to look: then the search
// over the whole object decides.
bool ov_chain_is_possible(struct ov_matcher *matcher, const struct ov_image_pattern *pattern,
                          uint32_t part_at, size_t start, const struct ov_ends *ends);
