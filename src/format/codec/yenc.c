// SPDX-License-Identifier: Apache-2.0
// yEnc blocks in a text.
#include "format/codec/yenc.h"

#include "format/codec/lines.h"
#include "format/codec/out.h"

enum { SHIFT = 42, ESCAPED_SHIFT = 64, DIGITS_MAX = 9 };

// What follows "key=" in a header line: up to a blank, or to the end for the name, which is last.
static struct ov_span find_value(struct ov_span line, const char *key, bool is_last) {
    size_t at = ov_text_find(line, 0, key);
    struct ov_span value = ov_span_from(line, at + strlen(key));
    return is_last ? ov_line_trim(value) : ov_span_part(value, 0, ov_span_find(value, 0, ' '));
}

static uint64_t read_number(struct ov_span digits) {
    uint64_t number = 0;
    for (size_t i = 0; i < digits.size && i < DIGITS_MAX; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') {
            break;
        }
        number = number * 10 + (uint64_t)(digits.data[i] - '0');
    }
    return number;
}

bool ov_yenc_find(struct ov_span text, size_t from, struct ov_yenc_block *ret_block) {
    size_t start = ov_lines_find(text, from, "=ybegin ");
    struct ov_lines lines = ov_lines_init(text, start);
    struct ov_line line;
    if (start >= text.size || !ov_lines_next(&lines, &line)) {
        return false;
    }
    struct ov_span part = find_value(line.text, " part=", false);
    *ret_block = (struct ov_yenc_block){.name = find_value(line.text, " name=", true),
                                        .start = line.start,
                                        .data_at = line.next,
                                        .part = read_number(part)};
    if (ov_lines_peek(&lines, &line) && ov_span_has_prefix(line.text, "=ypart ")) {
        ret_block->data_at = line.next;
    }
    return true;
}

static void decode_line(struct ov_span line, bool *is_escaped, struct ov_out *out) {
    for (size_t i = 0; i < line.size && !out->is_full; i++) {
        uint8_t byte = line.data[i];
        if (*is_escaped) {
            ov_out_byte(out, (uint8_t)(byte - ESCAPED_SHIFT - SHIFT));
            *is_escaped = false;
        } else if (byte == '=') {
            *is_escaped = true;
        } else if (byte != '\r') {
            ov_out_byte(out, (uint8_t)(byte - SHIFT));
        }
    }
}

enum ov_status ov_yenc_decode(struct ov_span text, const struct ov_yenc_block *block, size_t room,
                              struct ov_buf *plain, size_t *ret_end) {
    struct ov_out out;
    ov_out_init(&out, plain, room);
    struct ov_lines lines = ov_lines_init(text, block->data_at);
    struct ov_line line;
    bool has_end = false, is_escaped = false;
    while (!has_end && !out.is_full && ov_lines_next(&lines, &line)) {
        if (ov_span_has_prefix(line.text, "=ybegin ")) {
            lines.at = line.start;
            break;
        }
        has_end = ov_span_has_prefix(line.text, "=yend");
        if (!has_end) {
            decode_line(line.text, &is_escaped, &out);
        }
    }
    *ret_end = lines.at;
    enum ov_status status = ov_out_end(&out);
    return status == OV_OK && !has_end ? OV_DAMAGED : status;
}
