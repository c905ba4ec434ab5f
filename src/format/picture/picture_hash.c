// SPDX-License-Identifier: Apache-2.0
// The perceptual hash of a small grey picture: the signs of its low frequencies about their median.
//
// The transform (DCT of type II) is computed in single precision by the split-radix scheme that
// clamscan's library uses: of plain pictures many frequencies are zero but for rounding, and the
// rounding decides. (Plonka and Tasche, "Fast and numerically stable algorithms for discrete cosine
// transforms", 2005.)
#include "format/picture/picture.h"

#include <math.h>
#include <stdlib.h>

enum {
    SIDE = OV_PICTURE_SIDE,
    LOW = 8, // frequencies in each direction that count
    BITS = LOW * LOW,
};

static const float level_max = 255.0f;

// The turns that splits make: for each size, from size / 4 on, as many.
struct turn {
    float cosine, sine;
};

static void make_turns(struct turn ret_turns[SIDE / 2]) {
    for (unsigned size = 4; size <= SIDE; size *= 2) {
        for (unsigned i = 0; i < size / 4; i++) {
            double angle = M_PI * 2 / (size * 4.0) * (2 * i + 1);
            ret_turns[size / 4 + i] = (struct turn){(float)cos(angle), (float)sin(angle)};
        }
    }
}

// Splits the input into one half-size and two quarter-size problems.
static void split(const float *in, unsigned size, const struct turn *turns, float *half,
                  float *even, float *odd) {
    unsigned quarter = size / 4;
    for (unsigned i = 0; i < quarter; i++) {
        float bottom = in[i], top = in[size - 1 - i];
        float inner_bottom = in[size / 2 - 1 - i], inner_top = in[size / 2 + i];
        half[i] = top + bottom;
        half[size / 2 - 1 - i] = inner_bottom + inner_top;
        float lower = bottom - top, upper = inner_bottom - inner_top;
        float cosine = turns[quarter + i].cosine, sine = turns[quarter + i].sine;
        float turned = upper * cosine - lower * sine;
        even[i] = lower * cosine + upper * sine;
        odd[quarter - 1 - i] = i % 2 == 0 ? turned : -turned;
    }
}

// Not scaled: the sum of in[k] * cos(pi * n * (k + 1/2) / size), in place.
static void transform(const struct turn *turns, float *line, unsigned size) {
    if (size == 1) {
        return;
    }
    if (size == 2) {
        float sum = line[0] + line[1];
        line[1] = (line[0] - line[1]) * (float)M_SQRT1_2;
        line[0] = sum;
        return;
    }
    unsigned quarter = size / 4;
    float half[SIDE / 2] = {0}, even[SIDE / 4] = {0}, odd[SIDE / 4] = {0};
    split(line, size, turns, half, even, odd);
    transform(turns, half, size / 2);
    transform(turns, even, quarter);
    transform(turns, odd, quarter);
    line[0] = half[0];
    line[1] = even[0];
    line[2] = half[1];
    for (unsigned i = 1; i < quarter; i++) {
        float sine = odd[quarter - i];
        sine = (i + quarter) % 2 == 0 ? -sine : sine;
        line[i * 4 - 1] = even[i] + sine;
        line[i * 4] = half[i * 2];
        line[i * 4 + 1] = even[i] - sine;
        line[i * 4 + 2] = half[i * 2 + 1];
    }
    line[size - 1] = -odd[0];
}

static int compare_floats(const void *a, const void *b) {
    const float *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

uint64_t ov_picture_hash_small(const uint8_t small[SIDE * SIDE]) {
    struct turn turns[SIDE / 2];
    make_turns(turns);
    float columns[SIDE][SIDE]; // columns[x]: first a column, then its frequencies
    for (unsigned x = 0; x < SIDE; x++) {
        for (unsigned y = 0; y < SIDE; y++) {
            columns[x][y] = (float)small[y * SIDE + x] / level_max;
        }
        transform(turns, columns[x], SIDE);
    }
    float low[BITS], sorted[BITS];
    for (unsigned y = 0; y < LOW; y++) {
        float row[SIDE];
        for (unsigned x = 0; x < SIDE; x++) {
            row[x] = columns[x][y] * 2;
        }
        transform(turns, row, SIDE);
        for (unsigned x = 0; x < LOW; x++) {
            low[y * LOW + x] = sorted[y * LOW + x] = row[x] * 2;
        }
    }
    qsort(sorted, BITS, sizeof sorted[0], compare_floats);
    float median = (sorted[BITS / 2 - 1] + sorted[BITS / 2]) / 2;
    uint64_t hash = 0;
    for (unsigned i = 0; i < BITS; i++) {
        hash = hash << 1 | (low[i] > median);
    }
    return hash;
}
