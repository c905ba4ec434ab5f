// SPDX-License-Identifier: Apache-2.0
//
// Magics of file types that came with the rules (.ftm): bytes at a fixed place.
//
// Borrows the image, and reads its records before the first file; damage is refused then.
#pragma once

#include "base/filetype.h"
#include "match/image.h"

struct ov_magics;

// *ret_magics is NULL when the image has none. OV_MEMORY; OV_DAMAGED with a reason.
enum ov_status ov_magics_new(const struct ov_image *image, char ret_reason[OV_IMAGE_REASON_BYTES],
                             struct ov_magics **ret_magics);
void ov_magics_free(struct ov_magics *magics);

// The type by the first bytes of an object; the magic that was loaded last is preferred, as with
// clamscan. OV_FILETYPE_NONE when none fits.
enum ov_filetype ov_magics_find(const struct ov_magics *magics, struct ov_span first);
