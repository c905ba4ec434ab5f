// SPDX-License-Identifier: Apache-2.0
// BMP (Microsoft, "Bitmap Storage": BITMAPFILEHEADER, then BITMAPCOREHEADER or BITMAPINFOHEADER and
// its successors).
//
// As clamscan's library reads it: a file that ends before its last row has no picture, a palette
// goes on with black, and what run lengths leave out is black.
#include "base/cursor.h"
#include "format/picture/bmp.h"

enum {
    FILE_HEADER_BYTES = 14,
    CORE_BYTES = 12,
    INFO_BYTES = 40,
    V2_BYTES = 52,
    V3_BYTES = 56,
    V4_BYTES = 108,
    V5_BYTES = 124,
    SIDE_MAX = 0xffff,
    STORED_PLAIN = 0,
    STORED_MASKED = 3,
};

static bool is_header_size(uint32_t size) {
    return size == CORE_BYTES || size == INFO_BYTES || size == V2_BYTES || size == V3_BYTES ||
           size == V4_BYTES || size == V5_BYTES;
}

static void read_core(struct ov_cursor *in, struct ov_bmp *bmp) {
    bmp->width = ov_cursor_u16le(in);
    bmp->height = ov_cursor_u16le(in);
    bmp->planes = ov_cursor_u16le(in);
    bmp->bits = ov_cursor_u16le(in);
    bmp->stored = STORED_PLAIN;
    bmp->is_sound = bmp->bits == 1 || bmp->bits == 4 || bmp->bits == 8 || bmp->bits == 24;
}

static bool is_stored_soundly(const struct ov_bmp *bmp) {
    switch (bmp->stored) {
    case STORED_PLAIN:
        return bmp->bits == 1 || bmp->bits == 2 || bmp->bits == 4 || bmp->bits == 8 ||
               bmp->bits == 16 || bmp->bits == 24 || bmp->bits == 32;
    case OV_BMP_RUNS_8:
        return bmp->bits == 8 && !bmp->is_top_down;
    case OV_BMP_RUNS_4:
        return bmp->bits == 4 && !bmp->is_top_down;
    case STORED_MASKED:
        return bmp->bits == 16 || bmp->bits == 32;
    default:
        return false;
    }
}

static void read_info(struct ov_cursor *in, struct ov_bmp *bmp) {
    int64_t width = (int32_t)ov_cursor_u32le(in), height = (int32_t)ov_cursor_u32le(in);
    bmp->is_top_down = height < 0;
    height = height < 0 ? -height : height;
    bmp->planes = ov_cursor_u16le(in);
    bmp->bits = ov_cursor_u16le(in);
    bmp->stored = ov_cursor_u32le(in);
    ov_cursor_skip(in, 12); // bytes of the picture, and how large it should be drawn
    bmp->color_count = ov_cursor_u32le(in);
    ov_cursor_skip(in, 4);
    bmp->is_sound = width >= 0 && width <= SIDE_MAX &&
                    (bmp->is_top_down ? height <= INT32_MAX : height <= SIDE_MAX) &&
                    is_stored_soundly(bmp);
    bmp->width = bmp->is_sound ? (uint32_t)width : 0;
    bmp->height = bmp->is_sound ? (uint32_t)height : 0;
}

// ---- colours -----------------------------------------------------------------------------------

// A run of bits of a point. False when it has holes or lies beyond the point.
static bool take_mask(uint32_t mask, unsigned bits, struct ov_bmp_mask *ret_mask) {
    *ret_mask = (struct ov_bmp_mask){0};
    if (mask == 0) {
        return true;
    }
    unsigned shift = (unsigned)__builtin_ctz(mask);
    unsigned count = (unsigned)__builtin_popcount(mask);
    uint32_t run = mask >> shift;
    if ((run & (run + 1)) != 0 || shift + count > bits) {
        return false;
    }
    bool is_long = count > 8;
    ret_mask->shift = is_long ? shift + count - 8 : shift;
    ret_mask->bits = is_long ? 8 : count;
    return true;
}

static bool read_masks(struct ov_cursor *in, struct ov_bmp *bmp, uint32_t header_bytes) {
    bool is_read = true;
    for (unsigned i = 0; i < 3; i++) {
        is_read = take_mask(ov_cursor_u32le(in), bmp->bits, &bmp->masks[i]) && is_read;
        is_read = is_read && bmp->masks[i].bits > 0;
    }
    struct ov_bmp_mask alpha;
    bool has_alpha = header_bytes >= V3_BYTES;
    return is_read && (!has_alpha || take_mask(ov_cursor_u32le(in), bmp->bits, &alpha));
}

static void set_masks(struct ov_bmp *bmp) {
    unsigned each = bmp->bits == 16 ? 5 : 8;
    for (unsigned i = 0; i < 3; i++) {
        bmp->masks[i] = (struct ov_bmp_mask){.shift = each * (2 - i), .bits = each};
    }
}

static bool read_palette(struct ov_cursor *in, struct ov_bmp *bmp, bool is_core) {
    uint32_t count = 1u << bmp->bits, most = count;
    if (bmp->color_count != 0) {
        count = bmp->color_count;
    }
    for (uint32_t i = 0; i < count && count <= most; i++) {
        bmp->palette[i].part[2] = ov_cursor_u8(in);
        bmp->palette[i].part[1] = ov_cursor_u8(in);
        bmp->palette[i].part[0] = ov_cursor_u8(in);
        ov_cursor_skip(in, is_core ? 0 : 1);
    }
    return count <= most && ov_cursor_status(in) == OV_OK;
}

// A value of 1 to 8 bits as one of 8.
static uint8_t widen(uint32_t point, struct ov_bmp_mask mask) {
    uint32_t most = (1u << mask.bits) - 1;
    uint32_t value = point >> mask.shift & most;
    // With seven bits the highest is repeated, with others the fraction is kept.
    uint32_t wide = mask.bits == 7 ? value << 1 | value >> 6 : (value * 255 + most / 2) / most;
    return (uint8_t)wide;
}

// ---- rows --------------------------------------------------------------------------------------

static void draw_row(const struct ov_bmp *bmp, struct ov_span row, uint8_t *ret_rgb) {
    unsigned bytes = bmp->bits / 8;
    for (uint32_t x = 0; x < bmp->width; x++) {
        uint8_t *rgb = &ret_rgb[(size_t)x * 3];
        if (bmp->bits <= 8) {
            uint64_t bit = (uint64_t)x * bmp->bits;
            unsigned value = row.data[bit / 8] >> (8 - bmp->bits - bit % 8);
            memcpy(rgb, bmp->palette[value & ((1u << bmp->bits) - 1)].part, 3);
            continue;
        }
        uint32_t point = 0;
        for (unsigned i = 0; i < bytes; i++) {
            point |= (uint32_t)row.data[(size_t)x * bytes + i] << 8 * i;
        }
        for (unsigned i = 0; i < 3; i++) {
            rgb[i] = widen(point, bmp->masks[i]);
        }
    }
}

static enum ov_status add_rows(const struct ov_bmp *bmp, struct ov_picture *picture, uint8_t *rgb) {
    uint64_t row_bytes = ((uint64_t)bmp->bits * bmp->width + 31) / 32 * 4;
    struct ov_span data = ov_span_from(picture->bytes, bmp->data_at);
    if (row_bytes * bmp->height > data.size) {
        return OV_DAMAGED;
    }
    for (uint32_t y = 0; y < bmp->height; y++) {
        uint32_t stored = bmp->is_top_down ? y : bmp->height - 1 - y;
        draw_row(bmp, ov_span_part(data, stored * row_bytes, row_bytes), rgb);
        TRY(ov_picture_add(picture, rgb));
    }
    return OV_OK;
}

static enum ov_status read_headers(struct ov_picture *picture, struct ov_bmp *bmp) {
    struct ov_cursor in = ov_cursor_init(picture->bytes);
    ov_cursor_skip(&in, 10);
    bmp->data_at = ov_cursor_u32le(&in);
    uint32_t header_bytes = ov_cursor_u32le(&in);
    if (!ov_span_has_prefix(picture->bytes, "BM") || !is_header_size(header_bytes)) {
        return OV_UNSUPPORTED;
    }
    if (header_bytes == CORE_BYTES) {
        read_core(&in, bmp);
    } else {
        read_info(&in, bmp);
    }
    if (!bmp->is_sound || bmp->planes != 1 || ov_cursor_status(&in) != OV_OK) {
        return OV_DAMAGED;
    }
    if (bmp->stored == STORED_MASKED) {
        ov_cursor_seek(&in, FILE_HEADER_BYTES + INFO_BYTES);
        return read_masks(&in, bmp, header_bytes) ? ov_cursor_status(&in) : OV_DAMAGED;
    }
    set_masks(bmp);
    ov_cursor_seek(&in, FILE_HEADER_BYTES + header_bytes);
    bool needs_palette = bmp->bits <= 8;
    return needs_palette && !read_palette(&in, bmp, header_bytes == CORE_BYTES) ? OV_DAMAGED
                                                                                : OV_OK;
}

enum ov_status ov_picture_read_bmp(struct ov_picture *picture) {
    struct ov_bmp bmp = {0};
    TRY(read_headers(picture, &bmp));
    TRY(ov_picture_begin(picture, bmp.width, bmp.height, 3));
    if (bmp.stored == OV_BMP_RUNS_8 || bmp.stored == OV_BMP_RUNS_4) {
        return ov_bmp_add_runs(&bmp, picture);
    }
    void *rgb;
    TRY(ov_picture_alloc(picture, bmp.width, 3, &rgb));
    return add_rows(&bmp, picture, rgb);
}
