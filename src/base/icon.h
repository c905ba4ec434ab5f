// SPDX-License-Identifier: Apache-2.0
//
// What a rule for icons knows of a picture: a few measures, as ClamAV's .idb files write them.
//
// Format readers measure the icons of a program, rule readers read measures, the matcher compares
// the two. Stands in images as it is: docs/formats/image.md, "Icons".
#pragma once

#include <stdint.h>

enum {
    OV_ICON_SPOTS = 3,       // of each kind, the strongest first
    OV_ICON_LEVEL_MAX = 4072 // of colours and greys; all others end at 255
};

// Squares of a quarter of the icon's side that stand out, and do not overlap.
enum ov_icon_kind {
    OV_ICON_COLORED, // in black and white icons the fourth to sixth of OV_ICON_EDGED
    OV_ICON_GRAY,    // likewise of OV_ICON_SMOOTH
    OV_ICON_BRIGHT,
    OV_ICON_DARK,
    OV_ICON_EDGED,
    OV_ICON_SMOOTH,
    OV_ICON_KINDS,
};

struct ov_icon_spot {
    uint16_t level; // mean over the square
    uint8_t x, y;   // of its upper left corner
};

struct ov_icon {
    uint8_t side;             // points
    uint8_t red, green, blue; // how much of it is in what is coloured: about 100 together
    uint8_t colored;          // percent of the points; 0: black and white
    uint8_t zero[3];
    struct ov_icon_spot spots[OV_ICON_KINDS][OV_ICON_SPOTS];
};

// Icons are compared within three classes, of about 16, 24 and 32 points: 0 to 2.
static inline uint32_t ov_icon_class(const struct ov_icon *icon) {
    return icon->side < 24 ? 0u : icon->side < 32 ? 1u : 2u;
}
