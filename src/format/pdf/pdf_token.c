// SPDX-License-Identifier: Apache-2.0
// Tokens, strings and dictionaries of PDF (ISO 32000-1, 7.2 and 7.3), read as lenient readers do.
#include "base/hex.h"
#include "format/pdf/pdf.h"
#include "format/codec/utf16.h"

// ---- tokens ------------------------------------------------------------------------------------

bool ov_pdf_is_space(uint8_t byte) {
    return byte == 0 || byte == '\t' || byte == '\n' || byte == '\f' || byte == '\r' || byte == ' ';
}

static bool is_delimiter(uint8_t byte) {
    return memchr("()<>[]{}/%", byte, 10) != NULL;
}

// The byte at the cursor, or -1 at the end.
static int peek(const struct ov_cursor *in) {
    return in->at < in->bytes.size ? in->bytes.data[in->at] : -1;
}

static void skip_space(struct ov_cursor *in) {
    for (int byte = peek(in); byte >= 0; byte = peek(in)) {
        if (byte == '%') {
            while (byte >= 0 && byte != '\n' && byte != '\r') {
                in->at++;
                byte = peek(in);
            }
        } else if (ov_pdf_is_space((uint8_t)byte)) {
            in->at++;
        } else {
            return;
        }
    }
}

// Everything up to the next white space or delimiter.
static struct ov_span read_regular(struct ov_cursor *in) {
    size_t start = in->at;
    for (int byte = peek(in); byte >= 0; byte = peek(in)) {
        if (ov_pdf_is_space((uint8_t)byte) || is_delimiter((uint8_t)byte)) {
            break;
        }
        in->at++;
    }
    return ov_span_part(in->bytes, start, in->at - start);
}

// A literal string: parentheses in pairs need no backslash (7.3.4.2).
static struct ov_span read_literal(struct ov_cursor *in) {
    size_t start = in->at, depth = 1;
    for (int byte = peek(in); byte >= 0; byte = peek(in)) {
        in->at++;
        depth += byte == '(';
        depth -= byte == ')';
        if (depth == 0) {
            return ov_span_part(in->bytes, start, in->at - 1 - start);
        }
        if (byte == '\\' && in->at < in->bytes.size) {
            in->at++;
        }
    }
    return ov_span_part(in->bytes, start, in->at - start);
}

static struct ov_span read_hex(struct ov_cursor *in) {
    size_t start = in->at, end = ov_span_find(in->bytes, start, '>');
    in->at = end < in->bytes.size ? end + 1 : end;
    return ov_span_part(in->bytes, start, end - start);
}

static bool is_number(struct ov_span text) {
    bool has_digit = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte >= '0' && byte <= '9') {
            has_digit = true;
        } else if (byte != '.' && byte != '-' && (byte != '+' || i > 0)) {
            return false;
        }
    }
    return has_digit;
}

static int64_t read_integer(struct ov_span text) {
    int64_t value = 0;
    bool is_negative = text.size > 0 && text.data[0] == '-';
    for (size_t i = is_negative || (text.size > 0 && text.data[0] == '+'); i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte < '0' || byte > '9') {
            break;
        }
        if (value > INT64_MAX / 10 - 1) {
            return is_negative ? INT64_MIN : INT64_MAX;
        }
        value = value * 10 + (byte - '0');
    }
    return is_negative ? -value : value;
}

static void read_angle(struct ov_cursor *in, struct ov_pdf_token *token) {
    if (peek(in) == '<') {
        in->at++;
        token->kind = OV_PDF_DICT_OPEN;
        return;
    }
    token->kind = OV_PDF_HEX;
    token->text = read_hex(in);
}

static void read_word(struct ov_cursor *in, struct ov_pdf_token *token) {
    in->at = token->at;
    token->text = read_regular(in);
    token->kind = is_number(token->text) ? OV_PDF_NUMBER : OV_PDF_WORD;
    token->integer = read_integer(token->text);
    if (token->text.size == 0) { // a delimiter that begins nothing
        in->at++;
        token->text = ov_span_part(in->bytes, token->at, 1);
    }
}

void ov_pdf_token_read(struct ov_cursor *in, struct ov_pdf_token *ret_token) {
    skip_space(in);
    struct ov_pdf_token token = {.at = in->at};
    int byte = peek(in);
    in->at += byte >= 0;
    switch (byte) {
    case -1:
        break;
    case '/':
        token.kind = OV_PDF_NAME;
        token.text = read_regular(in);
        break;
    case '(':
        token.kind = OV_PDF_STRING;
        token.text = read_literal(in);
        break;
    case '[':
        token.kind = OV_PDF_ARRAY_OPEN;
        break;
    case ']':
        token.kind = OV_PDF_ARRAY_CLOSE;
        break;
    case '<':
        read_angle(in, &token);
        break;
    case '>':
        in->at += peek(in) == '>';
        token.kind = OV_PDF_DICT_CLOSE;
        break;
    default:
        read_word(in, &token);
    }
    *ret_token = token;
}

// ---- names and strings -------------------------------------------------------------------------

bool ov_pdf_name_is(struct ov_span name, const char *plain) {
    size_t i = 0;
    for (; *plain != 0 && i < name.size; plain++, i++) {
        uint8_t byte = name.data[i];
        int high = byte == '#' && i + 2 < name.size ? ov_hex_digit(name.data[i + 1]) : -1;
        int low = high >= 0 ? ov_hex_digit(name.data[i + 2]) : -1;
        if (low >= 0) {
            byte = (uint8_t)(high * 16 + low);
            i += 2;
        }
        if (byte != (uint8_t)*plain) {
            return false;
        }
    }
    return *plain == 0 && i == name.size;
}

// An escape; the cursor stands behind the backslash.
static void add_escape(struct ov_cursor *in, struct ov_buf *plain) {
    static const char letters[] = "nrtbf", meanings[] = "\n\r\t\b\f";
    uint8_t byte = ov_cursor_u8(in);
    const char *letter = byte != 0 ? strchr(letters, byte) : NULL;
    if (letter != NULL) {
        ov_buf_add_u8(plain, (uint8_t)meanings[letter - letters]);
    } else if (byte == '\r') {
        in->at += peek(in) == '\n'; // the line goes on
    } else if (byte >= '0' && byte <= '7') {
        unsigned value = byte - '0';
        for (int i = 0; i < 2 && peek(in) >= '0' && peek(in) <= '7'; i++) {
            value = value * 8 + (unsigned)(ov_cursor_u8(in) - '0');
        }
        ov_buf_add_u8(plain, (uint8_t)value);
    } else if (byte != '\n') {
        ov_buf_add_u8(plain, byte);
    }
}

static void add_literal(struct ov_span text, struct ov_buf *plain) {
    struct ov_cursor in = ov_cursor_init(text);
    while (ov_cursor_left(&in) > 0) {
        uint8_t byte = ov_cursor_u8(&in);
        if (byte == '\\') {
            add_escape(&in, plain);
        } else if (byte == '\r') {
            in.at += peek(&in) == '\n';
            ov_buf_add_u8(plain, '\n');
        } else {
            ov_buf_add_u8(plain, byte);
        }
    }
}

void ov_pdf_string_add(const struct ov_pdf_token *string, struct ov_buf *plain) {
    if (string->kind == OV_PDF_STRING) {
        add_literal(string->text, plain);
    } else {
        ov_pdf_ascii_hex(string->text, SIZE_MAX, plain);
    }
}

// Halves of a pair that stand alone are written as they are, so that nothing is lost.
void ov_pdf_text_add(struct ov_span text, struct ov_buf *plain) {
    bool is_big = ov_span_has_prefix(text, "\xfe\xff");
    if (!is_big && !ov_span_has_prefix(text, "\xff\xfe")) {
        ov_buf_add(plain, text.data, text.size);
        return;
    }
    struct ov_cursor in = ov_cursor_init(ov_span_from(text, 2));
    while (ov_cursor_left(&in) >= 2) {
        uint32_t unit = is_big ? ov_cursor_u16be(&in) : ov_cursor_u16le(&in);
        size_t behind = in.at;
        if (unit >= 0xd800 && unit < 0xdc00 && ov_cursor_left(&in) >= 2) {
            uint32_t low = is_big ? ov_cursor_u16be(&in) : ov_cursor_u16le(&in);
            bool is_pair = low >= 0xdc00 && low < 0xe000;
            unit = is_pair ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : unit;
            in.at = is_pair ? in.at : behind;
        }
        ov_utf8_add(plain, unit);
    }
}

// ---- dictionaries ------------------------------------------------------------------------------

static const char *const keys[OV_PDF_KEY_COUNT] = {
    [OV_PDF_BITS_PER_COMPONENT] = "BitsPerComponent",
    [OV_PDF_CF] = "CF",
    [OV_PDF_CFM] = "CFM",
    [OV_PDF_COLORS] = "Colors",
    [OV_PDF_COLUMNS] = "Columns",
    [OV_PDF_DECODE_PARMS] = "DecodeParms",
    [OV_PDF_DP] = "DP",
    [OV_PDF_EARLY_CHANGE] = "EarlyChange",
    [OV_PDF_EF] = "EF",
    [OV_PDF_EFF] = "EFF",
    [OV_PDF_ENCRYPT] = "Encrypt",
    [OV_PDF_ENCRYPT_METADATA] = "EncryptMetadata",
    [OV_PDF_F] = "F",
    [OV_PDF_FILTER] = "Filter",
    [OV_PDF_FIRST] = "First",
    [OV_PDF_HEIGHT] = "Height",
    [OV_PDF_ID] = "ID",
    [OV_PDF_LENGTH] = "Length",
    [OV_PDF_N] = "N",
    [OV_PDF_NAME_KEY] = "Name",
    [OV_PDF_O] = "O",
    [OV_PDF_OE] = "OE",
    [OV_PDF_P] = "P",
    [OV_PDF_PREDICTOR] = "Predictor",
    [OV_PDF_R] = "R",
    [OV_PDF_STM_F] = "StmF",
    [OV_PDF_STR_F] = "StrF",
    [OV_PDF_SUBTYPE] = "Subtype",
    [OV_PDF_TYPE] = "Type",
    [OV_PDF_U] = "U",
    [OV_PDF_UE] = "UE",
    [OV_PDF_UF] = "UF",
    [OV_PDF_V] = "V",
    [OV_PDF_WIDTH] = "Width",
};

// Words that no value holds: the object ended before its dictionary did.
bool ov_pdf_token_is_stop(const struct ov_pdf_token *token) {
    static const char *const stops[] = {"endobj", "obj", "stream", "endstream", "xref", "trailer"};
    for (size_t i = 0; token->kind == OV_PDF_WORD && i < sizeof stops / sizeof *stops; i++) {
        if (ov_span_is_text(token->text, stops[i])) {
            return true;
        }
    }
    return token->kind == OV_PDF_END;
}

static bool is_open(const struct ov_pdf_token *token) {
    return token->kind == OV_PDF_DICT_OPEN || token->kind == OV_PDF_ARRAY_OPEN;
}

static bool is_close(const struct ov_pdf_token *token) {
    return token->kind == OV_PDF_DICT_CLOSE || token->kind == OV_PDF_ARRAY_CLOSE;
}

// Goes behind the bracket that closes the one behind which the cursor stands, whatever its kind.
static void skip_nested(struct ov_cursor *in) {
    for (size_t depth = 1; depth > 0;) {
        struct ov_pdf_token token;
        ov_pdf_token_read(in, &token);
        if (ov_pdf_token_is_stop(&token)) {
            in->at = token.at;
            return;
        }
        depth += is_open(&token);
        depth -= is_close(&token);
    }
}

// Takes `G R` behind a number, if it stands there.
static void skip_reference(struct ov_cursor *in) {
    struct ov_cursor ahead = *in;
    struct ov_pdf_token generation, letter;
    ov_pdf_token_read(&ahead, &generation);
    if (generation.kind != OV_PDF_NUMBER) {
        return;
    }
    ov_pdf_token_read(&ahead, &letter);
    if (letter.kind == OV_PDF_WORD && ov_span_is_text(letter.text, "R")) {
        *in = ahead;
    }
}

// The text of the value at the cursor; false before what ends the dictionary.
static bool read_value(struct ov_cursor *in, struct ov_span *ret_value) {
    struct ov_pdf_token token;
    ov_pdf_token_read(in, &token);
    if (ov_pdf_token_is_stop(&token) || is_close(&token)) {
        in->at = token.at;
        return false;
    }
    if (is_open(&token)) {
        skip_nested(in);
    } else if (token.kind == OV_PDF_NUMBER) {
        skip_reference(in);
    }
    *ret_value = ov_span_part(in->bytes, token.at, in->at - token.at);
    return true;
}

// The next key and its value; false at the end of the dictionary, behind its brackets.
static bool read_entry(struct ov_cursor *in, struct ov_span *ret_key, struct ov_span *ret_value,
                       size_t *ret_end, bool *ret_closed) {
    while (true) {
        struct ov_pdf_token token;
        ov_pdf_token_read(in, &token);
        if (ov_pdf_token_is_stop(&token) || is_close(&token)) {
            *ret_end = token.at;
            *ret_closed = is_close(&token);
            in->at = *ret_closed ? in->at : token.at;
            return false;
        }
        if (is_open(&token)) {
            skip_nested(in); // no key stands before it
        }
        if (token.kind == OV_PDF_NAME && read_value(in, ret_value)) {
            *ret_key = token.text;
            return true;
        }
    }
}

static void take_entry(struct ov_pdf_dict *dict, struct ov_span key, struct ov_span value) {
    for (unsigned i = 0; key.size > 0 && i < OV_PDF_KEY_COUNT; i++) {
        bool can_be = key.data[0] == (uint8_t)keys[i][0] || key.data[0] == '#';
        if (can_be && ov_pdf_name_is(key, keys[i])) {
            if (i == OV_PDF_FILTER && dict->first_filter.size == 0) {
                dict->first_filter = dict->values[i];
            }
            dict->values[i] = value;
            return;
        }
    }
}

void ov_pdf_dict_read(struct ov_cursor *in, struct ov_pdf_dict *ret_dict) {
    *ret_dict = (struct ov_pdf_dict){0};
    size_t start = in->at, end = in->at;
    struct ov_span key, value;
    while (read_entry(in, &key, &value, &end, &ret_dict->is_closed)) {
        take_entry(ret_dict, key, value);
    }
    ret_dict->text = ov_span_part(in->bytes, start, end - start);
}

struct ov_span ov_pdf_dict_find(struct ov_span text, struct ov_span name) {
    struct ov_cursor in = ov_cursor_init(text);
    struct ov_span key, value;
    size_t end;
    bool is_closed;
    while (read_entry(&in, &key, &value, &end, &is_closed)) {
        if (ov_span_is_equal(key, name)) {
            return value;
        }
    }
    return ov_span_make(NULL, 0);
}

bool ov_pdf_value_is(struct ov_span value, const char *name) {
    struct ov_cursor in = ov_cursor_init(value);
    struct ov_pdf_token token;
    ov_pdf_token_read(&in, &token);
    return token.kind == OV_PDF_NAME && ov_pdf_name_is(token.text, name);
}
