// SPDX-License-Identifier: Apache-2.0
//
// What the headers of a BMP say, for its two ways to store points.
#pragma once

#include "format/picture/picture.h"

enum { OV_BMP_RUNS_8 = 1, OV_BMP_RUNS_4 = 2 };

struct ov_bmp_mask {
    unsigned shift, bits;
};

struct ov_bmp_color {
    uint8_t part[3]; // red, green, blue
};

struct ov_bmp {
    uint32_t width, height, stored, color_count;
    uint16_t planes, bits;
    bool is_top_down, is_sound;
    uint32_t data_at;
    struct ov_bmp_mask masks[3]; // red, green, blue
    struct ov_bmp_color palette[256];
};

// Unpacks run lengths and adds the rows to the picture, which has begun. Statuses of a decoder.
enum ov_status ov_bmp_add_runs(const struct ov_bmp *bmp, struct ov_picture *picture);
