// SPDX-License-Identifier: Apache-2.0
// Measures of an icon: where it is colourful, grey, bright, dark, full of edges and smooth, and
// which colours it has.
#include "format/exe/icon.h"

#include <math.h>
#include <stdlib.h>

enum {
    POINTS = OV_ICON_SIDE_MAX * OV_ICON_SIDE_MAX,
    TELLING = 85,            // saturation and value above which a point counts as coloured
    COLORED_PERCENT_MIN = 5, // an icon with no more is black and white
    SPOTS_MAX = 2 * OV_ICON_SPOTS,
};

// One number for each point.
struct plane {
    uint32_t side;
    uint32_t at[POINTS];
};

struct color {
    int red, green, blue;
    uint32_t spread;     // of the three
    uint32_t saturation; // 0 to 255
    uint32_t value;      // 0 to 255
};

static struct color read_color(uint32_t point) {
    struct color color = {.red = (int)(point >> 16 & 0xff),
                          .green = (int)(point >> 8 & 0xff),
                          .blue = (int)(point & 0xff)};
    int least = color.red < color.green ? color.red : color.green;
    int most = color.red > color.green ? color.red : color.green;
    least = least < color.blue ? least : color.blue;
    most = most > color.blue ? most : color.blue;
    color.spread = (uint32_t)(most - least);
    color.value = (uint32_t)most;
    color.saturation = most > 0 ? 255 * color.spread / color.value : 0;
    return color;
}

// ---- spots -------------------------------------------------------------------------------------

struct spots {
    uint32_t level[SPOTS_MAX], x[SPOTS_MAX], y[SPOTS_MAX];
};

static uint32_t spot_side(uint32_t side) {
    return side / 4;
}

// The sum over the square at that point.
static uint32_t sum_square(const struct plane *plane, uint32_t x, uint32_t y) {
    uint32_t sum = 0, size = spot_side(plane->side);
    for (uint32_t row = y; row < y + size; row++) {
        for (uint32_t column = x; column < x + size; column++) {
            sum += plane->at[row * plane->side + column];
        }
    }
    return sum;
}

// The sums over all squares; the last ones of each row and column are not looked at.
static void sum_squares(const struct plane *plane, struct plane *ret_sums) {
    ret_sums->side = plane->side;
    uint32_t size = spot_side(plane->side);
    for (uint32_t y = 0; y + size < plane->side; y++) {
        for (uint32_t x = 0; x + size + 1 < plane->side; x++) {
            ret_sums->at[y * plane->side + x] = sum_square(plane, x, y);
        }
    }
}

static bool is_apart(uint32_t a, uint32_t b, uint32_t size) {
    return a + size <= b || b + size <= a;
}

static bool is_free(const struct spots *spots, uint32_t count, const struct plane *sums,
                    uint32_t at) {
    uint32_t size = spot_side(sums->side), x = at % sums->side, y = at / sums->side;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_apart(x, spots->x[i], size) && !is_apart(y, spots->y[i], size)) {
            return false;
        }
    }
    return true;
}

// The highest (or lowest) squares that do not overlap, each the first of its kind from the top
// left. What is not there stays at the corner with the level that it would have to exceed.
static struct spots find_spots(const struct plane *sums, uint32_t count, bool is_highest) {
    struct spots spots = {0};
    uint32_t size = spot_side(sums->side);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t best = is_highest ? 0 : UINT32_MAX;
        for (uint32_t y = 0; y + size < sums->side; y++) {
            for (uint32_t x = 0; x + size + 1 < sums->side; x++) {
                uint32_t at = y * sums->side + x, sum = sums->at[at];
                if ((is_highest ? sum > best : sum < best) && is_free(&spots, i, sums, at)) {
                    best = sum;
                    spots.x[i] = x;
                    spots.y[i] = y;
                }
            }
        }
        spots.level[i] = best / (size * size);
    }
    return spots;
}

// Copies three spots from `first` on. Levels that no square has are cut: they match nothing.
static void set_spots(const struct spots *spots, uint32_t first, struct ov_icon_spot *ret_spots) {
    for (uint32_t i = 0; i < OV_ICON_SPOTS; i++) {
        uint32_t level = spots->level[first + i];
        ret_spots[i].level = level < UINT16_MAX ? (uint16_t)level : UINT16_MAX;
        ret_spots[i].x = (uint8_t)spots->x[first + i];
        ret_spots[i].y = (uint8_t)spots->y[first + i];
    }
}

// ---- colours and light -------------------------------------------------------------------------

static void measure_light(const struct ov_icon_picture *picture, struct plane *work,
                          struct plane *sums, struct ov_icon *icon) {
    for (uint32_t i = 0; i < picture->side * picture->side; i++) {
        work->at[i] = read_color(picture->points[i]).value;
    }
    sum_squares(work, sums);
    struct spots bright = find_spots(sums, OV_ICON_SPOTS, true);
    struct spots dark = find_spots(sums, OV_ICON_SPOTS, false);
    set_spots(&bright, 0, icon->spots[OV_ICON_BRIGHT]);
    set_spots(&dark, 0, icon->spots[OV_ICON_DARK]);
}

static void measure_color(const struct ov_icon_picture *picture, struct plane *work,
                          struct plane *sums, struct ov_icon *icon) {
    for (uint32_t i = 0; i < picture->side * picture->side; i++) {
        struct color color = read_color(picture->points[i]);
        work->at[i] = (uint32_t)sqrt(color.saturation * color.saturation * color.value);
    }
    sum_squares(work, sums);
    struct spots colored = find_spots(sums, OV_ICON_SPOTS, true);
    struct spots gray = find_spots(sums, OV_ICON_SPOTS, false);
    set_spots(&colored, 0, icon->spots[OV_ICON_COLORED]);
    set_spots(&gray, 0, icon->spots[OV_ICON_GRAY]);
}

// How much a colour dominates when the two others differ by that.
static uint32_t find_share(int a, int b, uint32_t spread) {
    return 100 - 100 * (uint32_t)abs(a - b) / spread;
}

// The shares of the three colours, and how much of the icon is coloured at all.
static void measure_shares(const struct ov_icon_picture *picture, struct ov_icon *icon) {
    uint32_t points = picture->side * picture->side;
    uint32_t count = 0, red = 0, green = 0, blue = 0;
    for (uint32_t i = 0; i < points; i++) {
        struct color color = read_color(picture->points[i]);
        if (color.saturation > TELLING && color.value > TELLING) {
            count++;
            red += find_share(color.green, color.blue, color.spread);
            green += find_share(color.red, color.blue, color.spread);
            blue += find_share(color.red, color.green, color.spread);
        }
    }
    if (count == 0 || count * 100 / points <= COLORED_PERCENT_MIN) {
        return;
    }
    icon->red = (uint8_t)(red / count);
    icon->green = (uint8_t)(green / count);
    icon->blue = (uint8_t)(blue / count);
    icon->colored = (uint8_t)(count * 100 / points);
}

// ---- edges -------------------------------------------------------------------------------------

struct lab {
    double light, a, b;
};

// The constants of sRGB (IEC 61966-2-1) and of CIE L*a*b* are used in single precision, as clamscan
// does: its measures are rounded down, and would sometimes differ by one.
static double expand_gamma(uint32_t part) {
    double value = (double)part / 255.0;
    return 100.0f * (value > 0.04045f ? pow((value + 0.055f) / 1.055f, 2.4f) : value / 12.92f);
}

static double bend(double value) {
    return value > 0.008856f ? pow(value, 1.0f / 3.0f) : 7.787f * value + 16.0f / 116.0f;
}

static struct lab read_lab(uint32_t point) {
    double red = expand_gamma(point >> 16 & 0xff);
    double green = expand_gamma(point >> 8 & 0xff);
    double blue = expand_gamma(point & 0xff);
    double x = bend((red * 0.4124f + green * 0.3576f + blue * 0.1805f) / 95.047f);
    double y = bend((red * 0.2126f + green * 0.7152f + blue * 0.0722f) / 100.0f);
    double z = bend((red * 0.0193f + green * 0.1192f + blue * 0.9505f) / 108.883f);
    return (struct lab){.light = 116.0f * y - 16.0f, .a = 500.0f * (x - y), .b = 200.0f * (y - z)};
}

// How far two colours are apart, as people see it (CIE 1976).
static double find_distance(const struct lab *left, const struct lab *right) {
    double light = left->light - right->light, a = left->a - right->a, b = left->b - right->b;
    return sqrt(light * light + a * a + b * b);
}

// Sobel's operator on the distances from a middle grey; the border stays 0.
static void find_edges(const struct ov_icon_picture *picture, struct plane *ret_edges) {
    uint32_t side = picture->side;
    double distance[POINTS];
    struct lab gray = read_lab(0x7f7f7f);
    for (uint32_t i = 0; i < side * side; i++) {
        struct lab lab = read_lab(picture->points[i]);
        distance[i] = find_distance(&gray, &lab);
    }
    memset(ret_edges->at, 0, sizeof ret_edges->at);
    for (uint32_t y = 1; y + 1 < side; y++) {
        for (uint32_t x = 1; x + 1 < side; x++) {
            const double *up = &distance[(y - 1) * side + x - 1];
            const double *row = &distance[y * side + x - 1];
            const double *down = &distance[(y + 1) * side + x - 1];
            double across = up[0] + row[0] * 2 + down[0] - up[2] - row[2] * 2 - down[2];
            double along = up[0] + up[1] * 2 + up[2] - down[0] - down[1] * 2 - down[2];
            ret_edges->at[y * side + x] = (uint32_t)sqrt(across * across + along * along);
        }
    }
}

// Brings the strongest edge to 255. Where there is none, the blue part of the points stands for it,
// which clamscan leaves there.
static void normalise_edges(const struct ov_icon_picture *picture, struct plane *edges) {
    uint32_t side = picture->side, most = 0;
    for (uint32_t i = 0; i < side * side; i++) {
        most = edges->at[i] > most ? edges->at[i] : most;
    }
    for (uint32_t y = 1; y + 1 < side; y++) {
        for (uint32_t x = 1; x + 1 < side; x++) {
            uint32_t i = y * side + x;
            edges->at[i] = most > 0 ? edges->at[i] * 255 / most : picture->points[i] & 0xff;
        }
    }
}

// Weighs each point with its neighbours, 1:2:1, along the rows and then down the columns. The row
// above is taken as it is after the second step, in clamscan's way.
static void blur_edges(struct plane *edges, struct plane *work) {
    uint32_t side = edges->side;
    memset(work->at, 0, sizeof work->at);
    for (uint32_t y = 1; y + 1 < side; y++) {
        for (uint32_t x = 1; x + 1 < side; x++) {
            const uint32_t *at = &edges->at[y * side + x - 1];
            work->at[y * side + x] = (at[0] + 2 * at[1] + at[2]) / 4;
        }
    }
    for (uint32_t y = 1; y + 1 < side; y++) {
        for (uint32_t x = 1; x + 1 < side; x++) {
            uint32_t i = y * side + x;
            edges->at[i] = (edges->at[i - side] + 2 * work->at[i] + work->at[i + side]) / 4;
        }
    }
}

static void measure_edges(const struct ov_icon_picture *picture, struct plane *work,
                          struct plane *sums, struct ov_icon *icon) {
    find_edges(picture, work);
    normalise_edges(picture, work);
    blur_edges(work, sums);
    sum_squares(work, sums);
    struct spots edged = find_spots(sums, SPOTS_MAX, true);
    struct spots smooth = find_spots(sums, SPOTS_MAX, false);
    set_spots(&edged, 0, icon->spots[OV_ICON_EDGED]);
    set_spots(&smooth, 0, icon->spots[OV_ICON_SMOOTH]);
    if (icon->colored == 0) {
        // The places of the smooth ones are those of the edges: so they stand in rules.
        set_spots(&edged, OV_ICON_SPOTS, icon->spots[OV_ICON_COLORED]);
        memcpy(smooth.x, edged.x, sizeof smooth.x);
        memcpy(smooth.y, edged.y, sizeof smooth.y);
        set_spots(&smooth, OV_ICON_SPOTS, icon->spots[OV_ICON_GRAY]);
    }
}

void ov_icon_measure(const struct ov_icon_picture *picture, struct ov_icon *ret_icon) {
    struct plane work = {.side = picture->side}, sums = {.side = picture->side};
    struct ov_icon icon = {.side = (uint8_t)picture->side};
    measure_light(picture, &work, &sums, &icon);
    measure_color(picture, &work, &sums, &icon);
    measure_shares(picture, &icon);
    measure_edges(picture, &work, &sums, &icon);
    *ret_icon = icon;
}
