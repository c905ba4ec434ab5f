// SPDX-License-Identifier: Apache-2.0
// Brings a picture to 32 by 32 grey points, row by row as it is decoded.
//
// Lanczos's kernel with three lobes, first down the columns, then along the rows, in single
// precision and in the order of the rows: so the sums are clamscan's to the last bit.
#include "format/picture/picture.h"

#include <math.h>

enum {
    SIDE = OV_PICTURE_SIDE,
    LOBES = 3,
    SIDE_MAX = 1 << 20,    // points: more would cost time out of proportion
    BYTES_MAX = 512 << 20, // of a picture as clamscan holds it
    ARENA_BYTES = 192 << 20,
    POINTS_A_LOOK = 1 << 20, // at the clock
    POINTS_AT_ONCE = 16,     // of a row: a count that compilers make vectors of
};

static float sinc(float t) {
    float angle = t * (float)M_PI;
    return t == 0.0f ? 1.0f : sinf(angle) / angle;
}

static float weigh(float at) {
    return fabsf(at) < LOBES ? sinc(at) * sinc(at / LOBES) : 0.0f;
}

static float scale_of(uint32_t count) {
    float ratio = (float)count / SIDE;
    return ratio < 1.0f ? 1.0f : ratio;
}

// How many of `count` rows or columns make one of the small picture at most.
static uint32_t most_weights(uint32_t count) {
    uint32_t most = (uint32_t)(2 * LOBES * scale_of(count)) + 4;
    return most < count ? most : count;
}

// Finds what makes the row or column number `index` of the small picture out of `count`.
static void make_tap(uint32_t count, uint32_t index, float *weights,
                     struct ov_picture_tap *ret_tap) {
    float ratio = (float)count / SIDE;
    float scale = scale_of(count);
    float reach = LOBES * scale;
    float center = ((float)index + 0.5f) * ratio;
    float first = floorf(center - reach), end = ceilf(center + reach);
    ret_tap->first = first > 0.0f ? (uint32_t)first : 0;
    ret_tap->first = ret_tap->first < count - 1 ? ret_tap->first : count - 1;
    ret_tap->end = end < (float)count ? (uint32_t)end : count;
    ret_tap->end = ret_tap->end > ret_tap->first ? ret_tap->end : ret_tap->first + 1;
    ret_tap->weights = weights;
    uint32_t size = ret_tap->end - ret_tap->first;
    float sum = 0.0f;
    for (uint32_t i = 0; i < size; i++) {
        weights[i] = weigh(((float)(ret_tap->first + i) - (center - 0.5f)) / scale);
        sum += weights[i];
    }
    for (uint32_t i = 0; i < size; i++) {
        weights[i] /= sum;
    }
}

enum ov_status ov_picture_alloc(struct ov_picture *picture, uint64_t count, size_t size,
                                void **ret_memory) {
    *ret_memory = ov_arena_array(picture->arena, count, size);
    if (*ret_memory == NULL) {
        ov_budget_note(picture->budget, OV_LIMIT_MEMORY);
        return OV_LIMIT;
    }
    return OV_OK;
}

enum ov_status ov_picture_begin(struct ov_picture *picture, uint64_t width, uint64_t height,
                                unsigned point_bytes) {
    if (width == 0 || height == 0 || width > BYTES_MAX || height > BYTES_MAX ||
        width * height > BYTES_MAX / point_bytes) {
        return OV_UNSUPPORTED;
    }
    if (width > SIDE_MAX || height > SIDE_MAX) {
        ov_budget_note(picture->budget, OV_LIMIT_MATCHING);
        return OV_LIMIT;
    }
    picture->stride = ((uint32_t)width + POINTS_AT_ONCE - 1) / POINTS_AT_ONCE * POINTS_AT_ONCE;
    void *sums, *luma, *memory;
    uint32_t most = most_weights((uint32_t)height);
    TRY(ov_picture_alloc(picture, (uint64_t)picture->stride * SIDE, sizeof *picture->sums, &sums));
    TRY(ov_picture_alloc(picture, picture->stride, sizeof *picture->luma, &luma));
    TRY(ov_picture_alloc(picture, (uint64_t)most * SIDE, sizeof(float), &memory));
    picture->sums = sums;
    picture->luma = luma;
    picture->width = (uint32_t)width;
    picture->height = (uint32_t)height;
    picture->row = 0;
    float *weights = memory;
    for (uint32_t i = 0; i < SIDE; i++) {
        make_tap(picture->height, i, weights + (size_t)i * most, &picture->taps[i]);
    }
    return OV_OK;
}

static bool is_small_already(const struct ov_picture *picture) {
    return picture->width == SIDE && picture->height == SIDE;
}

static void add_weighed(const struct ov_picture *picture, uint32_t index, float weight) {
    float *restrict sums = picture->sums + (size_t)index * picture->stride;
    const float *restrict luma = picture->luma;
    for (uint32_t x = 0; x < picture->stride; x += POINTS_AT_ONCE) {
        for (uint32_t i = 0; i < POINTS_AT_ONCE; i++) {
            sums[x + i] += luma[x + i] * weight;
        }
    }
}

enum ov_status ov_picture_add(struct ov_picture *picture, const uint8_t *rgb) {
    uint32_t rows_a_look = POINTS_A_LOOK / picture->width + 1;
    if (picture->row % rows_a_look == 0 && !ov_budget_has_time(picture->budget)) {
        return OV_LIMIT;
    }
    if (picture->row >= picture->height) {
        return OV_DAMAGED;
    }
    for (uint32_t x = 0; x < picture->width; x++) {
        const uint8_t *point = &rgb[(size_t)x * 3];
        picture->luma[x] = ov_picture_luma(point[0], point[1], point[2]);
    }
    if (is_small_already(picture)) {
        add_weighed(picture, picture->row, 1.0f);
    }
    for (uint32_t i = 0; i < SIDE && !is_small_already(picture); i++) {
        const struct ov_picture_tap *tap = &picture->taps[i];
        if (picture->row >= tap->first && picture->row < tap->end) {
            add_weighed(picture, i, tap->weights[picture->row - tap->first]);
        }
    }
    picture->row++;
    return OV_OK;
}

static uint8_t round_level(float level) {
    return level < 0.0f ? 0 : level > 255.0f ? 255 : (uint8_t)roundf(level);
}

// The second half of the scaling, from the sums down the columns. `weights` has room for a
// column's.
static void scale_rows(const struct ov_picture *picture, float *weights,
                       uint8_t ret_small[SIDE * SIDE]) {
    for (uint32_t column = 0; column < SIDE; column++) {
        struct ov_picture_tap tap = picture->taps[column];
        if (picture->width != picture->height) {
            make_tap(picture->width, column, weights, &tap);
        }
        float sums[SIDE] = {0};
        for (uint32_t x = tap.first; x < tap.end; x++) {
            float weight = tap.weights[x - tap.first];
            for (uint32_t row = 0; row < SIDE; row++) {
                sums[row] += picture->sums[(size_t)row * picture->stride + x] * weight;
            }
        }
        for (uint32_t row = 0; row < SIDE; row++) {
            ret_small[row * SIDE + column] = round_level(sums[row]);
        }
    }
}

static enum ov_status read_picture(struct ov_picture *picture, enum ov_filetype type) {
    switch (type) {
    case OV_FILETYPE_GRAPHICS:
        return ov_picture_read_bmp(picture);
    case OV_FILETYPE_GIF:
        return ov_picture_read_gif(picture);
    case OV_FILETYPE_JPEG:
        return ov_picture_read_jpeg(picture);
    case OV_FILETYPE_PNG:
        return ov_picture_read_png(picture);
    case OV_FILETYPE_TIFF:
        return ov_picture_read_tiff(picture);
    default:
        return OV_UNSUPPORTED;
    }
}

enum ov_status ov_picture_hash(struct ov_span bytes, enum ov_filetype type,
                               struct ov_budget *budget, uint64_t *ret_hash) {
    struct ov_arena arena OV_CLEANUP(ov_arena_release);
    ov_arena_init(&arena, ARENA_BYTES);
    struct ov_picture picture = {.bytes = bytes, .budget = budget, .arena = &arena};
    TRY(read_picture(&picture, type));
    if (picture.sums == NULL || picture.row != picture.height) {
        return OV_DAMAGED;
    }
    uint8_t small[SIDE * SIDE];
    if (is_small_already(&picture)) {
        for (uint32_t i = 0; i < SIDE * SIDE; i++) {
            small[i] = (uint8_t)picture.sums[i]; // the stride is the side
        }
    } else {
        void *weights;
        TRY(ov_picture_alloc(&picture, most_weights(picture.width), sizeof(float), &weights));
        scale_rows(&picture, weights, small);
    }
    *ret_hash = ov_picture_hash_small(small);
    return OV_OK;
}
