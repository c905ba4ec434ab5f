// SPDX-License-Identifier: Apache-2.0
// Control characters written out.
#include "base/printable.h"

#include "base/utf8.h"

// The bytes of the control character at the start, or 0 when there is another one.
static unsigned control_size(struct ov_span text) {
    uint8_t first = text.data[0];
    if (first < 0x20 || first == 0x7f) {
        return 1;
    }
    // U+0080 to U+009F: U+009B alone begins what ESC [ begins.
    return first == 0xc2 && text.size > 1 && text.data[1] >= 0x80 && text.data[1] <= 0x9f ? 2 : 0;
}

static bool is_line_part(uint8_t byte) {
    return byte == '\n' || byte == '\t';
}

static void add(struct ov_buf *out, struct ov_span text, bool is_lines) {
    size_t plain = 0; // start of what needs no change
    size_t at = 0;
    while (at < text.size) {
        uint8_t byte = text.data[at];
        struct ov_span rest = ov_span_part(text, at, text.size);
        unsigned size = byte >= 0x20 && byte < 0x7f ? 0 : control_size(rest);
        unsigned step = 1;
        if (is_lines && is_line_part(byte)) {
            size = 0;
        } else if (is_lines && byte >= 0x80 && size == 0) {
            step = ov_utf8_length(rest);
            size = step == 0 ? 1 : 0;
        }
        if (size > 0) {
            ov_buf_add(out, text.data + plain, at - plain);
            for (unsigned i = 0; i < size; i++) {
                ov_buf_printf(out, "\\x%02x", text.data[at + i]);
            }
            step = size;
            plain = at + size;
        }
        at += step;
    }
    ov_buf_add(out, text.data + plain, text.size - plain);
}

void ov_printable_add(struct ov_buf *out, struct ov_span text) {
    add(out, text, false);
}

void ov_printable_add_lines(struct ov_buf *out, struct ov_span text) {
    add(out, text, true);
}
