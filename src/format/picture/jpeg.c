// SPDX-License-Identifier: Apache-2.0
// JPEG (ITU-T T.81), by libjpeg-turbo.
//
// The one file in which libjpeg's errors jump. Its memory is its own, has a cap, and is given back
// before this returns.
#include "format/picture/picture.h"

#include <stdio.h> // libjpeg's header needs FILE

#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>

enum { MEMORY_BYTES_MAX = 128 << 20, SCANS_MAX = 500 };

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

static void add_row(struct decoder *decoder, const uint8_t *row, uint8_t *rgb) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    const uint8_t *added = row;
    if (jpeg->output_components == 4) { // CMYK, inverted by those who write it
        for (uint32_t x = 0; x < jpeg->output_width; x++) {
            const uint8_t *point = &row[x * 4u];
            for (uint32_t i = 0; i < 3; i++) {
                rgb[x * 3u + i] = (uint8_t)((point[i] * point[3] + 127) / 255);
            }
        }
        added = rgb;
    }
    enum ov_status status = ov_picture_add(decoder->picture, added);
    if (status != OV_OK) {
        give_up(decoder, status);
    }
}

static void read_rows(struct decoder *decoder) {
    struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
    jpeg->src = &decoder->source;
    jpeg->progress = &decoder->progress;
    jpeg->mem->max_memory_to_use = MEMORY_BYTES_MAX;
    (void)jpeg_read_header(jpeg, TRUE);
    bool is_cmyk = jpeg->num_components == 4;
    unsigned point_bytes = jpeg->num_components == 1 ? 1 : 3;
    void *row = NULL, *rgb = NULL;
    enum ov_status status =
        ov_picture_begin(decoder->picture, jpeg->image_width, jpeg->image_height, point_bytes);
    status =
        status == OV_OK ? ov_picture_alloc(decoder->picture, jpeg->image_width, 4, &row) : status;
    status =
        status == OV_OK ? ov_picture_alloc(decoder->picture, jpeg->image_width, 4, &rgb) : status;
    if (status != OV_OK) {
        give_up(decoder, status);
    }
    jpeg->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    (void)jpeg_start_decompress(jpeg);
    while (jpeg->output_scanline < jpeg->output_height) {
        JSAMPROW rows[] = {row};
        (void)jpeg_read_scanlines(jpeg, rows, 1);
        add_row(decoder, row, rgb);
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
