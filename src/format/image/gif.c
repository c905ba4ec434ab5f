// SPDX-License-Identifier: Apache-2.0
// GIF: extensions and images, each a chain of blocks of up to 255 bytes (GIF 89a, 15 to 27).
#include "format/image/image.h"

enum {
    HEADER_BYTES = 6, // "GIF", version
    SCREEN_BYTES = 7,
    IMAGE_BYTES = 9,
    CONTROL_BYTES = 6,
    HAS_COLORS = 0x80,
    COLORS_MASK = 7,
    LABEL_EXTENSION = 0x21,
    LABEL_IMAGE = 0x2c,
    LABEL_END = 0x3b,
    EXTENSION_CONTROL = 0xf9, // the one with a fixed size
};

// A picture on its way.
struct gif {
    struct ov_cursor in;
    enum ov_heuristic broken; // OV_HEURISTIC_NONE: nothing so far
    bool has_image;
    bool is_done;
};

static void stop(struct gif *gif, enum ov_heuristic broken) {
    gif->broken = broken;
    gif->is_done = true;
}

// Room for a color table of as many entries as the flags say, three bytes each.
static size_t color_bytes(uint8_t flags) {
    return (flags & HAS_COLORS) != 0 ? (size_t)3 << ((flags & COLORS_MASK) + 1) : 0;
}

// Reads a chain of blocks up to the empty one that ends it.
static void read_blocks(struct gif *gif, enum ov_heuristic no_size, enum ov_heuristic no_data) {
    for (;;) {
        if (gif->in.has_failed || ov_cursor_left(&gif->in) == 0) {
            stop(gif, no_size);
            return;
        }
        uint8_t size = ov_cursor_u8(&gif->in);
        if (size == 0) {
            return;
        }
        if (size > ov_cursor_left(&gif->in)) {
            stop(gif, no_data);
            return;
        }
        ov_cursor_skip(&gif->in, size);
    }
}

static void read_extension(struct gif *gif) {
    if (ov_cursor_left(&gif->in) == 0) {
        stop(gif, OV_HEURISTIC_MEDIA_GIF_EXTENSION);
    } else if (ov_cursor_u8(&gif->in) == EXTENSION_CONTROL) {
        ov_cursor_skip(&gif->in, CONTROL_BYTES); // its end is noticed at the next label
    } else {
        read_blocks(gif, OV_HEURISTIC_MEDIA_GIF_EXTENSION, OV_HEURISTIC_MEDIA_GIF_EXTENSION_BLOCK);
    }
}

static void read_image(struct gif *gif) {
    if (ov_cursor_left(&gif->in) < IMAGE_BYTES) {
        stop(gif, OV_HEURISTIC_MEDIA_GIF_IMAGE);
        return;
    }
    ov_cursor_skip(&gif->in, IMAGE_BYTES - 1);
    uint8_t flags = ov_cursor_u8(&gif->in);
    ov_cursor_skip(&gif->in, color_bytes(flags) + 1); // and the size of a code
    read_blocks(gif, OV_HEURISTIC_MEDIA_GIF_IMAGE_BLOCK, OV_HEURISTIC_MEDIA_GIF_IMAGE_BLOCK);
    gif->has_image = gif->has_image || !gif->is_done;
}

static void read_screen(struct gif *gif) {
    ov_cursor_seek(&gif->in, HEADER_BYTES);
    if (ov_cursor_left(&gif->in) < SCREEN_BYTES) {
        stop(gif, OV_HEURISTIC_MEDIA_GIF_SCREEN);
        return;
    }
    ov_cursor_skip(&gif->in, 4);
    size_t colors = color_bytes(ov_cursor_u8(&gif->in));
    ov_cursor_skip(&gif->in, 2);
    if (colors > ov_cursor_left(&gif->in)) {
        stop(gif, OV_HEURISTIC_MEDIA_GIF_COLORS);
        return;
    }
    ov_cursor_skip(&gif->in, colors);
}

// Pictures without an end are common, and shown by everything.
static void read_part(struct gif *gif) {
    if (ov_cursor_left(&gif->in) == 0) {
        stop(gif, gif->has_image ? OV_HEURISTIC_NONE : OV_HEURISTIC_MEDIA_GIF_NO_IMAGE);
        return;
    }
    switch (ov_cursor_u8(&gif->in)) {
    case LABEL_EXTENSION:
        read_extension(gif);
        break;
    case LABEL_IMAGE:
        read_image(gif);
        break;
    case LABEL_END:
        gif->is_done = true;
        break;
    default:
        stop(gif, OV_HEURISTIC_MEDIA_GIF_LABEL);
    }
}

enum ov_status ov_gif_walk(struct ov_cursor *in, struct ov_walk *walk) {
    struct gif gif = {.in = *in, .broken = OV_HEURISTIC_NONE};
    if (in->bytes.size < HEADER_BYTES) {
        return OV_DAMAGED;
    }
    read_screen(&gif);
    while (!gif.is_done) {
        TRY(ov_walk_has_time(walk));
        read_part(&gif);
    }
    size_t end = gif.in.at;
    if (gif.broken != OV_HEURISTIC_NONE) {
        ov_walk_alert(walk, gif.broken);
        // Text behind "GIF89a;" alone is a way to pass for a picture: all of it is looked at.
        end = end == HEADER_BYTES + SCREEN_BYTES + 1 ? HEADER_BYTES : end;
    }
    struct ov_span rest = ov_span_from(in->bytes, end);
    TRY(rest.size > 0 ? ov_walk_stored(walk, rest, ov_span_text("")) : OV_OK);
    return gif.broken == OV_HEURISTIC_NONE ? OV_OK : OV_DAMAGED;
}
