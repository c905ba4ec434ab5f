// SPDX-License-Identifier: Apache-2.0
//
// What the first directory of a TIFF says, and its points unpacked.
#pragma once

#include "format/picture/picture.h"

enum {
    OV_TIFF_PLAIN = 1,
    OV_TIFF_LZW = 5,
    OV_TIFF_DEFLATE = 8,
    OV_TIFF_PACKBITS = 32773,
    OV_TIFF_OLD_DEFLATE = 32946,
};

// Unpacks a strip or tile that begins there until `count` bytes are there. `size`: how long it is
// said to be, which clamscan's library obeys for some packings alone. OV_UNSUPPORTED when we do not
// know the packing; else statuses of a decoder.
enum ov_status ov_tiff_unpack(struct ov_picture *picture, uint32_t packing, struct ov_span bytes,
                              uint64_t size, uint8_t *ret_out, uint64_t count);
