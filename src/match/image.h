// SPDX-License-Identifier: Apache-2.0
//
// Opens a compiled image: header and section table are checked, nothing is parsed or copied.
//
// The image borrows its bytes (a read-only mapping). Opening costs microseconds whatever the size;
// ov_image_verify reads every byte and is for updates, not for starts. docs/formats/image.md.
#pragma once

#include "base/span.h"
#include "base/status.h"
#include "match/layout.h"

struct ov_image {
    struct ov_span bytes;
    const struct ov_image_header *header;
    const struct ov_image_section_record *sections; // sorted by (type, variant)
    uint32_t section_count;
};

enum { OV_IMAGE_REASON_BYTES = 160 };

// OV_DAMAGED when the bytes are no image of this version or their table does not hold together;
// then `ret_reason` says what is wrong and at which byte. `bytes` must be aligned to 16.
enum ov_status ov_image_open(struct ov_span bytes, struct ov_image *ret_image,
                             char ret_reason[OV_IMAGE_REASON_BYTES]);

// Compares the SHA-256 of every section with the table. OV_DAMAGED with the reason.
enum ov_status ov_image_verify(const struct ov_image *image,
                               char ret_reason[OV_IMAGE_REASON_BYTES]);

// The bytes of a section, or an empty span when the image has none of that type and variant.
struct ov_span ov_image_section(const struct ov_image *image, uint32_t type, uint32_t variant);

// The same as an array of `item_bytes` items; a tail that fills no item is left out.
const void *ov_image_array(const struct ov_image *image, uint32_t type, uint32_t variant,
                           size_t item_bytes, uint32_t *ret_count);

// Has the kernel begin to read the filter of that target type, for an image not yet in memory.
void ov_image_prefetch_filter(const struct ov_image *image, uint32_t target);
