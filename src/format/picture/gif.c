// SPDX-License-Identifier: Apache-2.0
// GIF (GIF89a specification of CompuServe, 1990): the first image, on a black screen.
//
// What makes a file unreadable here makes it so for clamscan: a picture without colours, a block of
// an unknown kind, fewer points than there should be.
#include "base/cursor.h"
#include "format/picture/codes.h"

enum {
    EXTENSION = 0x21,
    IMAGE = 0x2c,
    CONTROL = 0xf9,
    PLAIN_TEXT = 0x01,
    COMMENT = 0xfe,
    APPLICATION = 0xff,
    HAS_COLORS = 0x80,
    IS_INTERLACED = 0x40,
    COLORS_MASK = 7,
    CONTROL_BYTES = 4,
    LITERAL_BITS_MAX = 11,
    POINT_BYTES = 4,
    FRAME_BYTES_MAX = 512 << 20,
};

struct frame {
    uint32_t left, top, width, height;
    bool is_interlaced;
    struct ov_span colors; // red, green, blue each
    uint8_t *points;       // indexes of colours
};

static struct ov_span read_colors(struct ov_cursor *in, uint8_t flags) {
    uint64_t count = (flags & HAS_COLORS) != 0 ? UINT64_C(2) << (flags & COLORS_MASK) : 0;
    return ov_cursor_bytes(in, count * 3);
}

// Passes over an extension. clamscan's library knows four kinds.
static enum ov_status skip_extension(struct ov_cursor *in) {
    uint8_t kind = ov_cursor_u8(in), size, last_size = 0;
    if (kind != CONTROL && kind != PLAIN_TEXT && kind != COMMENT && kind != APPLICATION) {
        return OV_DAMAGED;
    }
    while ((size = ov_cursor_u8(in)) != 0) {
        ov_cursor_skip(in, size);
        last_size = size;
    }
    return kind == CONTROL && last_size != CONTROL_BYTES ? OV_DAMAGED : ov_cursor_status(in);
}

static enum ov_status find_image(struct ov_cursor *in) {
    while (ov_cursor_left(in) > 0) {
        uint8_t kind = ov_cursor_u8(in);
        if (kind == IMAGE) {
            return OV_OK;
        }
        if (kind != EXTENSION) {
            return OV_DAMAGED;
        }
        TRY(skip_extension(in));
    }
    return OV_DAMAGED;
}

// Joins the blocks of the packed points. A file that ends within them may still have them all.
static enum ov_status join_blocks(struct ov_cursor *in, struct ov_picture *picture,
                                  struct ov_span *ret_bytes) {
    void *memory;
    size_t joined = 0;
    TRY(ov_picture_alloc(picture, ov_cursor_left(in) + 1, 1, &memory));
    uint8_t *bytes = memory;
    while (ov_cursor_left(in) > 0) {
        size_t size = ov_cursor_u8(in);
        if (size == 0) {
            break;
        }
        size = size < ov_cursor_left(in) ? size : ov_cursor_left(in);
        struct ov_span block = ov_cursor_bytes(in, size);
        for (size_t i = 0; i < block.size; i++) {
            bytes[joined++] = block.data[i];
        }
    }
    *ret_bytes = ov_span_make(bytes, joined);
    return OV_OK;
}

static enum ov_status read_frame(struct ov_cursor *in, struct ov_picture *picture,
                                 struct ov_span common_colors, struct frame *ret_frame) {
    ret_frame->left = ov_cursor_u16le(in);
    ret_frame->top = ov_cursor_u16le(in);
    ret_frame->width = ov_cursor_u16le(in);
    ret_frame->height = ov_cursor_u16le(in);
    uint8_t flags = ov_cursor_u8(in);
    ret_frame->is_interlaced = (flags & IS_INTERLACED) != 0;
    ret_frame->colors = read_colors(in, flags);
    ret_frame->colors = ret_frame->colors.size > 0 ? ret_frame->colors : common_colors;
    struct ov_codes codes = {.literal_bits = ov_cursor_u8(in)};
    uint64_t count = (uint64_t)ret_frame->width * ret_frame->height;
    if (ov_cursor_status(in) != OV_OK || ret_frame->colors.size == 0 || count == 0 ||
        count > FRAME_BYTES_MAX / POINT_BYTES || codes.literal_bits < 1 ||
        codes.literal_bits > LITERAL_BITS_MAX) {
        return OV_DAMAGED;
    }
    TRY(join_blocks(in, picture, &codes.in));
    void *points;
    TRY(ov_picture_alloc(picture, count, 1, &points));
    ret_frame->points = points;
    return ov_codes_unpack(&codes, picture, ret_frame->points, count);
}

// Where the row stands among the rows as they are stored: every eighth first, then those between.
static uint32_t find_row(const struct frame *frame, uint32_t row) {
    static const uint32_t starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
    uint32_t before = 0;
    for (unsigned pass = 0; pass < 4 && frame->is_interlaced; pass++) {
        if (row % steps[pass] == starts[pass]) {
            return before + row / steps[pass];
        }
        uint32_t height = frame->height;
        before += height > starts[pass] ? (height - starts[pass] - 1) / steps[pass] + 1 : 0;
    }
    return row;
}

// A row of the screen: black but for the frame. Transparent points have a colour, too.
static void draw_row(const struct frame *frame, uint32_t y, uint32_t width, uint8_t *ret_rgb) {
    memset(ret_rgb, 0, (size_t)width * 3);
    if (y < frame->top || y - frame->top >= frame->height) {
        return;
    }
    const uint8_t *row = &frame->points[(size_t)find_row(frame, y - frame->top) * frame->width];
    for (uint32_t i = 0; i < frame->width && frame->left + i < width; i++) {
        struct ov_span color = ov_span_part(frame->colors, row[i] * 3u, 3);
        for (size_t part = 0; part < color.size; part++) {
            ret_rgb[(size_t)(frame->left + i) * 3 + part] = color.data[part];
        }
    }
}

enum ov_status ov_picture_read_gif(struct ov_picture *picture) {
    bool is_known = ov_span_has_prefix(picture->bytes, "GIF87a") ||
                    ov_span_has_prefix(picture->bytes, "GIF89a");
    struct ov_cursor in = ov_cursor_init(picture->bytes);
    ov_cursor_skip(&in, 6);
    uint32_t width = ov_cursor_u16le(&in), height = ov_cursor_u16le(&in);
    uint8_t flags = ov_cursor_u8(&in);
    ov_cursor_skip(&in, 2); // background and shape of the points
    struct ov_span colors = read_colors(&in, flags);
    if (!is_known || ov_cursor_status(&in) != OV_OK) {
        return OV_DAMAGED;
    }
    TRY(find_image(&in));
    TRY(ov_picture_begin(picture, width, height, POINT_BYTES));
    struct frame frame;
    TRY(read_frame(&in, picture, colors, &frame));
    void *rgb;
    TRY(ov_picture_alloc(picture, width, 3, &rgb));
    for (uint32_t y = 0; y < height; y++) {
        draw_row(&frame, y, width, rgb);
        TRY(ov_picture_add(picture, rgb));
    }
    return OV_OK;
}
