// SPDX-License-Identifier: Apache-2.0
//
// Pictures, decoded for one purpose: the perceptual hash that rules compare (`fuzzy_img#`).
//
// A decoder hands over its rows from the top down, and each is added to 32 sums at once: no picture
// is ever held as a whole, unless its format stores the rows in another order. How many bytes it
// may have, colours and roundings are those of clamscan's library (image-rs 0.25), because rules
// hold hashes that it made. Worker process only: the bytes are hostile, and may change while they
// are read.
#pragma once

#include "base/arena.h"
#include "base/budget.h"
#include "base/filetype.h"
#include "base/span.h"

#include <stdbool.h>

enum { OV_PICTURE_SIDE = 32 }; // of the small grey picture that is hashed

// A range of rows or columns that makes one of the small picture, and how it is weighed.
struct ov_picture_tap {
    uint32_t first, end;
    float *weights; // of first to end - 1
};

struct ov_picture {
    struct ov_span bytes;
    struct ov_budget *budget;
    struct ov_arena *arena; // of this picture alone
    uint32_t width, height; // from ov_picture_begin on
    uint32_t row;           // next one
    struct ov_picture_tap taps[OV_PICTURE_SIDE];
    uint32_t stride; // points from one row of sums to the next: the width, rounded up
    float *sums;     // 32 rows
    float *luma;     // one row
};

// Computes the hash of a picture of that type. OV_OK; OV_DAMAGED or OV_UNSUPPORTED: it has none, as
// for clamscan; OV_LIMIT (noted in the budget): it might have one; OV_MEMORY.
enum ov_status ov_picture_hash(struct ov_span bytes, enum ov_filetype type,
                               struct ov_budget *budget, uint64_t *ret_hash);

// ---- for decoders ------------------------------------------------------------------------------

// Says how large the picture is, and how many bytes clamscan would take for a point. OV_UNSUPPORTED
// when it has no points or clamscan would refuse it for its size, OV_LIMIT when it is too much for
// us. Nothing has been allocated by then, and nothing may be before.
enum ov_status ov_picture_begin(struct ov_picture *picture, uint64_t width, uint64_t height,
                                unsigned point_bytes);

// Adds the next row: red, green, blue, 8 bits each, for every point. OV_LIMIT when time is over.
enum ov_status ov_picture_add(struct ov_picture *picture, const uint8_t *rgb);

// `count` zeroed items of `size` bytes for as long as the picture lives. OV_LIMIT, noted, when the
// picture has used up what one may take; OV_MEMORY never.
enum ov_status ov_picture_alloc(struct ov_picture *picture, uint64_t count, size_t size,
                                void **ret_memory);

// Each begins the picture and adds its rows. A picture is whole when all rows were added.
enum ov_status ov_picture_read_bmp(struct ov_picture *picture);
enum ov_status ov_picture_read_gif(struct ov_picture *picture);
enum ov_status ov_picture_read_jpeg(struct ov_picture *picture);
enum ov_status ov_picture_read_png(struct ov_picture *picture);
enum ov_status ov_picture_read_tiff(struct ov_picture *picture);

// The grey value of a point, 0 to 255.
static inline uint8_t ov_picture_luma(uint8_t red, uint8_t green, uint8_t blue) {
    const float of_red = 0.299f, of_green = 0.587f, of_blue = 0.114f;
    float sum = of_red * (float)red + of_green * (float)green + of_blue * (float)blue;
    return (uint8_t)(int)(sum + 0.5f);
}

// The hash of a small picture, row by row: which of the 64 lowest frequencies are above the median.
// picture_hash.c
uint64_t ov_picture_hash_small(const uint8_t small[OV_PICTURE_SIDE * OV_PICTURE_SIDE]);
