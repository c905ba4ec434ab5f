// SPDX-License-Identifier: Apache-2.0
// Quoted-printable.
#include "format/codec/quoted.h"

#include "base/hex.h"
#include "format/codec/lines.h"
#include "format/codec/out.h"

static bool is_white(uint8_t byte) {
    return byte == ' ' || byte == '\t';
}

// How much of the line is left without blanks at its end.
static size_t measure_text(struct ov_span line) {
    size_t size = line.size;
    while (size > 0 && is_white(line.data[size - 1])) {
        size--;
    }
    return size;
}

static void decode_line(struct ov_span line, struct ov_out *out) {
    for (size_t i = 0; i < line.size && !out->is_full; i++) {
        int high = -1, low = -1;
        if (line.data[i] == '=' && line.size - i > 2) {
            high = ov_hex_digit(line.data[i + 1]);
            low = ov_hex_digit(line.data[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            ov_out_byte(out, (uint8_t)(high << 4 | low));
            i += 2;
        } else {
            ov_out_byte(out, line.data[i]);
        }
    }
}

enum ov_status ov_quoted_decode(struct ov_span text, size_t room, struct ov_buf *plain) {
    struct ov_out out;
    ov_out_init(&out, plain, room);
    struct ov_lines lines = ov_lines_init(text, 0);
    struct ov_line line;
    while (!out.is_full && ov_lines_next(&lines, &line)) {
        struct ov_span kept = ov_span_part(line.text, 0, measure_text(line.text));
        bool is_soft = kept.size > 0 && kept.data[kept.size - 1] == '=';
        decode_line(ov_span_part(kept, 0, kept.size - is_soft), &out);
        if (!is_soft) {
            size_t end = line.start + line.text.size;
            ov_out_span(&out, ov_span_part(text, end, line.next - end));
        }
    }
    return ov_out_end(&out);
}
