// SPDX-License-Identifier: Apache-2.0
// PNG (ISO/IEC 15948), by libpng.
//
// The one file in which libpng's errors jump: everything that it allocates lies in the picture's
// arena, so nothing is lost by a jump.
#include "format/picture/picture.h"

#include <png.h>
#include <setjmp.h>

enum {
    CHUNK_BYTES_MAX = 8 << 20,
    CHUNK_HEAD_BYTES = 8,
    CHUNKS_KEPT_MAX = 64,
    SIDE_MAX = 0x7fffffff,
};

struct input {
    struct ov_picture *picture;
    size_t at;
    enum ov_status failure; // why it was given up, when not for damage
};

static void read_bytes(png_structp png, png_bytep out, png_size_t size) {
    struct input *input = png_get_io_ptr(png);
    struct ov_span bytes = ov_span_part(input->picture->bytes, input->at, size);
    if (bytes.size < size) {
        png_error(png, "the file ends");
    }
    memcpy(out, bytes.data, size);
    input->at += size;
}

static png_voidp allocate(png_structp png, png_alloc_size_t size) {
    struct input *input = png_get_mem_ptr(png);
    void *memory = NULL;
    enum ov_status status = ov_picture_alloc(input->picture, size, 1, &memory);
    input->failure = status != OV_OK ? status : input->failure;
    return memory;
}

static void keep(png_structp png, png_voidp memory) {
    (void)png, (void)memory; // the arena is given back as a whole
}

static void fail(png_structp png, png_const_charp text) {
    (void)text;
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text) {
    (void)png, (void)text;
}

// Gives up for another reason than damage.
static void check(png_structp png, struct input *input, enum ov_status status) {
    if (status != OV_OK) {
        input->failure = status;
        png_error(png, "given up");
    }
}

static unsigned point_bytes(png_structp png, png_infop info) {
    unsigned channels = 1, depth = png_get_bit_depth(png, info);
    unsigned color = png_get_color_type(png, info);
    channels = (color & PNG_COLOR_MASK_COLOR) != 0 ? 3 : 1;
    bool has_alpha = (color & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png, info, PNG_INFO_tRNS);
    return (channels + has_alpha) * (depth == 16 ? 2 : 1);
}

// What libpng shall make of any picture: red, green and blue of 8 bits.
static void ask_for_rgb(png_structp png) {
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
}

static void read_rows(png_structp png, png_infop info, struct input *input) {
    struct ov_picture *picture = input->picture;
    uint32_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    check(png, input, ov_picture_begin(picture, width, height, point_bytes(png, info)));
    ask_for_rgb(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t row_bytes = (size_t)width * 3;
    if (png_get_rowbytes(png, info) != row_bytes) {
        png_error(png, "rows of another size");
    }
    bool is_interlaced = passes > 1; // then a pass fills in rows of the one before
    void *memory = NULL;
    check(png, input, ov_picture_alloc(picture, is_interlaced ? height : 1, row_bytes, &memory));
    uint8_t *rows = memory;
    for (int pass = 0; pass < passes; pass++) {
        for (uint32_t y = 0; y < height; y++) {
            uint8_t *row = is_interlaced ? &rows[y * row_bytes] : rows;
            png_read_row(png, row, NULL);
            if (pass == passes - 1) {
                check(png, input, ov_picture_add(picture, row));
            } else if (y % 1024 == 0 && !ov_budget_has_time(picture->budget)) {
                check(png, input, OV_LIMIT);
            }
        }
    }
    // clamscan's library looks for the chunk that follows the picture.
    if (ov_span_from(picture->bytes, input->at).size < CHUNK_HEAD_BYTES) {
        png_error(png, "the file ends");
    }
}

enum ov_status ov_picture_read_png(struct ov_picture *picture) {
    void *memory = NULL;
    TRY(ov_picture_alloc(picture, 1, sizeof(struct input), &memory));
    struct input *const input = memory; // in the arena: the jump does not unmake it
    input->picture = picture;
    input->failure = OV_OK;
    png_structp png =
        png_create_read_struct_2(PNG_LIBPNG_VER_STRING, NULL, fail, ignore, input, allocate, keep);
    if (png == NULL) {
        return input->failure != OV_OK ? input->failure : OV_DAMAGED;
    }
    if (setjmp(png_jmpbuf(png)) != 0) {
        return input->failure != OV_OK ? input->failure : OV_DAMAGED;
    }
    png_infop info = png_create_info_struct(png);
    if (info == NULL) {
        return OV_LIMIT;
    }
    png_set_read_fn(png, input, read_bytes);
    png_set_user_limits(png, SIDE_MAX, SIDE_MAX);
    png_set_chunk_cache_max(png, CHUNKS_KEPT_MAX);
    png_set_chunk_malloc_max(png, CHUNK_BYTES_MAX);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, 0);
    png_read_info(png, info);
    read_rows(png, info, input);
    return OV_OK;
}
