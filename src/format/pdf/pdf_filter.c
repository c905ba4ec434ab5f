// SPDX-License-Identifier: Apache-2.0
// The small filters of PDF: ASCIIHex, ASCII85, RunLength, LZW, and predictors (ISO 32000-1, 7.4).
#include "base/hex.h"
#include "format/pdf/pdf.h"

enum {
    LZW_CLEAR = 256,
    LZW_END = 257,
    LZW_FIRST = 258,
    LZW_CODES = 4096,
    LZW_BITS_MIN = 9,
    LZW_BITS_MAX = 12,
    ROW_BYTES_MAX = 1 << 26,
};

void ov_pdf_ascii_hex(struct ov_span packed, size_t room, struct ov_buf *plain) {
    int high = -1;
    size_t end = room > SIZE_MAX - plain->size ? SIZE_MAX : plain->size + room;
    for (size_t i = 0; i < packed.size && packed.data[i] != '>' && plain->size < end; i++) {
        int digit = ov_hex_digit(packed.data[i]);
        if (digit >= 0 && high >= 0) {
            ov_buf_add_u8(plain, (uint8_t)(high * 16 + digit));
            high = -1;
        } else if (digit >= 0) {
            high = digit;
        }
    }
    if (high >= 0 && plain->size < end) {
        ov_buf_add_u8(plain, (uint8_t)(high * 16)); // the last digit stands for two (7.4.2)
    }
}

// The first `count` - 1 bytes of a group of `count` digits (7.4.3).
static void add_group(uint32_t value, unsigned count, struct ov_buf *plain) {
    for (unsigned i = 0; i + 1 < count; i++) {
        ov_buf_add_u8(plain, (uint8_t)(value >> (24 - 8 * i)));
    }
}

void ov_pdf_ascii_85(struct ov_span packed, size_t room, struct ov_buf *plain) {
    size_t end = plain->size + room;
    uint32_t value = 0;
    unsigned count = 0;
    size_t i = 0;
    while (i < packed.size && ov_pdf_is_space(packed.data[i])) {
        i++;
    }
    i += ov_span_has_prefix(ov_span_from(packed, i), "<~") ? 2 : 0;
    for (; i < packed.size && packed.data[i] != '~' && plain->size < end; i++) {
        uint8_t byte = packed.data[i];
        if (byte == 'z' && count == 0) {
            add_group(0, 5, plain);
        } else if (byte >= '!' && byte <= 'u') {
            value = value * 85 + (uint32_t)(byte - '!');
            count++;
        }
        if (count == 5) {
            add_group(value, count, plain);
            value = 0;
            count = 0;
        }
    }
    for (unsigned k = count; count > 0 && k < 5; k++) {
        value = value * 85 + 84;
    }
    add_group(value, count, plain);
}

void ov_pdf_run_length(struct ov_span packed, size_t room, struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(packed);
    size_t end = plain->size + room;
    while (ov_cursor_left(&in) > 0 && plain->size < end) {
        uint8_t length = ov_cursor_u8(&in);
        if (length == 128) {
            return;
        }
        if (length < 128) {
            struct ov_span run = ov_span_part(packed, in.at, (size_t)length + 1);
            ov_buf_add(plain, run.data, run.size);
            ov_cursor_skip(&in, run.size);
            continue;
        }
        uint8_t byte = ov_cursor_u8(&in);
        for (unsigned i = 0; !in.has_failed && i < 257u - length; i++) {
            ov_buf_add_u8(plain, byte);
        }
    }
}

// ---- LZW ---------------------------------------------------------------------------------------

// What a code stands for is always a part of what was written before: that of the code before it,
// and one byte more.
struct lzw {
    size_t starts[LZW_CODES];
    uint16_t sizes[LZW_CODES];
    unsigned next, bits;
    bool has_previous;
    size_t previous; // where what the last code stood for was written
};

static void reset_lzw(struct lzw *lzw) {
    lzw->next = LZW_FIRST;
    lzw->bits = LZW_BITS_MIN;
    lzw->has_previous = false;
    lzw->previous = 0;
}

// Writes what a code stands for; false when it stands for nothing.
static bool add_code(struct lzw *lzw, unsigned code, struct ov_buf *plain) {
    size_t start = plain->size;
    if (lzw->has_previous && lzw->next < LZW_CODES) {
        lzw->starts[lzw->next] = lzw->previous;
        lzw->sizes[lzw->next] = (uint16_t)(start - lzw->previous + 1);
        lzw->next++;
    }
    if (code < LZW_CLEAR) {
        ov_buf_add_u8(plain, (uint8_t)code);
    } else if (code >= lzw->next) {
        return false;
    } else {
        for (size_t i = 0; i < lzw->sizes[code] && !plain->has_failed; i++) {
            ov_buf_add_u8(plain, plain->data[lzw->starts[code] + i]);
        }
    }
    lzw->previous = start;
    lzw->has_previous = true;
    return true;
}

void ov_pdf_lzw(struct ov_span packed, bool is_early, size_t room, struct ov_buf *plain) {
    struct lzw lzw;
    reset_lzw(&lzw);
    size_t end = plain->size + room;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < packed.size && plain->size < end && !plain->has_failed;) {
        for (; have < lzw.bits && i < packed.size; have += 8) {
            bits = bits << 8 | packed.data[i++];
        }
        if (have < lzw.bits) {
            return;
        }
        have -= lzw.bits;
        unsigned code = bits >> have & ((1u << lzw.bits) - 1);
        if (code == LZW_END || (code != LZW_CLEAR && !add_code(&lzw, code, plain))) {
            return;
        }
        if (code == LZW_CLEAR) {
            reset_lzw(&lzw);
        }
        if (lzw.bits < LZW_BITS_MAX && lzw.next + is_early >= 1u << lzw.bits) {
            lzw.bits++;
        }
    }
}

// ---- predictors --------------------------------------------------------------------------------

static uint8_t paeth(int left, int up, int corner) {
    int guess = left + up - corner;
    int a = guess > left ? guess - left : left - guess;
    int b = guess > up ? guess - up : up - guess;
    int c = guess > corner ? guess - corner : corner - guess;
    return (uint8_t)(a <= b && a <= c ? left : b <= c ? up : corner);
}

// One row of a PNG picture (PNG specification, 9.2), written behind the row before it.
static void add_png_row(uint8_t filter, struct ov_span row, size_t pixel_bytes, size_t row_bytes,
                        bool is_first, struct ov_buf *plain) {
    uint8_t *start = ov_buf_extend(plain, row.size);
    if (start == NULL) {
        return;
    }
    size_t at = plain->size - row.size;
    for (size_t i = 0; i < row.size; i++) {
        uint8_t left = i >= pixel_bytes ? plain->data[at + i - pixel_bytes] : 0;
        uint8_t up = !is_first ? plain->data[at + i - row_bytes] : 0;
        bool has_corner = !is_first && i >= pixel_bytes;
        uint8_t corner = has_corner ? plain->data[at + i - row_bytes - pixel_bytes] : 0;
        unsigned guess = filter == 1   ? left
                         : filter == 2 ? up
                         : filter == 3 ? (left + up) / 2u
                         : filter == 4 ? paeth(left, up, corner)
                                       : 0;
        plain->data[at + i] = (uint8_t)(row.data[i] + guess);
    }
}

static void unpredict_png(struct ov_span rows, size_t pixel_bytes, size_t row_bytes,
                          struct ov_buf *plain) {
    bool is_first = true;
    for (size_t at = 0; at + 1 < rows.size && !plain->has_failed; at += row_bytes + 1) {
        struct ov_span row = ov_span_part(rows, at + 1, row_bytes);
        add_png_row(rows.data[at], row, pixel_bytes, row_bytes, is_first, plain);
        is_first = false;
    }
}

// A row of a TIFF picture (TIFF 6.0, section 14) of samples that are whole bytes.
static void unpredict_tiff_bytes(struct ov_span row, size_t colors, size_t sample_bytes,
                                 struct ov_buf *plain) {
    size_t start = plain->size, step = colors * sample_bytes;
    ov_buf_add(plain, row.data, row.size);
    if (plain->has_failed) {
        return;
    }
    for (size_t i = step; i + sample_bytes <= row.size; i += sample_bytes) {
        unsigned carry = 0;
        for (size_t k = sample_bytes; k-- > 0;) {
            unsigned sum = plain->data[start + i + k] + plain->data[start + i + k - step] + carry;
            plain->data[start + i + k] = (uint8_t)sum;
            carry = sum >> 8;
        }
    }
}

// The same for samples of 1, 2 or 4 bits.
static void unpredict_tiff_bits(struct ov_span row, size_t colors, unsigned bits,
                                struct ov_buf *plain) {
    size_t start = plain->size, per_byte = 8 / bits, count = row.size * per_byte;
    unsigned mask = (1u << bits) - 1;
    ov_buf_add(plain, row.data, row.size);
    for (size_t i = colors; i < count && !plain->has_failed; i++) {
        size_t before = i - colors;
        unsigned shift = (unsigned)(8 - bits - bits * (i % per_byte));
        unsigned shift_before = (unsigned)(8 - bits - bits * (before % per_byte));
        uint8_t *byte = &plain->data[start + i / per_byte];
        unsigned value = (*byte >> shift & mask) +
                         (plain->data[start + before / per_byte] >> shift_before & mask);
        *byte = (uint8_t)((*byte & ~(mask << shift)) | (value & mask) << shift);
    }
}

static void unpredict_tiff(struct ov_span rows, const struct ov_pdf_params *params,
                           size_t row_bytes, struct ov_buf *plain) {
    for (size_t at = 0; at < rows.size && !plain->has_failed; at += row_bytes) {
        struct ov_span row = ov_span_part(rows, at, row_bytes);
        if (params->bits >= 8) {
            unpredict_tiff_bytes(row, (size_t)params->colors, (size_t)params->bits / 8, plain);
        } else {
            unpredict_tiff_bits(row, (size_t)params->colors, (unsigned)params->bits, plain);
        }
    }
}

bool ov_pdf_unpredict(struct ov_span rows, const struct ov_pdf_params *params,
                      struct ov_buf *plain) {
    int64_t bits = params->bits;
    if ((bits != 1 && bits != 2 && bits != 4 && bits != 8 && bits != 16) || params->colors < 1 ||
        params->colors > 1 << 16 || params->columns < 1 || params->columns > ROW_BYTES_MAX) {
        return false;
    }
    int64_t row_bytes = (params->colors * bits * params->columns + 7) / 8;
    if (row_bytes > ROW_BYTES_MAX) {
        return false;
    }
    if (params->predictor == 2) {
        unpredict_tiff(rows, params, (size_t)row_bytes, plain);
        return true;
    }
    size_t pixel_bytes = (size_t)(params->colors * bits + 7) / 8;
    unpredict_png(rows, pixel_bytes, (size_t)row_bytes, plain);
    return true;
}
