// SPDX-License-Identifier: Apache-2.0
//
// From the coefficients of a JPEG to its points, rounded as clamscan's library rounds.
//
// Each decoder has its own roundings (ITU-T T.83 allows one level of difference), and one level is
// enough to turn a bit of a hash. These are of zune-jpeg 0.5, which image-rs decodes with.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { OV_JPEG_SIDE = 8, OV_JPEG_BLOCK = OV_JPEG_SIDE * OV_JPEG_SIDE };

// Undoes the transform of one block; both tables row by row. Writes eight rows of eight levels,
// each `stride` after the one before.
void ov_jpeg_block(const int16_t coefficients[OV_JPEG_BLOCK], const uint16_t steps[OV_JPEG_BLOCK],
                   uint8_t *ret_levels, size_t stride);

// One of the two rows that a row of half the height becomes: `beside` is the next one on that side.
void ov_jpeg_mix_rows(const uint8_t *row, const uint8_t *beside, size_t count, uint8_t *ret_row);

// A row of twice the width.
void ov_jpeg_widen(const uint8_t *row, size_t count, uint8_t *ret_row);

// Red, green and blue of a point.
void ov_jpeg_color(int light, int blue, int red, uint8_t ret_rgb[3]);
