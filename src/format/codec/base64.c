// SPDX-License-Identifier: Apache-2.0
// Base64, read in the ways in which readers disagree.
#include "format/codec/base64.h"

#include "format/codec/lines.h"
#include "format/codec/out.h"

enum {
    JUNK = 64,
    PAD,
    WHITE,
    LIKELY_CHARS = 24, // shorter lines may be words
};

// What each byte is: a digit from 0 to 63, JUNK (64), PAD (65) or WHITE (66).
// clang-format off
static const uint8_t classes[256] = {
    64, 64, 64, 64, 64, 64, 64, 64, 64, 66, 66, 66, 66, 66, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    66, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 62, 64, 64, 64, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 65, 64, 64,
    64, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, 64,
    64, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
};
// clang-format on

struct group {
    uint32_t bits;
    unsigned count; // characters in it
};

// What a group that was not filled still holds: one byte out of two characters, two out of three.
static void flush_group(struct group *group, struct ov_out *out) {
    if (group->count >= 2) {
        ov_out_byte(out, (uint8_t)(group->bits >> (group->count == 2 ? 4 : 10)));
    }
    if (group->count == 3) {
        ov_out_byte(out, (uint8_t)(group->bits >> 2));
    }
    *group = (struct group){0};
}

static void add_digit(struct group *group, uint8_t digit, struct ov_out *out) {
    group->bits = group->bits << 6 | digit;
    if (++group->count == 4) {
        ov_out_byte(out, (uint8_t)(group->bits >> 16));
        ov_out_byte(out, (uint8_t)(group->bits >> 8));
        ov_out_byte(out, (uint8_t)group->bits);
        *group = (struct group){0};
    }
}

// The plain case, for speed: digits in groups of four. Returns how many bytes of the text it took.
static size_t decode_quads(struct ov_span text, struct ov_out *out) {
    size_t at = 0;
    for (; text.size - at >= 4 && !out->is_full; at += 4) {
        const uint8_t *quad = text.data + at;
        uint8_t a = classes[quad[0]], b = classes[quad[1]];
        uint8_t c = classes[quad[2]], d = classes[quad[3]];
        if ((a | b | c | d) >= JUNK) {
            break;
        }
        ov_out_byte(out, (uint8_t)(a << 2 | b >> 4));
        ov_out_byte(out, (uint8_t)(b << 4 | c >> 2));
        ov_out_byte(out, (uint8_t)(c << 6 | d));
    }
    return at;
}

// One run of text; false when the reading ends there.
static bool decode_run(struct ov_span text, bool stops_at_pad, struct group *group,
                       struct ov_out *out, struct ov_base64_signs *signs) {
    bool was_padded = false;
    for (size_t i = 0; i < text.size && !out->is_full; i++) {
        if (group->count == 0 && !was_padded) {
            i += decode_quads(ov_span_from(text, i), out);
            if (i >= text.size) {
                break;
            }
        }
        uint8_t digit = classes[text.data[i]];
        if (digit < JUNK) {
            signs->has_after = signs->has_after || was_padded;
            if (was_padded && stops_at_pad) {
                return false;
            }
            add_digit(group, digit, out);
        } else if (digit == PAD) {
            // Fewer than two digits hold no byte yet: such padding is junk.
            signs->has_junk = signs->has_junk || (group->count < 2 && !was_padded);
            was_padded = was_padded || group->count >= 2;
            if (group->count >= 2) {
                flush_group(group, out);
            }
        } else if (digit == JUNK) {
            signs->has_junk = true;
        }
    }
    return !out->is_full;
}

static bool is_pure(struct ov_span line) {
    for (size_t i = 0; i < line.size; i++) {
        uint8_t digit = classes[line.data[i]];
        if (digit == JUNK || (digit == WHITE && line.data[i] != '\t' && line.data[i] != ' ')) {
            return false;
        }
    }
    struct ov_span inner = ov_line_trim(line);
    return ov_span_find(inner, 0, ' ') == inner.size;
}

static void decode_lines(struct ov_span text, struct group *group, struct ov_out *out,
                         struct ov_base64_signs *signs) {
    struct ov_lines lines = ov_lines_init(text, 0);
    struct ov_line line;
    bool goes_on = true;
    while (goes_on && ov_lines_next(&lines, &line)) {
        if (is_pure(line.text)) {
            goes_on = decode_run(line.text, false, group, out, signs);
        }
    }
}

enum ov_status ov_base64_decode(struct ov_span text, enum ov_base64_reading reading, size_t room,
                                struct ov_buf *plain, struct ov_base64_signs *ret_signs) {
    struct ov_out out;
    struct group group = {0};
    struct ov_base64_signs signs = {0};
    ov_out_init(&out, plain, room);
    if (reading == OV_BASE64_LINES) {
        decode_lines(text, &group, &out, &signs);
    } else {
        (void)decode_run(text, reading == OV_BASE64_TO_PAD, &group, &out, &signs);
    }
    flush_group(&group, &out);
    *ret_signs = signs;
    return ov_out_end(&out);
}

bool ov_base64_is_likely(struct ov_span text) {
    struct ov_lines lines = ov_lines_init(text, 0);
    struct ov_line line;
    unsigned count = 0;
    size_t chars = 0;
    while (count < 2 && ov_lines_next(&lines, &line)) {
        if (ov_line_is_blank(line.text)) {
            continue;
        }
        if (!is_pure(line.text)) {
            break;
        }
        count++;
        chars += line.text.size;
    }
    return count > 0 && chars >= LIKELY_CHARS;
}
