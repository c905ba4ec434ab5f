// SPDX-License-Identifier: Apache-2.0
// Hangul documents of version 3, and objects as all versions embed them.
#include "format/codec/codec.h"
#include "format/format.h"
#include "format/office/hwp.h"

// Hancom, "HWP Document File Formats 3.0": identification, then 128 bytes on the document, 1008 of
// summary, a block of another size, and the body, which may be deflated.
enum {
    LOCK_AT = 126,
    PACKED_AT = 154,
    BLOCK_BYTES_AT = 156,
    SUMMARY_END = 1166,
    FONT_LISTS = 7,
    FONT_BYTES = 40,
    STYLE_BYTES = 238,
    PARAGRAPH_REST = 38, // behind the counters, in all paragraphs: 43 with them
    PARAGRAPH_SHAPE = 187,
    LINE_BYTES = 14,
    SHAPE_BYTES = 31, // of a character
    LISTS_DEEP = 16,  // of paragraphs inside paragraphs; clamscan reads as many
};

// ---- the text, to find what follows it ---------------------------------------------------------

enum { PARAGRAPH_END = 13, BOX = 10, DRAWING = 11, SPECIALS = 32 };

// What stands behind a special character.
struct special {
    uint16_t bytes;  // with the character itself
    bool has_length; // and that many more, as its second field says
    uint8_t lists;   // of paragraphs
};

static const struct special specials[SPECIALS] = {
    [0] = {8, true, 0},    [1] = {8, true, 0},    [2] = {8, true, 0},    [3] = {8, true, 0},
    [4] = {8, true, 0},    [5] = {8, true, 0},    [6] = {42, false, 0},  [7] = {84, false, 0},
    [8] = {96, false, 0},  [9] = {8, false, 0},   [12] = {8, true, 0},   [14] = {92, false, 0},
    [15] = {16, false, 1}, [16] = {18, false, 1}, [17] = {22, false, 1}, [18] = {8, false, 0},
    [19] = {8, false, 0},  [20] = {8, false, 0},  [21] = {8, false, 0},  [22] = {24, false, 0},
    [23] = {10, false, 0}, [24] = {6, false, 0},  [25] = {6, false, 0},  [26] = {246, false, 0},
    [27] = {8, true, 0},   [28] = {64, false, 0}, [29] = {8, true, 0},   [30] = {4, false, 0},
    [31] = {4, false, 0},
};

// Skips what belongs to a special character that was just read; returns how many lists of
// paragraphs follow.
static uint32_t skip_special(struct ov_cursor *in, unsigned code) {
    enum { CODE_BYTES = 2, BLOCK_REST = 6, CELLS_AT = 80, CELL_BYTES = 27, DRAWING_BYTES = 344 };
    if (code == BOX) {
        ov_cursor_skip(in, BLOCK_REST + CELLS_AT);
        uint32_t cells = ov_cursor_u16le(in);
        ov_cursor_skip(in, 2 + (uint64_t)cells * CELL_BYTES);
        return cells + 1; // and what stands below the box
    }
    if (code == DRAWING) {
        ov_cursor_skip(in, BLOCK_REST);
        uint64_t more = ov_cursor_u32le(in);
        ov_cursor_skip(in, more + DRAWING_BYTES);
        return 1;
    }
    struct ov_cursor length = *in;
    uint64_t more = specials[code].has_length ? ov_cursor_u32le(&length) : 0;
    ov_cursor_skip(in, specials[code].bytes - CODE_BYTES + more);
    return specials[code].lists;
}

// Reads characters up to the end of the paragraph, or to one that has lists of paragraphs, whose
// number is returned.
static uint32_t skip_text(struct ov_cursor *in) {
    uint32_t lists = 0;
    while (lists == 0 && !in->has_failed) {
        unsigned code = ov_cursor_u16le(in);
        if (code == PARAGRAPH_END) {
            break;
        }
        lists = code < SPECIALS ? skip_special(in, code) : 0;
    }
    return lists;
}

// Reads up to the text of a paragraph; false: it is the empty one, which ends a list.
static bool open_paragraph(struct ov_cursor *in) {
    bool has_shape = ov_cursor_u8(in) == 0;
    uint32_t characters = ov_cursor_u16le(in);
    uint32_t lines = ov_cursor_u16le(in);
    bool has_shapes = ov_cursor_u8(in) != 0;
    ov_cursor_skip(in, PARAGRAPH_REST - 1);
    if (characters == 0) {
        return false;
    }
    ov_cursor_skip(in, (has_shape ? PARAGRAPH_SHAPE : 0) + (uint64_t)lines * LINE_BYTES);
    for (uint32_t i = 0; has_shapes && i < characters; i++) {
        bool is_same = ov_cursor_u8(in) != 0;
        ov_cursor_skip(in, is_same ? 0 : SHAPE_BYTES);
    }
    return true;
}

static enum ov_status skip_paragraphs(struct ov_cursor *in, struct ov_walk *walk) {
    uint32_t lists[LISTS_DEEP] = {1}; // that are still open, one inside another
    unsigned depth = 1;
    bool is_in_text = false;
    while (depth > 0 && !in->has_failed) {
        TRY(ov_walk_has_time(walk));
        if (!is_in_text && !open_paragraph(in)) {
            is_in_text = --lists[depth - 1] == 0; // it goes on behind the character
            depth -= is_in_text ? 1 : 0;
            continue;
        }
        uint32_t more = skip_text(in);
        is_in_text = false;
        if (more > 0 && depth == LISTS_DEEP) {
            return OV_DAMAGED;
        }
        if (more > 0) {
            lists[depth++] = more;
        }
    }
    return ov_cursor_status(in);
}

static enum ov_status skip_to_blocks(struct ov_cursor *in, struct ov_walk *walk) {
    for (unsigned i = 0; i < FONT_LISTS; i++) {
        ov_cursor_skip(in, (uint64_t)ov_cursor_u16le(in) * FONT_BYTES);
    }
    ov_cursor_skip(in, (uint64_t)ov_cursor_u16le(in) * STYLE_BYTES);
    return skip_paragraphs(in, walk);
}

// ---- what was attached -------------------------------------------------------------------------

enum {
    BLOCK_END = 0,
    BLOCK_PICTURE = 1,
    BLOCK_LINKS = 3,
    BLOCK_SCREEN = 4,
    BLOCK_BOOKING = 5, // no size, no bytes
    BLOCK_BACKGROUND = 6,
    BLOCK_TABLES = 0x100,
    BLOCK_FRAMES = 0x101,
};

static struct ov_span read_name(struct ov_span block, size_t at, size_t size) {
    struct ov_span name = ov_span_part(block, at, size);
    return ov_span_part(name, 0, ov_span_find(name, 0, 0));
}

// Each link may bring a macro.
static enum ov_status tell_links(struct ov_walk *walk, struct ov_span block) {
    enum { LINK_BYTES = 617, MACRO_AT = 288, MACRO_BYTES = 325 };
    for (size_t at = 0; at < block.size; at += LINK_BYTES) {
        TRY(ov_walk_has_time(walk));
        TRY(ov_walk_stored(walk, ov_span_part(block, at + MACRO_AT, MACRO_BYTES),
                           ov_span_text("link")));
    }
    return OV_OK;
}

static enum ov_status tell_block(struct ov_walk *walk, uint32_t kind, struct ov_span block) {
    enum { PICTURE_HEADER = 32, PICTURE_NAME = 16, SCREEN_HEADER = 324, SCREEN_NAME_AT = 24 };
    switch (kind) {
    case BLOCK_SCREEN:
    case BLOCK_TABLES:
    case BLOCK_FRAMES:
        return OV_OK;
    case BLOCK_LINKS:
        return tell_links(walk, block);
    case BLOCK_PICTURE:
        return ov_walk_stored(walk, ov_span_from(block, PICTURE_HEADER),
                              read_name(block, 0, PICTURE_NAME));
    case BLOCK_BACKGROUND:
        return ov_walk_stored(walk, ov_span_from(block, SCREEN_HEADER),
                              read_name(block, SCREEN_NAME_AT, 256));
    default: // objects, and what nobody knows
        return ov_walk_stored(walk, block, ov_span_make(NULL, 0));
    }
}

static enum ov_status tell_blocks(struct ov_cursor *in, struct ov_walk *walk) {
    while (ov_cursor_left(in) > 0) {
        TRY(ov_walk_has_time(walk));
        uint32_t kind = ov_cursor_u32le(in);
        if (kind == BLOCK_BOOKING) {
            continue;
        }
        uint32_t size = ov_cursor_u32le(in);
        if ((kind == BLOCK_END && size == 0) || in->has_failed) {
            break;
        }
        struct ov_span block = ov_span_part(in->bytes, in->at, size);
        ov_cursor_skip(in, size);
        TRY(tell_block(walk, kind, block));
    }
    return ov_cursor_status(in);
}

// Objects by their magic: the text before them does not end where it should.
static enum ov_status tell_marked(struct ov_walk *walk, struct ov_span body) {
    struct ov_span mark = ov_span_text("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
    size_t at = ov_span_search(body, 0, mark);
    while (at < body.size) {
        TRY(ov_walk_has_time(walk));
        size_t next = ov_span_search(body, at + mark.size, mark);
        TRY(ov_walk_stored(walk, ov_span_part(body, at, next - at), ov_span_make(NULL, 0)));
        at = next;
    }
    return OV_DAMAGED;
}

static enum ov_status tell_body(struct ov_walk *walk, struct ov_span body) {
    struct ov_cursor in = ov_cursor_init(body);
    enum ov_status status = skip_to_blocks(&in, walk);
    if (status == OV_DAMAGED) {
        return tell_marked(walk, body);
    }
    TRY(status);
    return tell_blocks(&in, walk);
}

static enum ov_status tell_packed_body(struct ov_walk *walk, struct ov_span packed) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    size_t used;
    enum ov_status worst = OV_OK;
    enum ov_status status = ov_codec_unpack(OV_CODEC_DEFLATE, packed, walk, &plain, &used);
    if (status == OV_MEMORY) {
        return status;
    }
    ov_walk_keep_worst(&worst, status);
    status = tell_body(walk, ov_buf_span(&plain));
    if (status != OV_DAMAGED) {
        TRY(status);
    }
    ov_walk_keep_worst(&worst, status);
    TRY(ov_walk_member(walk, ov_buf_span(&plain), ov_span_text("body"), OV_FILETYPE_NONE));
    return worst;
}

static enum ov_status walk_hwp3(struct ov_cursor *in, struct ov_walk *walk) {
    ov_cursor_seek(in, LOCK_AT);
    if (ov_cursor_u16le(in) != 0) {
        ov_walk_fact(walk, OV_FACT_ENCRYPTED);
        return OV_OK;
    }
    ov_cursor_seek(in, PACKED_AT);
    bool is_packed = ov_cursor_u8(in) != 0;
    ov_cursor_seek(in, BLOCK_BYTES_AT);
    struct ov_span body = ov_span_from(in->bytes, SUMMARY_END + (size_t)ov_cursor_u16le(in));
    return is_packed ? tell_packed_body(walk, body) : tell_body(walk, body);
}

// A size, and a compound file behind it.
static enum ov_status walk_object(struct ov_cursor *in, struct ov_walk *walk) {
    return ov_walk_stored(walk, ov_span_from(in->bytes, sizeof(uint32_t)), ov_span_make(NULL, 0));
}

static const struct ov_magic magics_3[] = {OV_MAGIC(0, "HWP Document File V3.00 ")};
static const struct ov_magic magics_object[] = {OV_MAGIC(4, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_HWP3, OV_MAGICS(magics_3), .walk = walk_hwp3},
    {.type = OV_FILETYPE_HWPOLE2, OV_MAGICS(magics_object), .walk = walk_object},
};

OV_FORMAT_SET(hwp, formats);
