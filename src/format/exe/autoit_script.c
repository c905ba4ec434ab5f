// SPDX-License-Identifier: Apache-2.0
// Tokens of a compiled AutoIt script (EA06) as text.
#include "format/exe/autoit.h"

#include "format/codec/out.h"
#include "format/codec/utf16.h"

#include <inttypes.h>
#include <stdio.h>

enum token {
    KEYWORD = 0x00,
    FUNCTION = 0x01,
    NUMBER_32 = 0x05,
    NUMBER_64 = 0x10,
    NUMBER_DOUBLE = 0x20,
    WORD_FIRST = 0x30, // words and strings, each kind with its own sign before it
    WORD_LAST = 0x37,
    USER_FUNCTION = 0x34,
    STRING = 0x36,
    OPERATOR_FIRST = 0x40,
    LINE_END = 0x7f,
};

enum {
    NUMBER_CHARS_MAX = 32,
    TOKENS_PER_CLOCK = 4096,
    LETTERS_LOOKED_AT = 10,
};

struct writer {
    struct ov_cursor in;
    struct ov_out out;
    struct ov_buf scratch;
    enum ov_autoit_way way;
    uint32_t lines_left;
    bool is_lossy;
};

static void write_text(struct writer *to, const char *text) {
    ov_out_span(&to->out, ov_span_text(text));
    ov_out_byte(&to->out, ' ');
}

// A keyword or a function. False: its number is not known, and clamscan's text ends there.
static bool write_name(struct writer *to, const char *(*find)(uint32_t number)) {
    char text[NUMBER_CHARS_MAX];
    uint32_t number = ov_cursor_u32le(&to->in);
    const char *name = find(number);
    if (to->in.has_failed) {
        return true; // told by the cursor
    }
    if (name == NULL && to->way == OV_AUTOIT_AS_CLAMSCAN) {
        to->is_lossy = true;
        return false;
    }
    snprintf(text, sizeof text, "#%" PRIu32, number);
    write_text(to, name != NULL ? name : text);
    return true;
}

static void write_number(struct writer *to, enum token token) {
    char text[NUMBER_CHARS_MAX];
    if (token == NUMBER_32) {
        snprintf(text, sizeof text, "0x%08" PRIx32, ov_cursor_u32le(&to->in));
    } else if (token == NUMBER_64) {
        snprintf(text, sizeof text, "0x%016" PRIx64, ov_cursor_u64le(&to->in));
    } else {
        uint64_t bits = ov_cursor_u64le(&to->in);
        double number;
        memcpy(&number, &bits, sizeof number);
        snprintf(text, sizeof text, "%g", number);
    }
    if (!to->in.has_failed) {
        write_text(to, text);
    }
}

// ---- words and strings -------------------------------------------------------------------------

// Letters of two bytes, each xored with their number.
struct letters {
    struct ov_span bytes;
    uint32_t count;
};

static uint16_t read_letter(const struct letters *letters, size_t index) {
    unsigned low = letters->bytes.data[index * 2], high = letters->bytes.data[index * 2 + 1];
    return (uint16_t)((low | high << 8) ^ (letters->count & 0xffff));
}

// Whether at least half of the first letters are Latin: then clamscan takes a byte of each.
static bool is_latin(const struct letters *letters) {
    size_t end = letters->count < LETTERS_LOOKED_AT ? letters->count : LETTERS_LOOKED_AT;
    size_t latin_count = 0;
    for (size_t i = 0; i < end; i++) {
        uint16_t letter = read_letter(letters, i);
        latin_count += letter > 0 && letter < 0x100;
    }
    return latin_count * 2 >= end;
}

static void write_bytes(struct writer *to, const struct letters *letters) {
    bool is_narrow = is_latin(letters);
    for (size_t i = 0; i < letters->count && !to->out.is_full; i++) {
        uint16_t letter = read_letter(letters, is_narrow ? i : i / 2);
        ov_out_byte(&to->out, (uint8_t)(is_narrow || i % 2 == 0 ? letter : letter >> 8));
        to->is_lossy = to->is_lossy || !is_narrow || letter >= 0x100;
    }
}

static void write_utf8(struct writer *to, const struct letters *letters) {
    for (size_t i = 0; i < letters->count && !to->out.is_full;) {
        size_t left = letters->count - i;
        uint16_t units[2] = {read_letter(letters, i), left > 1 ? read_letter(letters, i + 1) : 0};
        ov_buf_reset(&to->scratch);
        i += ov_utf16_add(&to->scratch, units, left > 1 ? 2 : 1);
        ov_out_span(&to->out, ov_buf_span(&to->scratch));
    }
}

static void write_word(struct writer *to, uint8_t token) {
    static const char signs[WORD_LAST - WORD_FIRST + 1] = {0, 0, '@', '$', 0, '.', '"', 0};
    uint32_t count = ov_cursor_u32le(&to->in);
    struct letters letters = {.bytes = ov_cursor_bytes(&to->in, (uint64_t)count * 2),
                              .count = count};
    if (to->in.has_failed) {
        return;
    }
    char sign = signs[token - WORD_FIRST];
    if (sign != 0) {
        ov_out_byte(&to->out, (uint8_t)sign);
    }
    if (to->way == OV_AUTOIT_WHOLE) {
        write_utf8(to, &letters);
    } else {
        write_bytes(to, &letters);
    }
    if (token == STRING) {
        ov_out_byte(&to->out, '"');
    }
    if (token != USER_FUNCTION) {
        ov_out_byte(&to->out, ' ');
    }
}

// ---- tokens ------------------------------------------------------------------------------------

// False: no such operator.
static bool write_operator(struct writer *to, uint8_t token) {
    static const char names[][3] = {",",  "=",  ">",  "<",  "<>", ">=", "<=", "(",  ")",
                                    "+",  "-",  "/",  "*",  "&",  "[",  "]",  "==", "^",
                                    "+=", "-=", "/=", "*=", "&=", "?",  ":"};
    unsigned number = (unsigned)token - OPERATOR_FIRST;
    if (token < OPERATOR_FIRST || number >= sizeof names / sizeof *names) {
        return false;
    }
    write_text(to, names[number]);
    return true;
}

// False: not known.
static bool write_token(struct writer *to) {
    uint8_t token = ov_cursor_u8(&to->in);
    switch (token) {
    case KEYWORD:
        return write_name(to, ov_autoit_keyword);
    case FUNCTION:
        return write_name(to, ov_autoit_function);
    case NUMBER_32:
    case NUMBER_64:
    case NUMBER_DOUBLE:
        write_number(to, token);
        return true;
    case LINE_END:
        ov_out_byte(&to->out, '\n');
        to->lines_left--;
        return true;
    default:
        break;
    }
    if (token < WORD_FIRST || token > WORD_LAST) {
        return write_operator(to, token);
    }
    write_word(to, token);
    return true;
}

static enum ov_status write_tokens(struct writer *to, struct ov_walk *walk) {
    for (uint32_t i = 0; to->lines_left > 0 && !to->out.is_full; i++) {
        if (i % TOKENS_PER_CLOCK == 0) {
            TRY(ov_walk_has_time(walk));
        }
        if (!write_token(to) || to->in.has_failed) {
            return OV_DAMAGED;
        }
    }
    return OV_OK;
}

enum ov_status ov_autoit_write_script(struct ov_span tokens, enum ov_autoit_way way,
                                      struct ov_walk *walk, struct ov_buf *text,
                                      bool *ret_is_lossy) {
    struct writer to = {.in = ov_cursor_init(tokens), .way = way};
    ov_out_init(&to.out, text, ov_walk_room(walk));
    to.lines_left = ov_cursor_u32le(&to.in);
    enum ov_status status = write_tokens(&to, walk);
    enum ov_status ended = ov_out_end(&to.out);
    ended = ended == OV_OK ? ov_buf_status(&to.scratch) : ended;
    ov_buf_release(&to.scratch);
    if (ended == OV_LIMIT) {
        ov_walk_note_cut(walk);
    }
    *ret_is_lossy = to.is_lossy;
    return ended != OV_OK ? ended : status;
}
