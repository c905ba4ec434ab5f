// SPDX-License-Identifier: Apache-2.0
//
// The digests of files that catalogs list, in an image.
//
// Borrows the image, and believes nothing in it. Any number of threads.
#pragma once

#include "base/hash_kind.h"
#include "match/image.h"

struct ov_listed {
    const struct ov_image_listed *items;
    uint32_t count;
    bool has[2][OV_HASH_KINDS]; // any of OV_LISTED_* and of that kind
};

// OV_DAMAGED with a reason when the records are not what they should be.
enum ov_status ov_listed_open(const struct ov_image *image, char ret_reason[OV_IMAGE_REASON_BYTES],
                              struct ov_listed *ret_listed);

// Whether a catalog that counts at the time `now` lists the digest; `what` is OV_LISTED_*.
bool ov_listed_has(const struct ov_listed *listed, unsigned what, enum ov_hash_kind kind,
                   const uint8_t *digest, int64_t now);
