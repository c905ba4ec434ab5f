// SPDX-License-Identifier: Apache-2.0
//
// Whether a program has an icon like one of those that a rule asks for.
//
// Measures are compared, not pictures: both sides were made from different files, scaled and
// drawn on white, so each measure has a tolerance.
#pragma once

#include "match/matcher_state.h"

// Whether an icon of the current object is like an icon of the image that is in these groups.
bool ov_icons_match(struct ov_matcher *matcher, const uint16_t groups[2]);
