// SPDX-License-Identifier: Apache-2.0
// Compares icons by their measures; tolerances, weights and roundings are clamscan's.
#include "match/icons.h"

#include <math.h>
#include <stdlib.h>

enum {
    LEVEL_TOLERANCE = 255 / 5,
    COLOR_TOLERANCE = OV_ICON_LEVEL_MAX / 5,
    FULL = 100,              // what two equal things agree by
    LOST_BY_DISTANCE = 60,   // of it, at the greatest distance
    ENOUGH_SMALL = 72,       // for the smallest icons, and less by
    ENOUGH_STEP = 4,         // so much for each larger class
    ENOUGH_BLACK_WHITE = 70, // whatever the size
};

// Squares of one kind, of one or two lists.
struct spots {
    const struct ov_icon_spot *lists[2];
    uint32_t list_count;
};

static struct spots take_spots(const struct ov_icon *icon, enum ov_icon_kind kind) {
    return (struct spots){.lists = {icon->spots[kind]}, .list_count = 1};
}

static struct spots take_both(const struct ov_icon *icon, enum ov_icon_kind first,
                              enum ov_icon_kind second) {
    return (struct spots){.lists = {icon->spots[first], icon->spots[second]}, .list_count = 2};
}

// By how much two squares agree: 0, or what their distance leaves.
static unsigned compare_spot(const struct ov_icon_spot *left, const struct ov_icon_spot *right,
                             int tolerance, unsigned reach) {
    int x = left->x - right->x, y = left->y - right->y;
    unsigned distance = (unsigned)sqrt(x * x + y * y);
    if (distance > reach || abs(left->level - right->level) > tolerance) {
        return 0;
    }
    return FULL - distance * LOST_BY_DISTANCE / reach;
}

// The mean of how much each square on the left agrees with the best for it on the right.
static unsigned compare_spots(struct spots left, struct spots right, int tolerance,
                              unsigned reach) {
    unsigned sum = 0, count = left.list_count * OV_ICON_SPOTS;
    for (unsigned i = 0; i < count; i++) {
        unsigned best = 0;
        for (unsigned k = 0; k < count; k++) {
            unsigned one =
                compare_spot(&left.lists[i / OV_ICON_SPOTS][i % OV_ICON_SPOTS],
                             &right.lists[k / OV_ICON_SPOTS][k % OV_ICON_SPOTS], tolerance, reach);
            best = one > best ? one : best;
        }
        sum += best;
    }
    return count > 0 ? sum / count : 0;
}

static unsigned compare_kind(const struct ov_icon *left, const struct ov_icon *right,
                             enum ov_icon_kind kind, unsigned reach) {
    bool is_color = kind == OV_ICON_COLORED || kind == OV_ICON_GRAY;
    return compare_spots(take_spots(left, kind), take_spots(right, kind),
                         is_color ? COLOR_TOLERANCE : LEVEL_TOLERANCE, reach);
}

static unsigned compare_share(unsigned left, unsigned right) {
    unsigned lost = (unsigned)abs((int)left - (int)right) * 10;
    return lost < FULL ? FULL - lost : 0;
}

static unsigned compare_shares(const struct ov_icon *left, const struct ov_icon *right) {
    return (compare_share(left->red, right->red) + compare_share(left->green, right->green) +
            compare_share(left->blue, right->blue) + compare_share(left->colored, right->colored)) /
           4;
}

// Whether both are black and white, and alike: then edges count most.
static bool is_like_black_white(const struct ov_icon *left, const struct ov_icon *right,
                                unsigned reach) {
    unsigned edged =
        compare_spots(take_both(left, OV_ICON_EDGED, OV_ICON_COLORED),
                      take_both(right, OV_ICON_EDGED, OV_ICON_COLORED), LEVEL_TOLERANCE, reach);
    unsigned smooth =
        compare_spots(take_both(left, OV_ICON_SMOOTH, OV_ICON_GRAY),
                      take_both(right, OV_ICON_SMOOTH, OV_ICON_GRAY), LEVEL_TOLERANCE, reach);
    unsigned bright = compare_kind(left, right, OV_ICON_BRIGHT, reach);
    unsigned dark = compare_kind(left, right, OV_ICON_DARK, reach);
    return (bright + dark + edged * 2 + smooth) / 6 >= ENOUGH_BLACK_WHITE;
}

static bool is_like(const struct ov_icon *left, const struct ov_icon *right) {
    unsigned reach = left->side / 4u * 3 / 4;
    if (left->colored == 0 && right->colored == 0) {
        return is_like_black_white(left, right, reach);
    }
    unsigned colored = 0, gray = 0;
    if (left->colored != 0 && right->colored != 0) {
        colored = compare_kind(left, right, OV_ICON_COLORED, reach);
        gray = compare_kind(left, right, OV_ICON_GRAY, reach);
    }
    unsigned bright = compare_kind(left, right, OV_ICON_BRIGHT, reach);
    unsigned dark = compare_kind(left, right, OV_ICON_DARK, reach);
    unsigned edged = compare_kind(left, right, OV_ICON_EDGED, reach);
    unsigned smooth = compare_kind(left, right, OV_ICON_SMOOTH, reach);
    unsigned sum =
        colored + (gray + bright + smooth) * 2 / 3 + dark + edged + compare_shares(left, right);
    return sum / 6 >= ENOUGH_SMALL - ENOUGH_STEP * ov_icon_class(left);
}

static bool is_wanted(const struct ov_image_icon *icon, const uint16_t groups[2]) {
    for (unsigned list = 0; list < 2; list++) {
        if (groups[list] != OV_ICON_GROUP_ANY && groups[list] != icon->groups[list]) {
            return false;
        }
    }
    return true;
}

bool ov_icons_match(struct ov_matcher *matcher, const uint16_t groups[2]) {
    const struct ov_anchors *anchors = &matcher->object->anchors;
    uint32_t count = 0;
    if (matcher->icon_count == 0 || anchors->icons == NULL) {
        return false;
    }
    const struct ov_icon *icons = anchors->icons(anchors->arg, &count);
    for (uint32_t i = 0; i < count && ov_matcher_has_time(matcher); i++) {
        for (uint32_t k = 0; k < matcher->icon_count; k++) {
            const struct ov_image_icon *wanted = &matcher->icons[k];
            if (ov_icon_class(&wanted->icon) == ov_icon_class(&icons[i]) &&
                is_wanted(wanted, groups) && is_like(&icons[i], &wanted->icon)) {
                return true;
            }
        }
    }
    return false;
}
