// SPDX-License-Identifier: Apache-2.0
// From the bytes of an icon to a square of 16 to 32 points.
#include "base/cursor.h"
#include "format/exe/icon.h"

#include <stdlib.h>

enum {
    HEADER_BYTES = 40, // BITMAPINFOHEADER
    SIDE_MIN = 16,
    OPAQUE = 0xff,
};

static const uint32_t ALPHA_MASK = 0xff000000;

// An icon as it stands in the file.
struct bitmap {
    uint32_t width, height; // points
    uint32_t depth;         // bits a point
    uint32_t row_bytes, mask_row_bytes;
    struct ov_span colors; // palette: 4 bytes each
    struct ov_span rows;   // the lowest first
    struct ov_span mask;   // a bit for each point: 1 lets through what is behind. May be empty
};

// Bytes of a row of so many bits: a multiple of four.
static uint32_t measure_row(uint32_t bits) {
    return (bits + 31) / 32 * 4;
}

static bool is_known_depth(uint32_t depth) {
    return depth == 1 || depth == 4 || depth == 8 || depth == 16 || depth == 24 || depth == 32;
}

// Whether both sides are of a size that is looked at, and alike.
static bool has_icon_shape(const struct bitmap *bitmap) {
    uint32_t width = bitmap->width, height = bitmap->height;
    bool is_sized = width >= SIDE_MIN && width <= OV_ICON_DRAWN_SIDE_MAX && height >= SIDE_MIN &&
                    height <= OV_ICON_DRAWN_SIDE_MAX;
    return is_sized && width >= height * 3 / 4 && height >= width * 3 / 4;
}

static bool open_bitmap(struct ov_span file, uint64_t at, struct bitmap *ret_bitmap) {
    struct ov_cursor in = ov_cursor_init(file);
    ov_cursor_seek(&in, at);
    uint32_t header_bytes = ov_cursor_u32le(&in);
    struct bitmap bitmap = {.width = ov_cursor_u32le(&in)};
    bitmap.height = ov_cursor_u32le(&in) / 2; // with the mask's rows
    ov_cursor_skip(&in, 2);                   // planes
    bitmap.depth = ov_cursor_u16le(&in);
    ov_cursor_skip(&in, HEADER_BYTES - 16);
    if (in.has_failed || header_bytes < HEADER_BYTES || !has_icon_shape(&bitmap) ||
        !is_known_depth(bitmap.depth)) {
        return false;
    }
    ov_cursor_skip(&in, header_bytes - HEADER_BYTES);
    bitmap.colors = ov_cursor_bytes(&in, bitmap.depth <= 8 ? 4u << bitmap.depth : 0);
    bitmap.row_bytes = measure_row(bitmap.width * bitmap.depth);
    bitmap.mask_row_bytes = measure_row(bitmap.width);
    bitmap.rows = ov_cursor_bytes(&in, (uint64_t)bitmap.row_bytes * bitmap.height);
    bool has_rows = !in.has_failed;
    bitmap.mask = ov_cursor_bytes(&in, (uint64_t)bitmap.mask_row_bytes * bitmap.height);
    *ret_bitmap = bitmap;
    // Points of 32 bits mostly have their own transparency.
    return has_rows && (!in.has_failed || bitmap.depth == 32);
}

// ---- points ------------------------------------------------------------------------------------

// The point as clamscan sees it: red and green run into one another and into the transparency.
static uint32_t widen_16(uint32_t low, uint32_t high) {
    uint32_t blue = low & 0x1f;
    uint32_t green = low >> 5 | (high & 3) << 3;
    uint32_t red = high & 0xfc;
    blue = blue << 3 | blue >> 2;
    green = (green << 3 | green >> 2) << 11;
    red = (red << 3 | red >> 2) << 17;
    return red | green | blue;
}

static uint32_t read_color(struct ov_span colors, uint32_t number) {
    struct ov_cursor in = ov_cursor_init(colors);
    ov_cursor_seek(&in, (uint64_t)number * 4);
    return ov_cursor_u32le(&in);
}

// The value of a point, with its transparency in the upper eight bits as far as it has one.
static uint32_t read_point(const struct bitmap *bitmap, struct ov_span row, uint32_t x) {
    struct ov_cursor in = ov_cursor_init(row);
    ov_cursor_seek(&in, (uint64_t)x * bitmap->depth / 8);
    uint32_t value = ov_cursor_u8(&in);
    if (bitmap->depth <= 8) {
        uint32_t shift = 8 - bitmap->depth - x * bitmap->depth % 8;
        return read_color(bitmap->colors, value >> shift & ((1u << bitmap->depth) - 1));
    }
    uint32_t second = ov_cursor_u8(&in);
    if (bitmap->depth == 16) {
        return widen_16(value, second);
    }
    value |= second << 8 | (uint32_t)ov_cursor_u8(&in) << 16;
    return bitmap->depth == 24 ? value : value | (uint32_t)ov_cursor_u8(&in) << 24;
}

static void read_points(const struct bitmap *bitmap, uint32_t *points) {
    for (uint32_t y = 0; y < bitmap->height; y++) {
        size_t at = (size_t)(bitmap->height - 1 - y) * bitmap->row_bytes;
        struct ov_span row = ov_span_part(bitmap->rows, at, bitmap->row_bytes);
        for (uint32_t x = 0; x < bitmap->width; x++) {
            points[y * bitmap->width + x] = read_point(bitmap, row, x);
        }
    }
}

// What the mask does not let through has its own colour. Without a mask that is everything.
static void apply_mask(const struct bitmap *bitmap, uint32_t *points) {
    for (uint32_t y = 0; y < bitmap->height; y++) {
        size_t at = (size_t)(bitmap->height - 1 - y) * bitmap->mask_row_bytes;
        struct ov_span row = ov_span_part(bitmap->mask, at, bitmap->mask_row_bytes);
        for (uint32_t x = 0; x < bitmap->width; x++) {
            bool is_clear = row.size > x / 8 && (row.data[x / 8] >> (7 - x % 8) & 1) != 0;
            points[y * bitmap->width + x] |= is_clear ? 0 : ALPHA_MASK;
        }
    }
}

static uint32_t blend_part(uint32_t value, uint32_t alpha) {
    return OPAQUE - alpha + alpha * value / OPAQUE;
}

// Lays the picture on white.
static void blend_points(uint32_t *points, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t point = points[i], alpha = point >> 24;
        points[i] = blend_part(point >> 16 & 0xff, alpha) << 16 |
                    blend_part(point >> 8 & 0xff, alpha) << 8 | blend_part(point & 0xff, alpha);
    }
}

static bool has_alpha(const uint32_t *points, uint32_t count) {
    uint32_t all = 0;
    for (uint32_t i = 0; i < count; i++) {
        all |= points[i];
    }
    return (all & ALPHA_MASK) != 0;
}

// ---- size --------------------------------------------------------------------------------------

// The mean of two points, each colour rounded down.
static uint32_t average(uint32_t a, uint32_t b) {
    return (((a ^ b) & 0xfefefe) >> 1) + (a & b);
}

// Halves a square of an even side in its place.
static void halve_picture(struct ov_icon_picture *picture) {
    uint32_t side = picture->side, half = side / 2;
    uint32_t *points = picture->points;
    for (uint32_t y = 0; y < half; y++) {
        for (uint32_t x = 0; x < half; x++) {
            uint32_t upper = y * 2 * side + x * 2, lower = upper + side;
            points[y * half + x] = average(average(points[upper], points[upper + 1]),
                                           average(points[lower], points[lower + 1]));
        }
    }
    picture->side = half;
}

// How far a bitmap is from that size.
static uint32_t find_distance(const struct bitmap *bitmap, int side) {
    return (uint32_t)(abs((int)bitmap->width - side) + abs((int)bitmap->height - side));
}

static uint32_t choose_side(const struct bitmap *bitmap) {
    uint32_t to_16 = find_distance(bitmap, 16);
    uint32_t to_24 = find_distance(bitmap, 24);
    uint32_t to_32 = find_distance(bitmap, 32);
    return to_32 < to_24 ? 32 : to_24 < to_16 ? 24 : 16;
}

// Takes the nearest point for each; from `points` into the picture.
static void sample_points(const struct bitmap *bitmap, struct ov_icon_picture *picture) {
    uint32_t side = choose_side(bitmap);
    uint32_t sampled[OV_ICON_SIDE_MAX * OV_ICON_SIDE_MAX];
    double scale_x = (double)bitmap->width / side;
    double scale_y = (double)bitmap->height / side;
    for (uint32_t y = 0; y < side; y++) {
        uint32_t from_y = (uint32_t)(y * scale_y);
        for (uint32_t x = 0; x < side; x++) {
            uint32_t from_x = (uint32_t)(x * scale_x + 0.5);
            sampled[y * side + x] = picture->points[from_y * bitmap->width + from_x];
        }
    }
    memcpy(picture->points, sampled, (size_t)side * side * sizeof *sampled);
    picture->side = side;
}

static void scale_picture(const struct bitmap *bitmap, struct ov_icon_picture *picture) {
    uint32_t side = bitmap->width;
    picture->side = side;
    if (side == bitmap->height && (side == 16 || side % 24 == 0 || side % 32 == 0)) {
        while (picture->side > OV_ICON_SIDE_MAX) {
            halve_picture(picture);
        }
    } else {
        sample_points(bitmap, picture);
    }
}

bool ov_icon_picture_draw(struct ov_span file, uint64_t at, struct ov_icon_picture *picture) {
    struct bitmap bitmap;
    if (!open_bitmap(file, at, &bitmap)) {
        return false;
    }
    uint32_t count = bitmap.width * bitmap.height;
    read_points(&bitmap, picture->points);
    if (bitmap.depth != 32 || !has_alpha(picture->points, count)) {
        apply_mask(&bitmap, picture->points);
    }
    blend_points(picture->points, count);
    scale_picture(&bitmap, picture);
    return true;
}
