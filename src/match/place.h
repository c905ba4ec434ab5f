// SPDX-License-Identifier: Apache-2.0
//
// Where in an object may a subsignature start? Offsets of rules turned into ranges of file offsets.
#pragma once

#include "match/matcher.h"

struct ov_start_range {
    size_t first, last; // inclusive
};

// The range number `index` of starts that the offset allows in the object; false when there are no
// more. Only VersionInfo offsets have more than one. Ranges may reach past what a pattern fits in.
bool ov_start_range_get(const struct ov_image_sub *sub, const struct ov_object *object,
                        uint32_t index, struct ov_start_range *ret_range);

// Whether a match may start at `start`.
bool ov_start_is_allowed(const struct ov_image_sub *sub, const struct ov_object *object,
                         size_t start);

// The single start that an offset of this kind means, without any shift; false when it has none.
bool ov_start_of(uint8_t offset_kind, uint32_t section, int64_t value,
                 const struct ov_object *object, size_t *ret_start);
