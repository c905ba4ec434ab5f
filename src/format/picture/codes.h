// SPDX-License-Identifier: Apache-2.0
//
// LZW as pictures use it: codes of growing width, with one that empties the table and one that
// ends.
//
// GIF89a, appendix F; TIFF 6.0, section 13.
#pragma once

#include "format/picture/picture.h"

struct ov_codes {
    struct ov_span in;
    unsigned literal_bits; // GIF: 1 to 11; TIFF: 8
    bool is_tiff;          // the highest bit first, and wider codes one code earlier
};

// Unpacks until `count` bytes are there. OV_DAMAGED when the codes end sooner, or one is not there
// yet; OV_LIMIT, of time or memory.
enum ov_status ov_codes_unpack(const struct ov_codes *codes, struct ov_picture *picture,
                               uint8_t *ret_out, uint64_t count);
