// SPDX-License-Identifier: Apache-2.0
// Points of a BMP as run lengths, eight or four bits each.
#include "base/cursor.h"
#include "format/picture/bmp.h"

enum { END_OF_ROW, END_OF_PICTURE, DELTA, OPS_A_LOOK = 1 << 16 };

struct drawing {
    const struct ov_bmp *bmp;
    struct ov_cursor in;
    uint8_t *rgb;  // all rows, from the bottom up
    uint32_t x, y; // where the next point goes
    bool is_four;
};

static bool put(struct drawing *drawing, uint8_t color) {
    const struct ov_bmp *bmp = drawing->bmp;
    if (drawing->x >= bmp->width) {
        return false;
    }
    uint64_t at = ((uint64_t)drawing->y * bmp->width + drawing->x++) * 3;
    memcpy(&drawing->rgb[at], bmp->palette[color].part, 3);
    return true;
}

// The color of the point number `index` of a run, of which a byte holds one or two.
static uint8_t pick(const struct drawing *drawing, uint8_t byte, uint32_t index) {
    if (!drawing->is_four) {
        return byte;
    }
    return index % 2 == 0 ? byte >> 4 : byte & 15;
}

// One color so many times; runs of single bytes may go beyond the end of the row.
static bool draw_run(struct drawing *drawing, uint8_t count) {
    uint8_t byte = ov_cursor_u8(&drawing->in);
    for (uint32_t i = 0; i < count; i++) {
        if (!put(drawing, pick(drawing, byte, i)) && drawing->is_four) {
            return false;
        }
    }
    return true;
}

static bool draw_points(struct drawing *drawing, uint8_t count) {
    uint32_t bytes = drawing->is_four ? (count + 1u) / 2 : count;
    struct ov_span points = ov_cursor_bytes(&drawing->in, bytes + bytes % 2);
    bool is_drawn = ov_cursor_status(&drawing->in) == OV_OK;
    for (uint32_t i = 0; i < count && is_drawn; i++) {
        is_drawn = put(drawing, pick(drawing, points.data[drawing->is_four ? i / 2 : i], i));
    }
    return is_drawn;
}

static bool move(struct drawing *drawing) {
    uint32_t right = ov_cursor_u8(&drawing->in), up = ov_cursor_u8(&drawing->in);
    drawing->x += right;
    drawing->y += up;
    return drawing->x <= drawing->bmp->width && drawing->y < drawing->bmp->height;
}

static enum ov_status draw(struct drawing *drawing, struct ov_budget *budget) {
    for (uint64_t ops = 0; drawing->y < drawing->bmp->height; ops++) {
        if (ops % OPS_A_LOOK == 0 && !ov_budget_has_time(budget)) {
            return OV_LIMIT;
        }
        uint8_t count = ov_cursor_u8(&drawing->in);
        uint8_t op = count == 0 ? ov_cursor_u8(&drawing->in) : 0;
        bool is_drawn = true;
        if (count > 0) {
            is_drawn = draw_run(drawing, count);
        } else if (op == END_OF_ROW) {
            drawing->x = 0;
            drawing->y++;
        } else if (op == DELTA) {
            is_drawn = move(drawing);
        } else if (op != END_OF_PICTURE) {
            is_drawn = draw_points(drawing, op);
        }
        if (!is_drawn || ov_cursor_status(&drawing->in) != OV_OK) {
            return OV_DAMAGED;
        }
        if (count == 0 && op == END_OF_PICTURE) {
            return OV_OK;
        }
    }
    return OV_OK;
}

enum ov_status ov_bmp_add_runs(const struct ov_bmp *bmp, struct ov_picture *picture) {
    void *rgb;
    TRY(ov_picture_alloc(picture, (uint64_t)bmp->width * bmp->height, 3, &rgb));
    struct drawing drawing = {.bmp = bmp, .rgb = rgb, .is_four = bmp->stored == OV_BMP_RUNS_4};
    drawing.in = ov_cursor_init(ov_span_from(picture->bytes, bmp->data_at));
    TRY(draw(&drawing, picture->budget));
    for (uint32_t y = bmp->height; y > 0; y--) {
        TRY(ov_picture_add(picture, &drawing.rgb[(uint64_t)(y - 1) * bmp->width * 3]));
    }
    return OV_OK;
}
