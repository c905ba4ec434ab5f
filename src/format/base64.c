// SPDX-License-Identifier: Apache-2.0
// Base64, read in the ways in which readers disagree.
#include "format/base64.h"

#include "format/lines.h"
#include "format/out.h"

enum {
    JUNK = 64,
    PAD,
    WHITE,
    LIKELY_CHARS = 24, // shorter lines may be words
};

static uint8_t classify(uint8_t byte) {
    if (byte >= 'A' && byte <= 'Z') {
        return (uint8_t)(byte - 'A');
    }
    if (byte >= 'a' && byte <= 'z') {
        return (uint8_t)(byte - 'a' + 26);
    }
    if (byte >= '0' && byte <= '9') {
        return (uint8_t)(byte - '0' + 52);
    }
    switch (byte) {
    case '+':
        return 62;
    case '/':
        return 63;
    case '=':
        return PAD;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case '\f':
    case '\v':
        return WHITE;
    default:
        return JUNK;
    }
}

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

// One run of text; false when the reading ends there.
static bool decode_run(struct ov_span text, bool stops_at_pad, struct group *group,
                       struct ov_out *out, struct ov_base64_signs *signs) {
    bool was_padded = false;
    for (size_t i = 0; i < text.size && !out->is_full; i++) {
        uint8_t digit = classify(text.data[i]);
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
        uint8_t digit = classify(line.data[i]);
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
