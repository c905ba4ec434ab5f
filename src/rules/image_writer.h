// SPDX-License-Identifier: Apache-2.0
//
// Puts sections together into one image (.ovi), in the layout of match/layout.h.
//
// Deterministic: the same sections in any order of adding give the same bytes.
#pragma once

#include "base/buf.h"
#include "match/layout.h"

struct ov_image_writer_section {
    uint32_t type, variant;
    struct ov_buf bytes; // owned
};

struct ov_image_writer {
    struct ov_image_writer_section sections[OV_IMAGE_SECTIONS_MAX];
    uint32_t section_count;
    uint32_t rule_count, hash_rule_count, window_overlap; // copied into the header
};

// The writer is large: allocate it on the heap, zeroed.
void ov_image_writer_init(struct ov_image_writer *ret_writer);
void ov_image_writer_release(struct ov_image_writer *writer);

// A new empty section to write into; valid until release. NULL when there are too many.
struct ov_buf *ov_image_writer_add(struct ov_image_writer *writer, uint32_t type, uint32_t variant);

// Sorts, lays out, digests and writes the whole image. Gives back each section's memory on the way.
enum ov_status ov_image_writer_finish(struct ov_image_writer *writer, struct ov_buf *ret_image);
