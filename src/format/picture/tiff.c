// SPDX-License-Identifier: Apache-2.0
// TIFF (revision 6.0, Adobe 1992): the picture of the first directory.
//
// Which kinds of points there are is what clamscan's library takes: grey of 1, 8 and 16 bits, RGB
// with or without alpha and CMYK of 8 and 16; no palette, no YCbCr, no planes.
#include "format/picture/tiff.h"

#include "base/cursor.h"

enum {
    WIDTH = 256,
    HEIGHT = 257,
    BITS = 258,
    PACKING = 259,
    COLORS = 262,
    STRIP_OFFSETS = 273,
    SAMPLES = 277,
    STRIP_ROWS = 278,
    STRIP_SIZES = 279,
    PLANES = 284,
    PREDICTOR = 317,
    TILE_WIDTH = 322,
    TILE_HEIGHT = 323,
    TILE_OFFSETS = 324,
    TILE_SIZES = 325,
    SAMPLE_FORMAT = 339,
    WHITE_IS_ZERO = 0,
    BLACK_IS_ZERO = 1,
    RGB = 2,
    CMYK = 5,
    DIFFERENCES = 2, // a predictor: to the point on the left
    UNSIGNED = 1,
    ENTRY_BYTES = 12,
    TYPE_BYTE = 1,
    TYPE_SHORT = 3,
    TYPE_LONG = 4,
};

// A row of the directory: numbers, in the row itself or elsewhere.
struct entry {
    uint32_t type, count;
    uint64_t at; // of the first number in the file
};

struct tiff {
    struct ov_span bytes;
    bool is_big_endian;
    struct ov_span directory;
    uint32_t width, height, bits, samples, packing, colors, predictor;
    struct entry offsets, sizes;
    uint32_t piece_width, piece_height; // of a tile or a strip
};

static uint32_t read_number(const struct tiff *tiff, uint64_t at, unsigned bytes) {
    struct ov_cursor in = ov_cursor_init(tiff->bytes);
    ov_cursor_seek(&in, at);
    switch (bytes) {
    case 1:
        return ov_cursor_u8(&in);
    case 2:
        return tiff->is_big_endian ? ov_cursor_u16be(&in) : ov_cursor_u16le(&in);
    default:
        return tiff->is_big_endian ? ov_cursor_u32be(&in) : ov_cursor_u32le(&in);
    }
}

static unsigned type_bytes(uint32_t type) {
    return type == TYPE_BYTE ? 1 : type == TYPE_SHORT ? 2 : type == TYPE_LONG ? 4 : 0;
}

static bool find_entry(const struct tiff *tiff, uint32_t tag, struct entry *ret_entry) {
    uint64_t first = (uint64_t)(tiff->directory.data - tiff->bytes.data);
    for (uint64_t at = 0; at + ENTRY_BYTES <= tiff->directory.size; at += ENTRY_BYTES) {
        if (read_number(tiff, first + at, 2) != tag) {
            continue;
        }
        ret_entry->type = read_number(tiff, first + at + 2, 2);
        ret_entry->count = read_number(tiff, first + at + 4, 4);
        uint64_t bytes = (uint64_t)type_bytes(ret_entry->type) * ret_entry->count;
        bool is_near = bytes <= 4;
        ret_entry->at = is_near ? first + at + 8 : read_number(tiff, first + at + 8, 4);
        return bytes > 0 && ret_entry->at <= tiff->bytes.size &&
               bytes <= tiff->bytes.size - ret_entry->at;
    }
    return false;
}

static uint32_t get_value(const struct tiff *tiff, const struct entry *entry, uint32_t index) {
    unsigned bytes = type_bytes(entry->type);
    return index < entry->count ? read_number(tiff, entry->at + (uint64_t)index * bytes, bytes) : 0;
}

// The value of a tag that has one; the other value when it is not there.
static uint32_t read_value(const struct tiff *tiff, uint32_t tag, uint32_t otherwise) {
    struct entry entry;
    return find_entry(tiff, tag, &entry) ? get_value(tiff, &entry, 0) : otherwise;
}

static bool is_known_kind(const struct tiff *tiff) {
    bool is_wide = tiff->bits == 8 || tiff->bits == 16;
    bool is_plain = tiff->predictor != DIFFERENCES;
    switch (tiff->colors) {
    case WHITE_IS_ZERO:
    case BLACK_IS_ZERO:
        return tiff->samples == 1 && (is_wide || (tiff->bits == 1 && is_plain));
    case RGB:
        return (tiff->samples == 3 || tiff->samples == 4) && is_wide;
    case CMYK:
        return tiff->samples == 4 && is_wide;
    default:
        return false;
    }
}

static bool find_pieces(struct tiff *tiff) {
    if (find_entry(tiff, STRIP_OFFSETS, &tiff->offsets)) {
        tiff->piece_width = tiff->width;
        tiff->piece_height = read_value(tiff, STRIP_ROWS, tiff->height);
        return tiff->piece_height > 0 && find_entry(tiff, STRIP_SIZES, &tiff->sizes);
    }
    tiff->piece_width = read_value(tiff, TILE_WIDTH, 0);
    tiff->piece_height = read_value(tiff, TILE_HEIGHT, 0);
    return tiff->piece_width > 0 && tiff->piece_height > 0 &&
           find_entry(tiff, TILE_OFFSETS, &tiff->offsets) &&
           find_entry(tiff, TILE_SIZES, &tiff->sizes);
}

static enum ov_status read_directory(struct tiff *tiff) {
    uint32_t at = read_number(tiff, 4, 4);
    uint32_t count = read_number(tiff, at, 2);
    tiff->directory = ov_span_part(tiff->bytes, (uint64_t)at + 2, count * (size_t)ENTRY_BYTES);
    if (tiff->directory.size < count * (size_t)ENTRY_BYTES) {
        return OV_DAMAGED;
    }
    tiff->width = read_value(tiff, WIDTH, 0);
    tiff->height = read_value(tiff, HEIGHT, 0);
    tiff->bits = read_value(tiff, BITS, 1);
    tiff->samples = read_value(tiff, SAMPLES, 1);
    tiff->packing = read_value(tiff, PACKING, OV_TIFF_PLAIN);
    tiff->colors = read_value(tiff, COLORS, UINT32_MAX);
    tiff->predictor = read_value(tiff, PREDICTOR, 1);
    struct entry bits = {0};
    bool has_bits = find_entry(tiff, BITS, &bits);
    for (uint32_t i = 1; has_bits && i < bits.count && i < 4; i++) {
        if (get_value(tiff, &bits, i) != tiff->bits) {
            return OV_UNSUPPORTED;
        }
    }
    if (!is_known_kind(tiff) || tiff->predictor > DIFFERENCES || read_value(tiff, PLANES, 1) > 1 ||
        read_value(tiff, SAMPLE_FORMAT, UNSIGNED) != UNSIGNED) {
        return OV_UNSUPPORTED;
    }
    return find_pieces(tiff) ? OV_OK : OV_DAMAGED;
}

// ---- points ------------------------------------------------------------------------------------

// Undoes what was done to a row before it was packed; leaves numbers of 16 bits in our byte order.
static void unfold_row(const struct tiff *tiff, uint8_t *row, uint32_t points) {
    uint64_t count = (uint64_t)points * tiff->samples;
    bool is_wide = tiff->bits == 16;
    for (uint64_t i = 0; i < count && is_wide && tiff->is_big_endian; i++) {
        uint8_t first = row[i * 2];
        row[i * 2] = row[i * 2 + 1];
        row[i * 2 + 1] = first;
    }
    for (uint64_t i = tiff->samples; i < count && tiff->predictor == DIFFERENCES; i++) {
        uint64_t left = i - tiff->samples;
        if (is_wide) {
            unsigned sum = (row[i * 2] | row[i * 2 + 1] << 8u) +
                           (row[left * 2] | (unsigned)row[left * 2 + 1] << 8);
            row[i * 2] = (uint8_t)sum;
            row[i * 2 + 1] = (uint8_t)(sum >> 8);
        } else {
            row[i] = (uint8_t)(row[i] + row[left]);
        }
    }
}

static uint32_t get_sample(const struct tiff *tiff, const uint8_t *row, uint64_t index) {
    switch (tiff->bits) {
    case 1:
        return row[index / 8] >> (7 - index % 8) & 1 ? 255 : 0;
    case 8:
        return row[index];
    default:
        return row[index * 2] | (uint32_t)row[index * 2 + 1] << 8;
    }
}

static uint8_t narrow(const struct tiff *tiff, uint32_t sample) {
    return tiff->bits == 16 ? (uint8_t)((sample + 128) / 257) : (uint8_t)sample;
}

static void draw_row(const struct tiff *tiff, const uint8_t *row, uint32_t points, uint8_t *rgb) {
    uint32_t most = tiff->bits == 16 ? 65535 : 255;
    for (uint32_t x = 0; x < points; x++) {
        uint64_t first = (uint64_t)x * tiff->samples;
        for (unsigned part = 0; part < 3; part++) {
            bool is_gray = tiff->samples == 1;
            uint32_t sample = get_sample(tiff, row, first + (is_gray ? 0 : part));
            if (tiff->colors == WHITE_IS_ZERO) {
                sample = most - sample;
            }
            if (tiff->colors == CMYK) {
                float black = (float)get_sample(tiff, row, first + 3) / (float)most;
                sample = (uint32_t)((float)(most - sample) * (1.0f - black));
            }
            rgb[(size_t)x * 3 + part] = narrow(tiff, sample);
        }
    }
}

// Memory for a piece, and for the rows that pieces side by side make.
struct band {
    uint8_t *piece, *rgb;
};

// Unpacks the pieces that begin in that row, and adds their rows.
static enum ov_status add_band(const struct tiff *tiff, struct ov_picture *picture,
                               const struct band *band, uint32_t first_row) {
    uint32_t across = (tiff->width - 1) / tiff->piece_width + 1;
    uint32_t left = tiff->height - first_row;
    uint32_t rows = left < tiff->piece_height ? left : tiff->piece_height;
    uint64_t row_bytes = ((uint64_t)tiff->piece_width * tiff->samples * tiff->bits + 7) / 8;
    for (uint32_t i = 0; i < across; i++) {
        uint32_t number = first_row / tiff->piece_height * across + i;
        uint64_t at = get_value(tiff, &tiff->offsets, number);
        TRY(ov_tiff_unpack(picture, tiff->packing, ov_span_from(tiff->bytes, at),
                           get_value(tiff, &tiff->sizes, number), band->piece, row_bytes * rows));
        uint32_t x = i * tiff->piece_width;
        uint32_t points = tiff->width - x;
        points = points < tiff->piece_width ? points : tiff->piece_width;
        for (uint32_t row = 0; row < rows; row++) {
            uint8_t *stored = &band->piece[row * row_bytes];
            unfold_row(tiff, stored, points);
            draw_row(tiff, stored, points, &band->rgb[((uint64_t)row * tiff->width + x) * 3]);
        }
        if (!ov_budget_has_time(picture->budget)) {
            return OV_LIMIT;
        }
    }
    for (uint32_t row = 0; row < rows; row++) {
        TRY(ov_picture_add(picture, &band->rgb[(uint64_t)row * tiff->width * 3]));
    }
    return OV_OK;
}

static enum ov_status add_pieces(const struct tiff *tiff, struct ov_picture *picture) {
    uint64_t across = (tiff->width - 1) / tiff->piece_width + 1;
    uint64_t down = (tiff->height - 1) / tiff->piece_height + 1;
    if (tiff->offsets.count != across * down || tiff->sizes.count != tiff->offsets.count) {
        return OV_DAMAGED;
    }
    uint64_t rows = tiff->piece_height < tiff->height ? tiff->piece_height : tiff->height;
    uint64_t row_bytes = ((uint64_t)tiff->piece_width * tiff->samples * tiff->bits + 7) / 8;
    void *piece, *rgb;
    TRY(ov_picture_alloc(picture, rows * row_bytes, 1, &piece));
    TRY(ov_picture_alloc(picture, rows * tiff->width, 3, &rgb));
    struct band band = {.piece = piece, .rgb = rgb};
    for (uint64_t row = 0; row < tiff->height; row += tiff->piece_height) {
        TRY(add_band(tiff, picture, &band, (uint32_t)row));
    }
    return OV_OK;
}

enum ov_status ov_picture_read_tiff(struct ov_picture *picture) {
    struct tiff tiff = {.bytes = picture->bytes};
    tiff.is_big_endian = ov_span_has_prefix(picture->bytes, "MM");
    bool is_little_endian = ov_span_has_prefix(picture->bytes, "II");
    if ((!tiff.is_big_endian && !is_little_endian) || read_number(&tiff, 2, 2) != 42) {
        return OV_UNSUPPORTED;
    }
    TRY(read_directory(&tiff));
    unsigned point_bytes = tiff.samples * (tiff.bits == 16 ? 2 : 1);
    TRY(ov_picture_begin(picture, tiff.width, tiff.height, point_bytes));
    return add_pieces(&tiff, picture);
}
