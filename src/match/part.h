// SPDX-License-Identifier: Apache-2.0
//
// Does one part of a pattern stand here, and where is it next? The slow, exact word on every match.
//
// A part is a run of elements without gaps: literal bytes, sets, alternatives, character classes,
// and zero-width edges (docs/formats/image.md, "Parts"). Code comes from the image and is not
// believed: every size is checked against the CODE section; damage sets `is_damaged` and matches
// nothing.
#pragma once

#include "base/budget.h"
#include "base/span.h"
#include "match/layout.h"

struct ov_kernels;

// The CODE section with sticky flags for what was met while following it: damage, and that the time
// ran out (choices within choices can take very long). Either one, and nothing matches any more.
struct ov_code {
    struct ov_span bytes;
    bool is_damaged;
    bool is_late;
    bool is_cut;    // a part had more ends than are followed up: a match may have been missed
    uint32_t steps; // elements matched, for asking the clock now and then
    struct ov_budget *budget; // of the current object; NULL: no end
};

// `size` bytes of code at `at` (a multiple of 4), or NULL and the flag when they are not all there.
const void *ov_code_get(struct ov_code *code, uint32_t at, uint64_t size);

enum { OV_PART_ENDS_MAX = 64 }; // different lengths of one match that are followed up

// Where a match may end: offsets in the object, each once.
struct ov_ends {
    uint32_t count;
    bool is_cut; // there were more
    size_t at[OV_PART_ENDS_MAX];
};

// A part that has been found in the code, ready for use.
struct ov_part {
    const struct ov_image_part *head;
    struct ov_span elems;
    bool is_wide;
};

// Looks up the part at `at` and the offset of the part after it. False, and the flag, on damage.
bool ov_part_open(struct ov_code *code, uint32_t at, bool is_wide, struct ov_part *ret_part,
                  uint32_t *ret_next);

// Whether the part matches `object` from `start` on; its ends go to *ret_ends (set to none if not).
bool ov_part_match(struct ov_code *code, const struct ov_part *part, struct ov_span object,
                   size_t start, struct ov_ends *ret_ends);

// The first start in [from, last] where the part matches, or SIZE_MAX; its ends go to *ret_ends.
size_t ov_part_find(struct ov_code *code, const struct ov_kernels *kernels,
                    const struct ov_part *part, struct ov_span object, size_t from, size_t last,
                    struct ov_ends *ret_ends);
