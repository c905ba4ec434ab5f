// SPDX-License-Identifier: Apache-2.0
//
// A program's icons: found among its resources, drawn as Windows would, and measured.
//
// The order of work and all roundings are clamscan's, because rules hold measures that it made.
// Worker process only: the bytes are hostile, and may change while they are read.
#pragma once

#include "base/budget.h"
#include "base/icon.h"
#include "format/exe.h"

enum {
    OV_ICON_SIDE_MAX = 32,        // as measured
    OV_ICON_DRAWN_SIDE_MAX = 256, // as drawn
    OV_ICON_POINTS_MAX = OV_ICON_DRAWN_SIDE_MAX * OV_ICON_DRAWN_SIDE_MAX,
};

// A square of points, row by row from the top; each is red << 16 | green << 8 | blue.
struct ov_icon_picture {
    uint32_t side;
    uint32_t *points; // room for OV_ICON_POINTS_MAX
};

// Draws the picture (Microsoft's ICO: BITMAPINFOHEADER, colours, points, mask) that stands at that
// offset, on white, and brings it to 16 to 32 points. False when clamscan would not look at it.
bool ov_icon_picture_draw(struct ov_span file, uint64_t at, struct ov_icon_picture *picture);

// Measures a picture of 16 to OV_ICON_SIDE_MAX points.
void ov_icon_measure(const struct ov_icon_picture *picture, struct ov_icon *ret_icon);

// Measures the icons of a readable PE: those of the first group, the one that Windows shows; at
// most a hundred of them. None when it is a library. OV_OK, also when there are none or time ran
// out; OV_MEMORY.
enum ov_status ov_pe_icons(struct ov_span file, const struct ov_exe *exe, struct ov_budget *budget,
                           struct ov_arena *arena, const struct ov_icon **ret_icons,
                           uint32_t *ret_count);
