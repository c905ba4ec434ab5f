// SPDX-License-Identifier: Apache-2.0
// The compression of AutoIt: bytes, and copies of up to 32 KB back.
#include "format/exe/autoit.h"

#include "format/codec/lz.h"

enum {
    MARK_BYTES = 4,
    HEADER_BYTES = 8,
    DISTANCE_BITS = 15,
    MATCH_MIN = 3,
    LAST_BITS = 8,
};

// How many bytes a match has: a number of few bits, and as long as all of them are set, another one
// of more bits to add.
static size_t read_size(struct ov_bits *bits) {
    static const uint8_t widths[] = {2, 3, 5, LAST_BITS};
    size_t size = MATCH_MIN;
    for (size_t i = 0; !bits->is_past; i += i + 1 < sizeof widths) {
        uint32_t more = ov_bits_take(bits, widths[i]);
        size += more;
        if (more + 1 < 1U << widths[i]) {
            break;
        }
    }
    return size;
}

// One byte or match. The bit before it means the opposite in the other format.
static enum ov_status step(enum ov_autoit format, struct ov_bits *bits, struct ov_window *window,
                           size_t plain_bytes) {
    bool is_set = ov_bits_take(bits, 1) != 0;
    if (is_set != (format == OV_AUTOIT_EA05)) {
        uint8_t byte = (uint8_t)ov_bits_take(bits, 8);
        bool is_put = !bits->is_past && ov_window_put(window, byte);
        return bits->is_past ? OV_DAMAGED : is_put ? OV_OK : window->status;
    }
    size_t distance = ov_bits_take(bits, DISTANCE_BITS);
    size_t size = read_size(bits);
    size_t written = ov_window_written(window);
    if (bits->is_past || distance == 0 || distance > written) {
        return OV_DAMAGED;
    }
    size = size < plain_bytes - written ? size : plain_bytes - written;
    return ov_window_copy(window, distance, size) ? OV_OK : window->status;
}

enum ov_status ov_autoit_unpack(enum ov_autoit format, struct ov_span packed, struct ov_walk *walk,
                                struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(packed);
    struct ov_span mark = ov_cursor_bytes(&in, MARK_BYTES);
    size_t plain_bytes = ov_cursor_u32be(&in);
    if (!ov_span_is_text(mark, format == OV_AUTOIT_EA05 ? "EA05" : "EA06")) {
        return OV_UNSUPPORTED;
    }
    plain_bytes = plain_bytes > 0 ? plain_bytes : packed.size; // damaged: see what comes
    struct ov_bits bits = ov_bits_init(ov_span_from(packed, HEADER_BYTES), true);
    struct ov_window window;
    ov_window_init(&window, plain, walk);
    enum ov_status status = OV_OK;
    while (status == OV_OK && ov_window_written(&window) < plain_bytes) {
        status = step(format, &bits, &window, plain_bytes);
    }
    ov_window_finish(&window);
    return status;
}
