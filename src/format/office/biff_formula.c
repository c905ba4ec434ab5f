// SPDX-License-Identifier: Apache-2.0
// The tokens of a formula ([MS-XLS] 2.5.198), in the words that clamscan uses for them.
#include "format/office/biff.h"

enum {
    CLASS_MASK = 0x60, // 0x20, 0x40, 0x60: reference, value, array
    CLASS_VALUE = 0x40,
    CLASS_ARRAY = 0x60,
    KIND_MASK = 0x1f,
    CLASSED = 0x20,
    ATTRIBUTE_CHOOSE = 4,
    COLUMN_MASK = 0x3fff, // the bits above say what is relative
    TOKENS_MAX = 0x40,
};

enum token {
    TOKEN_EXP = 0x01,
    TOKEN_STR = 0x17,
    TOKEN_ATTR = 0x19,
    TOKEN_BOOL = 0x1d,
    TOKEN_INT = 0x1e,
    TOKEN_NUM = 0x1f,
    TOKEN_FUNC = 0x21,
    TOKEN_FUNC_VAR = 0x22,
    TOKEN_NAME = 0x23,
    TOKEN_REF = 0x24,
    TOKEN_AREA = 0x25,
    TOKEN_MEM_AREA = 0x26,
    TOKEN_NAME_X = 0x39,
    TOKEN_REF_3D = 0x3a,
};

// A token by its number without the class; how many bytes follow in BIFF8 and in BIFF5.
static const struct kind {
    const char *name;
    uint8_t bytes8, bytes5;
} kinds[TOKENS_MAX] = {
    [0x01] = {"ptgExp", 4, 4},         [0x02] = {"ptgTbl", 4, 4},
    [0x03] = {"ptgAdd", 0, 0},         [0x04] = {"ptgSub", 0, 0},
    [0x05] = {"ptgMul", 0, 0},         [0x06] = {"ptgDiv", 0, 0},
    [0x07] = {"ptgPower", 0, 0},       [0x08] = {"ptgConcat", 0, 0},
    [0x09] = {"ptgLT", 0, 0},          [0x0a] = {"ptgLE", 0, 0},
    [0x0b] = {"ptgEQ", 0, 0},          [0x0c] = {"ptgGE", 0, 0},
    [0x0d] = {"ptgGT", 0, 0},          [0x0e] = {"ptgNE", 0, 0},
    [0x0f] = {"ptgIsect", 0, 0},       [0x10] = {"ptgUnion", 0, 0},
    [0x11] = {"ptgRange", 0, 0},       [0x12] = {"ptgUplus", 0, 0},
    [0x13] = {"ptgUminus", 0, 0},      [0x14] = {"ptgPercent", 0, 0},
    [0x15] = {"ptgParen", 0, 0},       [0x16] = {"ptgMissArg", 0, 0},
    [0x17] = {"ptgStr", 0, 0},         [0x19] = {"ptgAttr", 3, 3},
    [0x1a] = {"ptgSheet", 9, 9},       [0x1b] = {"ptgEndSheet", 4, 4},
    [0x1c] = {"ptgErr", 1, 1},         [0x1d] = {"ptgBool", 1, 1},
    [0x1e] = {"ptgInt", 2, 2},         [0x1f] = {"ptgNum", 8, 8},
    [0x20] = {"ptgArray", 7, 7},       [0x21] = {"ptgFunc", 2, 2},
    [0x22] = {"ptgFuncVar", 3, 3},     [0x23] = {"ptgName", 4, 14},
    [0x24] = {"ptgRef", 4, 3},         [0x25] = {"ptgArea", 8, 6},
    [0x26] = {"ptgMemArea", 6, 6},     [0x27] = {"ptgMemErr", 6, 6},
    [0x28] = {"ptgMemNoMem", 6, 6},    [0x29] = {"ptgMemFunc", 2, 2},
    [0x2a] = {"ptgRefErr", 4, 3},      [0x2b] = {"ptgAreaErr", 8, 6},
    [0x2c] = {"ptgRefN", 4, 3},        [0x2d] = {"ptgAreaN", 8, 6},
    [0x2e] = {"ptgMemAreaN", 2, 2},    [0x2f] = {"ptgMemNoMemN", 2, 2},
    [0x39] = {"ptgNameX", 6, 24},      [0x3a] = {"ptgRef3d", 6, 17},
    [0x3b] = {"ptgArea3d", 10, 20},    [0x3c] = {"ptgRefErr3d", 6, 17},
    [0x3d] = {"ptgAreaErr3d", 10, 20},
};

static void add_cell(struct ov_buf *text, const char *before, unsigned row, unsigned column) {
    ov_buf_printf(text, "%sR%uC%u", before, row + 1, (column & COLUMN_MASK) + 1);
}

static void add_area(struct ov_buf *text, struct ov_cursor *in) {
    unsigned first_row = ov_cursor_u16le(in), last_row = ov_cursor_u16le(in);
    unsigned first_column = ov_cursor_u16le(in), last_column = ov_cursor_u16le(in);
    add_cell(text, " ", first_row, first_column);
    add_cell(text, ":", last_row, last_column);
}

static void add_reference(struct ov_buf *text, struct ov_cursor *in) {
    unsigned row = ov_cursor_u16le(in);
    add_cell(text, " ", row, ov_cursor_u16le(in));
}

static void add_number(struct ov_buf *text, struct ov_cursor *in) {
    uint64_t bits = ov_cursor_u64le(in);
    double number;
    memcpy(&number, &bits, sizeof number);
    ov_buf_printf(text, " %f", number);
}

static void add_function(struct ov_buf *text, unsigned number) {
    ov_buf_printf(text, "%s (0x%04x)", ov_biff_function(number), number);
}

// What a token holds, for those that say something. `in` is at its first byte, and need not be left
// at its last.
static void add_operand(struct ov_buf *text, unsigned token, struct ov_cursor *in, bool is_biff8) {
    switch (token) {
    case TOKEN_BOOL:
        ov_buf_add_text(text, ov_cursor_u8(in) != 0 ? " TRUE" : " FALSE");
        break;
    case TOKEN_INT:
        ov_buf_printf(text, " %u", ov_cursor_u16le(in));
        break;
    case TOKEN_NUM:
        add_number(text, in);
        break;
    case TOKEN_FUNC:
        ov_buf_add_u8(text, ' ');
        add_function(text, ov_cursor_u16le(in));
        break;
    case TOKEN_FUNC_VAR:
        ov_buf_printf(text, " args %u func ", ov_cursor_u8(in));
        add_function(text, ov_cursor_u16le(in));
        break;
    case TOKEN_NAME:
        ov_buf_printf(text, " 0x%08x", ov_cursor_u32le(in));
        break;
    case TOKEN_MEM_AREA:
        ov_buf_add_text(text, " REFERENCE-EXPRESSION");
        break;
    case TOKEN_NAME_X:
        ov_cursor_skip(in, 2);
        ov_buf_printf(text, " NAMEIDX %u", ov_cursor_u16le(in));
        break;
    case TOKEN_REF_3D:
        ov_cursor_skip(in, is_biff8 ? 2 : 14);
        add_reference(text, in);
        break;
    case TOKEN_EXP:
    case TOKEN_REF:
        add_reference(text, in);
        break;
    case TOKEN_AREA:
        add_area(text, in);
        break;
    default:
        break;
    }
}

// A string: its length, in BIFF8 flags, and its characters. In quotes, so that one ends somewhere.
static void add_text(struct ov_buf *text, struct ov_cursor *in, bool is_biff8) {
    unsigned count = ov_cursor_u8(in);
    ov_buf_add_text(text, " \"");
    if (is_biff8) {
        ov_biff_add_string(text, in, count);
    } else {
        struct ov_span bytes = ov_span_part(in->bytes, in->at, count);
        ov_buf_add(text, bytes.data, bytes.size);
        ov_cursor_skip(in, count);
    }
    ov_buf_add_u8(text, '"');
}

// PtgAttrChoose is followed by a table of its own (2.5.198.34).
static void skip_choices(struct ov_span tokens, struct ov_cursor *in) {
    struct ov_cursor attribute = ov_cursor_init(tokens);
    ov_cursor_seek(&attribute, in->at - 3);
    if ((ov_cursor_u8(&attribute) & ATTRIBUTE_CHOOSE) != 0) {
        ov_cursor_skip(in, ((uint64_t)ov_cursor_u16le(&attribute) + 1) * 2);
    }
}

void ov_biff_add_formula(struct ov_buf *text, struct ov_span tokens, bool is_biff8) {
    struct ov_cursor in = ov_cursor_init(tokens);
    while (ov_cursor_left(&in) > 0 && !text->has_failed) {
        unsigned byte = ov_cursor_u8(&in) & (CLASS_MASK | KIND_MASK);
        unsigned class = byte & CLASS_MASK;
        unsigned token = class == 0 ? byte : CLASSED | (byte & KIND_MASK);
        const struct kind *kind = &kinds[token];
        if (kind->name == NULL) {
            break; // how long it is nobody knows
        }
        const char *suffix = class == CLASS_VALUE ? "V" : class == CLASS_ARRAY ? "A" : "";
        ov_buf_printf(text, " %s%s", kind->name, suffix);
        if (token == TOKEN_STR) {
            add_text(text, &in, is_biff8);
            continue;
        }
        struct ov_cursor operand = in;
        add_operand(text, token, &operand, is_biff8);
        ov_cursor_skip(&in, is_biff8 ? kind->bytes8 : kind->bytes5);
        if (token == TOKEN_ATTR && !in.has_failed) {
            skip_choices(tokens, &in);
        }
    }
}
