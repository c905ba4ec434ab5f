// SPDX-License-Identifier: Apache-2.0
//
// LZMA as packers of programs write it: no header, no first zero byte, no end mark; the parameters
// stand in the stub, and may be such as liblzma does not take. Worker process only.
#pragma once

#include "format/exe/packed.h"

struct ov_raw_lzma {
    unsigned literal_bits;          // lc, at most 8
    unsigned literal_position_bits; // lp, at most 4
    unsigned position_bits;         // pb, at most 4
};

// Unpacks from `in` until the place is full, and leaves `in` somewhere behind what was read.
// OV_OK; OV_DAMAGED: it breaks off, or refers to what was never written; OV_LIMIT: no time left;
// OV_MEMORY: of the arena; OV_UNSUPPORTED: parameters out of bounds.
enum ov_status ov_raw_lzma_unpack(const struct ov_raw_lzma *lzma, struct ov_cursor *in,
                                  struct ov_walk *walk, struct ov_place *place);
