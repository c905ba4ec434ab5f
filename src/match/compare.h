// SPDX-License-Identifier: Apache-2.0
//
// ClamAV's byte compare: a number read at a distance from another subsignature's last match.
#pragma once

#include "match/search.h"

// Whether all comparisons hold for the number at `anchor` + offset.
bool ov_compare_holds(const struct ov_image_compare *compare, struct ov_span object,
                      uint64_t anchor);
