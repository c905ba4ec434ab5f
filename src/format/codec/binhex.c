// SPDX-License-Identifier: Apache-2.0
// BinHex 4.0 in a text.
#include "format/codec/binhex.h"

#include "base/cursor.h"
#include "format/codec/lines.h"
#include "format/codec/out.h"

enum {
    RUN_MARK = 0x90,
    NO_DIGIT = 64,
    TYPES_AND_FLAGS_BYTES = 10, // type, creator, flags of the finder
    CHECKSUM_BYTES = 2,
};

// "... with BinHex 4.0)", but not from all programs.
static const char announcement[] = "(This file must be converted";
static const char digits[] = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";

bool ov_binhex_find(struct ov_span text, size_t from, size_t *ret_at) {
    struct ov_span rest = ov_span_from(text, from);
    const uint8_t *hit =
        rest.size == 0 ? NULL : memmem(rest.data, rest.size, announcement, sizeof announcement - 1);
    if (hit == NULL) {
        return false;
    }
    *ret_at = from + (size_t)(hit - rest.data);
    return true;
}

// Undoes the runs: a byte, the mark and a count mean that byte so many times; a count of zero means
// the mark itself.
struct unroller {
    uint8_t last;
    bool has_mark;
};

static void unroll(struct unroller *state, uint8_t byte, struct ov_out *out) {
    if (!state->has_mark) {
        state->has_mark = byte == RUN_MARK;
        if (byte != RUN_MARK) {
            state->last = byte;
            ov_out_byte(out, byte);
        }
        return;
    }
    state->has_mark = false;
    if (byte == 0) {
        state->last = RUN_MARK;
        ov_out_byte(out, RUN_MARK);
    } else {
        ov_out_run(out, state->last, (size_t)byte - 1);
    }
}

static void fill_table(uint8_t table[256]) {
    memset(table, NO_DIGIT, 256);
    for (unsigned i = 0; i < NO_DIGIT; i++) {
        table[(uint8_t)digits[i]] = (uint8_t)i;
    }
}

// Where the colon stands that opens the data: the first one at the start of a line.
static size_t find_colon(struct ov_span text, size_t at) {
    struct ov_lines lines = ov_lines_init(text, at);
    struct ov_line line;
    while (ov_lines_next(&lines, &line)) {
        if (line.text.size > 0 && line.text.data[0] == ':') {
            return line.start;
        }
    }
    return text.size;
}

enum ov_status ov_binhex_decode(struct ov_span text, size_t at, size_t room, struct ov_buf *plain,
                                size_t *ret_end) {
    struct ov_out out;
    ov_out_init(&out, plain, room);
    struct unroller state = {0};
    uint32_t bits = 0;
    unsigned count = 0;
    uint8_t table[256];
    fill_table(table);
    at = find_colon(text, at) + 1;
    bool has_end = false;
    for (; at < text.size && !has_end && !out.is_full; at++) {
        uint8_t digit = table[text.data[at]];
        has_end = text.data[at] == ':';
        if (digit == NO_DIGIT) {
            continue;
        }
        bits = bits << 6 | digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            unroll(&state, (uint8_t)(bits >> count), &out);
        }
    }
    *ret_end = at < text.size ? at : text.size;
    enum ov_status status = ov_out_end(&out);
    return status == OV_OK && !has_end ? OV_DAMAGED : status;
}

static struct ov_span take_fork(struct ov_cursor *in, uint32_t size, bool *is_whole) {
    size_t left = ov_cursor_left(in);
    *is_whole = *is_whole && size <= left;
    struct ov_span bytes = ov_cursor_bytes(in, size <= left ? size : left);
    ov_cursor_skip(in, CHECKSUM_BYTES);
    return bytes;
}

struct ov_binhex_file ov_binhex_split(struct ov_span plain) {
    struct ov_cursor in = ov_cursor_init(plain);
    struct ov_binhex_file file = {.is_whole = true};
    file.name = ov_cursor_bytes(&in, ov_cursor_u8(&in));
    ov_cursor_skip(&in, 1); // version
    ov_cursor_skip(&in, TYPES_AND_FLAGS_BYTES);
    uint32_t data_bytes = ov_cursor_u32be(&in);
    uint32_t resource_bytes = ov_cursor_u32be(&in);
    ov_cursor_skip(&in, CHECKSUM_BYTES);
    file.data = take_fork(&in, data_bytes, &file.is_whole);
    file.resources = take_fork(&in, resource_bytes, &file.is_whole);
    return file;
}
