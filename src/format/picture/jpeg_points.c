// SPDX-License-Identifier: Apache-2.0
// Levels and colours of a JPEG.
#include "format/picture/jpeg_points.h"

#include <stdbool.h>
#include <string.h>

enum {
    SIDE = OV_JPEG_SIDE,
    UNIT_BITS = 12, // of the fractions below
    COLUMN_SHIFT = 10,
    ROW_SHIFT = 17,
    COLUMN_ROUND = 1 << (COLUMN_SHIFT - 1),
    // Halves of both passes, and the middle level.
    ROW_ROUND = COLUMN_ROUND + (1 << (ROW_SHIFT - 1)) + (128 << ROW_SHIFT),
    COLOR_BITS = 14,
};

static uint8_t cut(int32_t level) {
    return level < 0 ? 0 : level > 255 ? 255 : (uint8_t)level;
}

// One line of eight, scaled by 2 to the 12th; `round` is added to each (Loeffler, Ligtenberg and
// Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications", 1989). Numbers that no
// encoder writes wrap.
static void undo_line(const uint32_t in[SIDE], uint32_t round, uint32_t ret_out[SIDE]) {
    uint32_t turned = (in[2] + in[6]) * 2217;
    uint32_t even2 = turned - in[6] * 7567, even3 = turned + in[2] * 3135;
    uint32_t even0 = (in[0] + in[4]) << UNIT_BITS, even1 = (in[0] - in[4]) << UNIT_BITS;
    uint32_t sums[4] = {even0 + even3 + round, even1 + even2 + round, even1 - even2 + round,
                        even0 - even3 + round};
    uint32_t all = (in[7] + in[3] + in[5] + in[1]) * 4816;
    uint32_t outer = all - (in[7] + in[1]) * 3685, inner = all - (in[5] + in[3]) * 10497;
    uint32_t threes = (in[7] + in[3]) * 8034, ones = (in[5] + in[1]) * 1597;
    uint32_t odd[4] = {in[1] * 6149 + outer - ones, in[3] * 12586 + inner - threes,
                       in[5] * 8410 + inner - ones, in[7] * 1223 + outer - threes};
    for (unsigned i = 0; i < 4; i++) {
        ret_out[i] = sums[i] + odd[i];
        ret_out[SIDE - 1 - i] = sums[i] - odd[i];
    }
}

static bool is_flat(const int16_t coefficients[OV_JPEG_BLOCK]) {
    int any = 0;
    for (unsigned i = 1; i < OV_JPEG_BLOCK; i++) {
        any |= coefficients[i];
    }
    return any == 0;
}

void ov_jpeg_block(const int16_t coefficients[OV_JPEG_BLOCK], const uint16_t steps[OV_JPEG_BLOCK],
                   uint8_t *ret_levels, size_t stride) {
    if (is_flat(coefficients)) {
        uint32_t sum = (uint32_t)coefficients[0] * steps[0] + 4 + 1024;
        for (unsigned y = 0; y < SIDE; y++) {
            memset(&ret_levels[y * stride], cut((int32_t)sum >> 3), SIDE);
        }
        return;
    }
    uint32_t lines[SIDE][SIDE]; // [y][x] after the pass down the columns
    for (unsigned x = 0; x < SIDE; x++) {
        uint32_t column[SIDE], out[SIDE];
        for (unsigned y = 0; y < SIDE; y++) {
            column[y] = (uint32_t)coefficients[y * SIDE + x] * steps[y * SIDE + x];
        }
        undo_line(column, COLUMN_ROUND, out);
        for (unsigned y = 0; y < SIDE; y++) {
            lines[y][x] = (uint32_t)((int32_t)out[y] >> COLUMN_SHIFT);
        }
    }
    for (unsigned y = 0; y < SIDE; y++) {
        uint32_t out[SIDE];
        undo_line(lines[y], ROW_ROUND, out);
        for (unsigned x = 0; x < SIDE; x++) {
            ret_levels[y * stride + x] = cut((int32_t)out[x] >> ROW_SHIFT);
        }
    }
}

static uint8_t mix(unsigned near, unsigned far) {
    return (uint8_t)((near * 3 + far + 2) >> 2);
}

void ov_jpeg_mix_rows(const uint8_t *row, const uint8_t *beside, size_t count, uint8_t *ret_row) {
    for (size_t x = 0; x < count; x++) {
        ret_row[x] = mix(row[x], beside[x]);
    }
}

void ov_jpeg_widen(const uint8_t *row, size_t count, uint8_t *ret_row) {
    for (size_t x = 0; x < count; x++) {
        ret_row[x * 2] = x > 0 ? mix(row[x], row[x - 1]) : row[x];
        ret_row[x * 2 + 1] = x + 1 < count ? mix(row[x], row[x + 1]) : row[x];
    }
}

void ov_jpeg_color(int light, int blue, int red, uint8_t ret_rgb[3]) {
    int base = light * (1 << COLOR_BITS) + (1 << (COLOR_BITS - 1)) - 1;
    blue -= 128;
    red -= 128;
    ret_rgb[0] = cut((base + red * 22970) >> COLOR_BITS);
    ret_rgb[1] = cut((base - red * 11700 - blue * 5638) >> COLOR_BITS);
    ret_rgb[2] = cut((base + blue * 29032) >> COLOR_BITS);
}
