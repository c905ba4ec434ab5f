// SPDX-License-Identifier: Apache-2.0
// JPEG (ITU-T T.81), by libjpeg-turbo.
//
// The one file in which libjpeg's errors jump. Its memory is its own, has a cap, and is given back
// before this returns. Points are made from the coefficients by our own roundings, as long as there
// is memory for these; other pictures get what libjpeg makes of them.
#include "format/picture/jpeg_points.h"
#include "format/picture/picture.h"

#include <stdio.h> // libjpeg's header needs FILE

#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>

enum {
    MEMORY_BYTES_MAX = 128 << 20,
    COEFFICIENT_BYTES_MAX = 112 << 20, // of a picture that is decoded by our own roundings
    SCANS_MAX = 500,
    PLANES_MAX = 4,
};

// The levels of one component, whole blocks of them.
struct plane {
    uint8_t *levels;
    size_t width, height;
    unsigned across, down; // how many points of the picture a level is for
    uint8_t *mixed, *wide; // rows at work
};

struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    struct jpeg_source_mgr source;
    struct ov_picture *picture;
    enum ov_status failure; // why it was given up, when not for damage
    jmp_buf end;
};

static struct decoder *get_decoder(j_common_ptr jpeg) {
    return jpeg->client_data;
}

static void fail(j_common_ptr jpeg) {
    struct decoder *decoder = get_decoder(jpeg);
    int code = jpeg->err->msg_code;
    if (code == JERR_OUT_OF_MEMORY || code == JERR_NO_BACKING_STORE) {
        ov_budget_note(decoder->picture->budget, OV_LIMIT_MEMORY);
        decoder->failure = OV_LIMIT;
    }
    longjmp(decoder->end, 1);
}

static void give_up(struct decoder *decoder, enum ov_status status) {
    decoder->failure = status;
    longjmp(decoder->end, 1);
}

static void ignore(j_common_ptr jpeg, int level) {
    jpeg->err->num_warnings += level < 0;
}

static void print_nothing(j_common_ptr jpeg) {
    (void)jpeg;
}

// Many scans over a large picture cost time that no file's size explains.
static void watch(j_common_ptr jpeg) {
    struct decoder *decoder = get_decoder(jpeg);
    bool is_endless = jpeg->is_decompressor && decoder->jpeg.input_scan_number > SCANS_MAX;
    if (is_endless) {
        ov_budget_note(decoder->picture->budget, OV_LIMIT_MATCHING);
    }
    if (is_endless || !ov_budget_has_time(decoder->picture->budget)) {
        give_up(decoder, OV_LIMIT);
    }
}

static void start_source(j_decompress_ptr jpeg) {
    (void)jpeg;
}

// What is missing at the end is taken for the end of the picture, as lenient readers do.
static boolean fill_source(j_decompress_ptr jpeg) {
    static const JOCTET end[] = {0xff, JPEG_EOI};
    jpeg->src->next_input_byte = end;
    jpeg->src->bytes_in_buffer = sizeof end;
    WARNMS(jpeg, JWRN_JPEG_EOF);
    return TRUE;
}

static void skip_source(j_decompress_ptr jpeg, long count) {
    struct ov_span left = ov_span_make(jpeg->src->next_input_byte, jpeg->src->bytes_in_buffer);
    left = ov_span_from(left, count > 0 ? (size_t)count : 0);
    jpeg->src->next_input_byte = left.data;
    jpeg->src->bytes_in_buffer = left.size;
}

static void prepare(struct decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    jpeg->err = jpeg_std_error(&decoder->errors);
    decoder->errors.error_exit = fail;
    decoder->errors.emit_message = ignore;
    decoder->errors.output_message = print_nothing;
    jpeg->client_data = decoder;
    decoder->progress.progress_monitor = watch;
    decoder->source = (struct jpeg_source_mgr){
        .next_input_byte = decoder->picture->bytes.data,
        .bytes_in_buffer = decoder->picture->bytes.size,
        .init_source = start_source,
        .fill_input_buffer = fill_source,
        .skip_input_data = skip_source,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = start_source,
    };
}

// A part of a colour on a ground that lets so much of it through.
static uint8_t darken(unsigned part, unsigned ground) {
    return (uint8_t)((part * ground + 127) / 255);
}

static void add_row(struct decoder *decoder, const uint8_t *row, uint8_t *rgb) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    const uint8_t *added = row;
    if (jpeg->output_components == 4) { // CMYK, inverted by those who write it
        for (uint32_t x = 0; x < jpeg->output_width; x++) {
            const uint8_t *point = &row[x * 4u];
            for (uint32_t i = 0; i < 3; i++) {
                rgb[x * 3u + i] = darken(point[i], point[3]);
            }
        }
        added = rgb;
    }
    enum ov_status status = ov_picture_add(decoder->picture, added);
    if (status != OV_OK) {
        give_up(decoder, status);
    }
}

// Stops on any failure.
static void check(struct decoder *decoder, enum ov_status status) {
    if (status != OV_OK) {
        give_up(decoder, status);
    }
}

static void *allocate(struct decoder *decoder, uint64_t count) {
    void *memory = NULL;
    check(decoder, ov_picture_alloc(decoder->picture, count, 1, &memory));
    return memory;
}

// ---- by our own roundings ----------------------------------------------------------------------

static uint64_t round_up(uint64_t count, int unit) {
    return (count + (unsigned)unit - 1) / (unsigned)unit * (unsigned)unit;
}

static bool is_own_kind(const struct jpeg_decompress_struct *jpeg) {
    bool is_known = jpeg->jpeg_color_space == JCS_GRAYSCALE || jpeg->jpeg_color_space == JCS_RGB ||
                    jpeg->jpeg_color_space == JCS_YCbCr || jpeg->jpeg_color_space == JCS_CMYK ||
                    jpeg->jpeg_color_space == JCS_YCCK;
    uint64_t bytes = 0;
    for (int i = 0; i < jpeg->num_components && is_known; i++) {
        const jpeg_component_info *part = &jpeg->comp_info[i];
        bool is_whole = jpeg->max_h_samp_factor % part->h_samp_factor == 0 &&
                        jpeg->max_v_samp_factor % part->v_samp_factor == 0;
        bool is_first_full = i > 0 || (part->h_samp_factor == jpeg->max_h_samp_factor &&
                                       part->v_samp_factor == jpeg->max_v_samp_factor);
        if (!is_whole || !is_first_full) {
            return false;
        }
        bytes += round_up(part->width_in_blocks, part->h_samp_factor) *
                 round_up(part->height_in_blocks, part->v_samp_factor) * sizeof(JBLOCK);
    }
    return is_known && bytes <= COEFFICIENT_BYTES_MAX;
}

static void fill_plane(struct decoder *decoder, jvirt_barray_ptr blocks, int number,
                       struct plane *ret_plane) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    const jpeg_component_info *part = &jpeg->comp_info[number];
    uint64_t across = round_up(part->width_in_blocks, part->h_samp_factor);
    uint64_t down = round_up(part->height_in_blocks, part->v_samp_factor);
    if (part->quant_table == NULL) {
        give_up(decoder, OV_DAMAGED);
    }
    uint16_t steps[OV_JPEG_BLOCK];
    for (unsigned i = 0; i < OV_JPEG_BLOCK; i++) {
        steps[i] = part->quant_table->quantval[i];
    }
    ret_plane->width = across * OV_JPEG_SIDE;
    ret_plane->height = down * OV_JPEG_SIDE;
    ret_plane->across = (unsigned)(jpeg->max_h_samp_factor / part->h_samp_factor);
    ret_plane->down = (unsigned)(jpeg->max_v_samp_factor / part->v_samp_factor);
    ret_plane->levels = allocate(decoder, (uint64_t)ret_plane->width * ret_plane->height);
    ret_plane->mixed = allocate(decoder, ret_plane->width);
    ret_plane->wide = allocate(decoder, (uint64_t)ret_plane->width * ret_plane->across);
    for (uint64_t y = 0; y < down; y++) {
        JBLOCKARRAY row =
            jpeg->mem->access_virt_barray((j_common_ptr)jpeg, blocks, (JDIMENSION)y, 1, FALSE);
        uint8_t *levels = &ret_plane->levels[y * OV_JPEG_SIDE * ret_plane->width];
        for (uint64_t x = 0; x < across; x++) {
            ov_jpeg_block(row[0][x], steps, &levels[x * OV_JPEG_SIDE], ret_plane->width);
        }
        if (!ov_budget_has_time(decoder->picture->budget)) {
            give_up(decoder, OV_LIMIT);
        }
    }
}

// The plane's levels for a row of the picture, as many as it has points. Halves are mixed, other
// parts are repeated.
static const uint8_t *stretch_row(const struct plane *plane, uint32_t y) {
    bool is_mixed = plane->across <= 2 && plane->down <= 2;
    size_t at = y / plane->down;
    const uint8_t *row = &plane->levels[at * plane->width];
    if (is_mixed && plane->down == 2) {
        size_t beside =
            y % 2 == 0 ? (at > 0 ? at - 1 : at) : (at + 1 < plane->height ? at + 1 : at);
        ov_jpeg_mix_rows(row, &plane->levels[beside * plane->width], plane->width, plane->mixed);
        row = plane->mixed;
    }
    if (plane->across == 1) {
        return row;
    }
    if (is_mixed) {
        ov_jpeg_widen(row, plane->width, plane->wide);
        return plane->wide;
    }
    for (size_t x = 0; x < plane->width * plane->across; x++) {
        plane->wide[x] = row[x / plane->across];
    }
    return plane->wide;
}

// One row of levels for each component.
static void color_point(const struct jpeg_decompress_struct *jpeg, const uint8_t *const *rows,
                        uint32_t x, uint8_t ret_rgb[3]) {
    J_COLOR_SPACE space = jpeg->jpeg_color_space;
    if (space == JCS_GRAYSCALE) {
        memset(ret_rgb, rows[0][x], 3);
        return;
    }
    for (unsigned i = 0; i < 3 && space == JCS_RGB; i++) {
        ret_rgb[i] = rows[i][x];
    }
    if (space == JCS_YCbCr || space == JCS_YCCK) {
        ov_jpeg_color(rows[0][x], rows[1][x], rows[2][x], ret_rgb);
    }
    for (unsigned i = 0; i < 3 && (space == JCS_CMYK || space == JCS_YCCK); i++) {
        unsigned part = space == JCS_CMYK ? rows[i][x] : 255u - ret_rgb[i];
        ret_rgb[i] = darken(part, rows[3][x]);
    }
}

static void add_points(struct decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    jvirt_barray_ptr *blocks = jpeg_read_coefficients(jpeg);
    struct plane planes[PLANES_MAX];
    for (int i = 0; i < jpeg->num_components; i++) {
        fill_plane(decoder, blocks[i], i, &planes[i]);
    }
    uint8_t *rgb = allocate(decoder, (uint64_t)jpeg->image_width * 3);
    for (uint32_t y = 0; y < jpeg->image_height; y++) {
        const uint8_t *light = stretch_row(&planes[0], y);
        const uint8_t *rows[PLANES_MAX] = {light, light, light, light};
        for (int i = 1; i < jpeg->num_components; i++) {
            rows[i] = stretch_row(&planes[i], y);
        }
        for (uint32_t x = 0; x < jpeg->image_width; x++) {
            color_point(jpeg, rows, x, &rgb[(size_t)x * 3]);
        }
        check(decoder, ov_picture_add(decoder->picture, rgb));
    }
}

// ---- by libjpeg's ------------------------------------------------------------------------------

static void add_rows(struct decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    bool is_cmyk = jpeg->num_components == 4;
    uint8_t *row = allocate(decoder, (uint64_t)jpeg->image_width * 4);
    uint8_t *rgb = allocate(decoder, (uint64_t)jpeg->image_width * 4);
    jpeg->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    (void)jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW rows[] = {row};
        (void)jpeg_read_scanlines(jpeg, rows, 1);
        add_row(decoder, row, rgb);
    }
}

static void read_rows(struct decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    jpeg->src = &decoder->source;
    jpeg->progress = &decoder->progress;
    jpeg->mem->max_memory_to_use = MEMORY_BYTES_MAX;
    (void)jpeg_read_header(jpeg, TRUE);
    unsigned point_bytes = jpeg->num_components == 1 ? 1 : 3;
    check(decoder,
          ov_picture_begin(decoder->picture, jpeg->image_width, jpeg->image_height, point_bytes));
    if (is_own_kind(jpeg)) {
        add_points(decoder);
    } else {
        add_rows(decoder);
    }
}

enum ov_status ov_picture_read_jpeg(struct ov_picture *picture) {
    void *memory = NULL;
    TRY(ov_picture_alloc(picture, 1, sizeof(struct decoder), &memory));
    struct decoder *const decoder = memory; // in the arena: the jump does not unmake it
    decoder->picture = picture;
    decoder->failure = OV_OK;
    prepare(decoder);
    enum ov_status status = OV_OK;
    if (setjmp(decoder->end) == 0) {
        jpeg_create_decompress(&decoder->jpeg);
        decoder->jpeg.client_data = decoder;
        read_rows(decoder);
    } else {
        status = decoder->failure != OV_OK ? decoder->failure : OV_DAMAGED;
    }
    jpeg_destroy_decompress(&decoder->jpeg);
    return status;
}
