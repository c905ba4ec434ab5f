// SPDX-License-Identifier: Apache-2.0
// Uuencoded blocks in a text.
#include "format/codec/uu.h"

#include "format/codec/base64.h"
#include "format/codec/lines.h"
#include "format/codec/out.h"

enum {
    FIRST_CHAR = ' ',
    LAST_CHAR = '`', // means zero, as the blank does
    MODE_DIGITS_MAX = 6,
    MORE_CHARS_MAX = 4, // behind the data of a line: a checksum, or a blank that fills up
};

static struct ov_span skip_blanks(struct ov_span text) {
    size_t at = 0;
    while (at < text.size && (text.data[at] == ' ' || text.data[at] == '\t')) {
        at++;
    }
    return ov_span_from(text, at);
}

// Reads "begin MODE NAME" or "begin-base64 MODE NAME".
static bool read_begin(struct ov_span line, struct ov_uu_block *ret_block) {
    bool is_base64 = ov_span_has_prefix(line, "begin-base64");
    if (!ov_span_has_prefix(line, "begin")) {
        return false;
    }
    struct ov_span rest = ov_span_from(line, strlen(is_base64 ? "begin-base64" : "begin"));
    struct ov_span mode = skip_blanks(rest);
    if (mode.size == rest.size) {
        return false;
    }
    size_t digits = 0;
    while (digits < mode.size && mode.data[digits] >= '0' && mode.data[digits] <= '7') {
        digits++;
    }
    rest = ov_span_from(mode, digits);
    struct ov_span name = ov_line_trim(rest);
    bool has_gap = rest.size > 0 && (rest.data[0] == ' ' || rest.data[0] == '\t');
    if (digits == 0 || digits > MODE_DIGITS_MAX || !has_gap || name.size == 0) {
        return false;
    }
    ret_block->name = name;
    ret_block->is_base64 = is_base64;
    return true;
}

bool ov_uu_find(struct ov_span text, size_t from, struct ov_uu_block *ret_block) {
    size_t at = ov_lines_find(text, from, "begin");
    while (at < text.size) {
        struct ov_lines lines = ov_lines_init(text, at);
        struct ov_line line;
        if (ov_lines_next(&lines, &line) && read_begin(line.text, ret_block)) {
            ret_block->start = line.start;
            ret_block->data_at = line.next;
            return true;
        }
        at = ov_lines_find(text, line.next, "begin");
    }
    return false;
}

static unsigned count_bytes(struct ov_span line) {
    return line.size > 0 ? (unsigned)(line.data[0] - FIRST_CHAR) & 63 : 0;
}

// Whether the line can be one of a block. Blanks at its end may have been lost on the way.
static bool is_data(struct ov_span line) {
    for (size_t i = 0; i < line.size; i++) {
        if (line.data[i] < FIRST_CHAR || line.data[i] > LAST_CHAR) {
            return false;
        }
    }
    size_t chars = (size_t)(count_bytes(line) + 2) / 3 * 4;
    return line.size > 0 && line.size - 1 <= chars + MORE_CHARS_MAX;
}

static unsigned read_char(struct ov_span line, size_t at) {
    return at < line.size ? (unsigned)(line.data[at] - FIRST_CHAR) & 63 : 0;
}

static void decode_line(struct ov_span line, struct ov_out *out) {
    unsigned left = count_bytes(line);
    for (size_t at = 1; left > 0; at += 4) {
        uint32_t bits = read_char(line, at) << 18 | read_char(line, at + 1) << 12 |
                        read_char(line, at + 2) << 6 | read_char(line, at + 3);
        for (unsigned i = 0; i < 3 && left > 0; i++, left--) {
            ov_out_byte(out, (uint8_t)(bits >> (16 - 8 * i)));
        }
    }
}

static enum ov_status decode_classic(struct ov_span text, size_t from, struct ov_out *out,
                                     size_t *ret_end) {
    struct ov_lines lines = ov_lines_init(text, from);
    struct ov_line line;
    bool has_end = false;
    while (!has_end && !out->is_full && ov_lines_next(&lines, &line)) {
        struct ov_uu_block next;
        has_end = ov_span_is_text(ov_line_trim(line.text), "end");
        if (read_begin(line.text, &next)) {
            lines.at = line.start;
            break;
        }
        if (!has_end && is_data(line.text)) {
            decode_line(line.text, out);
        }
    }
    *ret_end = lines.at;
    enum ov_status status = ov_out_end(out);
    return status == OV_OK && !has_end ? OV_DAMAGED : status;
}

enum ov_status ov_uu_decode(struct ov_span text, const struct ov_uu_block *block, size_t room,
                            struct ov_buf *plain, size_t *ret_end) {
    if (!block->is_base64) {
        struct ov_out out;
        ov_out_init(&out, plain, room);
        return decode_classic(text, block->data_at, &out, ret_end);
    }
    struct ov_lines lines = ov_lines_init(text, block->data_at);
    struct ov_line line = {.start = text.size, .next = text.size};
    bool has_end = false;
    while (!has_end && ov_lines_next(&lines, &line)) {
        has_end = ov_span_is_text(ov_line_trim(line.text), "====");
    }
    size_t end = has_end ? line.start : text.size;
    *ret_end = has_end ? line.next : text.size;
    struct ov_base64_signs signs;
    struct ov_span data = ov_span_part(text, block->data_at, end - block->data_at);
    TRY(ov_base64_decode(data, OV_BASE64_ALL, room, plain, &signs));
    return has_end ? OV_OK : OV_DAMAGED;
}
