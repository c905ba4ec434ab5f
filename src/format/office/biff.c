// SPDX-License-Identifier: Apache-2.0
// The records of a workbook that tell of Excel 4 macros ([MS-XLS] 2.4), as lines of text.
#include "format/office/biff.h"

#include "format/office/officeart.h"
#include "format/codec/utf16.h"

enum {
    RECORD_FORMULA = 0x06,
    RECORD_NAME = 0x18,
    RECORD_NAME_5 = 0x218, // where clamscan's table has it
    RECORD_CONTINUE = 0x3c,
    RECORD_SHEET = 0x85,
    RECORD_DRAWINGS = 0xeb,
    RECORD_STRING = 0x207,
    RECORD_FORMULA_5 = 0x406,
    RECORD_START = 0x809,
    VERSION_8 = 0x600,
    SHEET_STATE_AT = 4, // and its type behind it
    SHEET_IS_MACROS = 1,
    FORMULA_SIZE_AT = 20,
    NAME_IS_BUILT_IN = 0x20,
    NAME_COUNT_AT = 3,
    NAME_TEXT_AT = 14,
    STRING_IS_WIDE = 1,
};

void ov_biff_add_string(struct ov_buf *text, struct ov_cursor *in, unsigned count) {
    bool is_wide = (ov_cursor_u8(in) & STRING_IS_WIDE) != 0;
    struct ov_span rest = ov_span_part(in->bytes, in->at, is_wide ? (size_t)count * 2 : count);
    ov_cursor_skip(in, is_wide ? (uint64_t)count * 2 : count);
    if (is_wide) {
        ov_utf16_add_bytes(text, rest);
        return;
    }
    for (size_t i = 0; i < rest.size; i++) {
        ov_utf8_add(text, rest.data[i]); // the low halves of Unicode's numbers
    }
}

// ---- one line for a record ---------------------------------------------------------------------

static const char *pick(const char *const *names, unsigned count, unsigned index) {
    return index < count && names[index] != NULL ? names[index] : "unknown";
}

static void add_sheet(struct ov_buf *text, struct ov_cursor *in) {
    static const char *const types[] = {
        "worksheet or dialog sheet", "Excel 4.0 macro sheet", "chart", NULL, NULL, NULL,
        "Visual Basic module"};
    static const char *const states[] = {"visible", "hidden", "very hidden"};
    ov_cursor_seek(in, SHEET_STATE_AT);
    unsigned state = ov_cursor_u8(in) & 3;
    unsigned type = ov_cursor_u8(in);
    ov_buf_printf(text, "BOUNDSHEET : Sheet Information - %s, %s",
                  pick(types, sizeof types / sizeof *types, type),
                  pick(states, sizeof states / sizeof *states, state));
}

static void add_name(struct ov_buf *text, struct ov_cursor *in) {
    static const char *const built_in[] = {NULL, "auto_open", "auto_close"};
    unsigned flags = ov_cursor_u16le(in);
    ov_cursor_seek(in, NAME_COUNT_AT);
    unsigned count = ov_cursor_u8(in);
    unsigned formula_bytes = ov_cursor_u16le(in);
    ov_cursor_seek(in, NAME_TEXT_AT);
    ov_buf_add_text(text, "NAME : Defined Name - ");
    if ((flags & NAME_IS_BUILT_IN) != 0) {
        unsigned code = ov_cursor_u8(in);
        code = code != 0 ? code : ov_cursor_u8(in); // flags stand there in BIFF8
        const char *name = code == 1 || code == 2 ? built_in[code] : "?";
        ov_buf_printf(text, "built-in-name %u %s", code, name);
    } else {
        ov_biff_add_string(text, in, count);
    }
    struct ov_span tokens = ov_span_part(in->bytes, in->at, formula_bytes);
    ov_biff_add_formula(text, tokens, true);
}

static void add_formula(struct ov_buf *text, struct ov_cursor *in, bool is_biff8) {
    unsigned row = ov_cursor_u16le(in), column = ov_cursor_u16le(in);
    ov_cursor_seek(in, FORMULA_SIZE_AT);
    unsigned size = ov_cursor_u16le(in);
    ov_buf_printf(text, "FORMULA : Cell Formula - R%uC%u len=%u ", row + 1, column + 1, size);
    ov_biff_add_formula(text, ov_span_part(in->bytes, in->at, size), is_biff8);
}

static void add_result(struct ov_buf *text, struct ov_cursor *in) {
    unsigned count = ov_cursor_u16le(in);
    ov_buf_add_text(text, "STRING : String Value of a Formula - \"");
    ov_biff_add_string(text, in, count);
    ov_buf_add_u8(text, '"');
}

static void add_record(struct ov_buf *text, unsigned record, struct ov_span body, bool is_biff8) {
    struct ov_cursor in = ov_cursor_init(body);
    size_t before = text->size;
    ov_buf_printf(text, "%04x %6zu   ", record, body.size);
    switch (record) {
    case RECORD_SHEET:
        add_sheet(text, &in);
        break;
    case RECORD_NAME:
    case RECORD_NAME_5:
        add_name(text, &in);
        break;
    case RECORD_FORMULA:
    case RECORD_FORMULA_5:
        add_formula(text, &in, is_biff8);
        break;
    case RECORD_STRING:
        add_result(text, &in);
        break;
    default:
        text->size = before; // nothing that rules about macros look at
        return;
    }
    ov_buf_add_u8(text, '\n');
}

// ---- the stream --------------------------------------------------------------------------------

static struct ov_span next_record(struct ov_cursor *in, unsigned *ret_record) {
    *ret_record = ov_cursor_u16le(in);
    size_t size = ov_cursor_u16le(in);
    struct ov_span body = ov_span_part(in->bytes, in->at, size);
    ov_cursor_skip(in, size);
    return body;
}

static bool has_macro_sheet(struct ov_span stream) {
    struct ov_cursor in = ov_cursor_init(stream);
    while (ov_cursor_left(&in) >= 4) {
        unsigned record;
        struct ov_span body = next_record(&in, &record);
        if (record == RECORD_SHEET && body.size > SHEET_STATE_AT + 1 &&
            body.data[SHEET_STATE_AT + 1] == SHEET_IS_MACROS) {
            return true;
        }
    }
    return false;
}

// The drawings of a workbook are cut into records of 8 KB ([MS-XLS] 2.4.171).
static enum ov_status tell_drawings(struct ov_walk *walk, struct ov_span stream) {
    OV_CLEANUP(ov_buf_release) struct ov_buf drawings = {0};
    struct ov_cursor in = ov_cursor_init(stream);
    unsigned last = 0;
    while (ov_cursor_left(&in) >= 4) {
        unsigned record;
        struct ov_span body = next_record(&in, &record);
        last = record == RECORD_CONTINUE ? last : record;
        if (last == RECORD_DRAWINGS) {
            ov_buf_add(&drawings, body.data, body.size);
        }
    }
    TRY(ov_buf_status(&drawings));
    return ov_officeart_tell(walk, ov_buf_span(&drawings));
}

static enum ov_status tell_macros(struct ov_walk *walk, struct ov_span stream) {
    ov_walk_fact(walk, OV_FACT_MACROS_XLM);
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct ov_cursor in = ov_cursor_init(stream);
    size_t room = ov_walk_room(walk);
    bool is_biff8 = true;
    ov_buf_add_text(&text, "-- Excel 4 macros\n");
    while (ov_cursor_left(&in) >= 4) {
        TRY(ov_walk_has_time(walk));
        unsigned record;
        struct ov_span body = next_record(&in, &record);
        if (record == RECORD_START) {
            struct ov_cursor version = ov_cursor_init(body);
            is_biff8 = ov_cursor_u16le(&version) >= VERSION_8;
        }
        size_t before = text.size;
        add_record(&text, record, body, is_biff8);
        if (text.size > room) {
            text.size = before;
            ov_walk_note_cut(walk);
            break;
        }
    }
    TRY(ov_buf_status(&text));
    return ov_walk_view(walk, ov_buf_span(&text), OV_FILETYPE_SCRIPT);
}

enum ov_status ov_biff_tell(struct ov_walk *walk, struct ov_span stream) {
    if (has_macro_sheet(stream)) {
        TRY(tell_macros(walk, stream));
    }
    return tell_drawings(walk, stream);
}
