// SPDX-License-Identifier: Apache-2.0
// Tokens of JavaScript, as clamscan's reader tells them apart (not ECMA-262's).
#include "format/html/script.h"

#include <stdlib.h>

enum { OPERATOR_BYTES_MAX = 4 };

struct word {
    const char *text;
    enum ov_script_kind kind;
};

// In the order of their bytes.
static const struct word keywords[] = {
    {"abstract", OV_SCRIPT_WORD},     {"boolean", OV_SCRIPT_WORD},
    {"break", OV_SCRIPT_WORD},        {"byte", OV_SCRIPT_WORD},
    {"case", OV_SCRIPT_WORD},         {"catch", OV_SCRIPT_WORD},
    {"char", OV_SCRIPT_WORD},         {"class", OV_SCRIPT_WORD},
    {"const", OV_SCRIPT_WORD},        {"continue", OV_SCRIPT_WORD},
    {"debugger", OV_SCRIPT_WORD},     {"default", OV_SCRIPT_WORD},
    {"delete", OV_SCRIPT_WORD},       {"do", OV_SCRIPT_WORD},
    {"double", OV_SCRIPT_WORD},       {"else", OV_SCRIPT_WORD},
    {"enum", OV_SCRIPT_WORD},         {"export", OV_SCRIPT_WORD},
    {"extends", OV_SCRIPT_WORD},      {"false", OV_SCRIPT_WORD},
    {"final", OV_SCRIPT_WORD},        {"finally", OV_SCRIPT_WORD},
    {"float", OV_SCRIPT_WORD},        {"for", OV_SCRIPT_WORD},
    {"function", OV_SCRIPT_FUNCTION}, {"goto", OV_SCRIPT_WORD},
    {"if", OV_SCRIPT_WORD},           {"implements", OV_SCRIPT_WORD},
    {"import", OV_SCRIPT_WORD},       {"in", OV_SCRIPT_WORD},
    {"instanceof", OV_SCRIPT_WORD},   {"int", OV_SCRIPT_WORD},
    {"interface", OV_SCRIPT_WORD},    {"long", OV_SCRIPT_WORD},
    {"native", OV_SCRIPT_WORD},       {"new", OV_SCRIPT_WORD},
    {"null", OV_SCRIPT_WORD},         {"package", OV_SCRIPT_WORD},
    {"private", OV_SCRIPT_WORD},      {"protected", OV_SCRIPT_WORD},
    {"public", OV_SCRIPT_WORD},       {"return", OV_SCRIPT_WORD},
    {"short", OV_SCRIPT_WORD},        {"static", OV_SCRIPT_WORD},
    {"super", OV_SCRIPT_WORD},        {"switch", OV_SCRIPT_WORD},
    {"synchronized", OV_SCRIPT_WORD}, {"this", OV_SCRIPT_WORD},
    {"throw", OV_SCRIPT_WORD},        {"throws", OV_SCRIPT_WORD},
    {"transient", OV_SCRIPT_WORD},    {"true", OV_SCRIPT_WORD},
    {"try", OV_SCRIPT_WORD},          {"typeof", OV_SCRIPT_WORD},
    {"var", OV_SCRIPT_VAR},           {"void", OV_SCRIPT_WORD},
    {"volatile", OV_SCRIPT_WORD},     {"while", OV_SCRIPT_WORD},
    {"with", OV_SCRIPT_WORD},
};

// Longer ones first.
static const struct word operators[] = {
    {">>>=", OV_SCRIPT_WORD},     {">>>", OV_SCRIPT_WORD},       {">>=", OV_SCRIPT_WORD},
    {"===", OV_SCRIPT_WORD},      {"<<=", OV_SCRIPT_WORD},       {"!==", OV_SCRIPT_WORD},
    {">>", OV_SCRIPT_WORD},       {">=", OV_SCRIPT_WORD},        {"==", OV_SCRIPT_WORD},
    {"<=", OV_SCRIPT_WORD},       {"<<", OV_SCRIPT_WORD},        {"/=", OV_SCRIPT_WORD},
    {"|=", OV_SCRIPT_WORD},       {"*=", OV_SCRIPT_WORD},        {"-=", OV_SCRIPT_WORD},
    {"+=", OV_SCRIPT_WORD},       {"%=", OV_SCRIPT_WORD},        {"||", OV_SCRIPT_WORD},
    {"&=", OV_SCRIPT_WORD},       {"--", OV_SCRIPT_WORD},        {"!=", OV_SCRIPT_WORD},
    {"++", OV_SCRIPT_WORD},       {"^=", OV_SCRIPT_WORD},        {"&&", OV_SCRIPT_WORD},
    {">", OV_SCRIPT_WORD},        {"=", OV_SCRIPT_WORD},         {"<", OV_SCRIPT_WORD},
    {"~", OV_SCRIPT_WORD},        {"/", OV_SCRIPT_WORD},         {"|", OV_SCRIPT_WORD},
    {"*", OV_SCRIPT_WORD},        {"-", OV_SCRIPT_WORD},         {"+", OV_SCRIPT_PLUS},
    {"%", OV_SCRIPT_WORD},        {"?", OV_SCRIPT_WORD},         {"&", OV_SCRIPT_WORD},
    {":", OV_SCRIPT_WORD},        {"!", OV_SCRIPT_WORD},         {"^", OV_SCRIPT_WORD},
    {"[", OV_SCRIPT_SQUARE_OPEN}, {"]", OV_SCRIPT_SQUARE_CLOSE}, {",", OV_SCRIPT_COMMA},
    {"{", OV_SCRIPT_CURLY_OPEN},  {"}", OV_SCRIPT_CURLY_CLOSE},  {"(", OV_SCRIPT_ROUND_OPEN},
    {")", OV_SCRIPT_ROUND_CLOSE}, {".", OV_SCRIPT_DOT},          {";", OV_SCRIPT_SEMICOLON},
};

static bool is_digit(uint8_t byte) {
    return byte >= '0' && byte <= '9';
}

static bool is_letter(uint8_t byte) {
    return (uint8_t)((byte | 0x20) - 'a') < 26 || byte == '_' || byte == '$';
}

static int hex_value(uint8_t byte) {
    if (is_digit(byte)) {
        return byte - '0';
    }
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static enum ov_script_kind give_word(const struct word *word, struct ov_script_token *ret_token) {
    *ret_token = (struct ov_script_token){
        .kind = word->kind, .size = (uint32_t)strlen(word->text), .word = word->text};
    return word->kind;
}

// ---- strings -----------------------------------------------------------------------------------

// A number of `count` digits in base 16, as a lenient reader has it: one that is none counts as 0,
// but the last one sets all bits.
static uint16_t read_digits(const uint8_t *digits, size_t count) {
    unsigned value = 0;
    for (size_t i = 0; i < count; i++) {
        int digit = hex_value(digits[i]);
        bool is_last = i + 1 == count;
        value = value << 4 | (digit < 0 ? (is_last ? 0xffffu : 0u) : (unsigned)digit);
    }
    return (uint16_t)value;
}

// A zero ends strings elsewhere: it is stored as 1.
static void add_byte(struct ov_buf *text, uint8_t byte) {
    ov_buf_add_u8(text, byte != 0 ? byte : 1);
}

void ov_script_add_utf8(struct ov_buf *text, uint16_t value) {
    if (value < 0x80) {
        add_byte(text, (uint8_t)value);
        return;
    }
    if (value < 0x800) {
        ov_buf_add_u8(text, (uint8_t)(0xc0 | value >> 6));
    } else {
        ov_buf_add_u8(text, (uint8_t)(0xe0 | value >> 12));
        ov_buf_add_u8(text, (uint8_t)(0x80 | (value >> 6 & 0x3f)));
    }
    ov_buf_add_u8(text, (uint8_t)(0x80 | (value & 0x3f)));
}

// The escape whose letter stands at `at`. Returns how many bytes follow the letter.
static size_t add_escape(struct ov_span raw, size_t at, struct ov_buf *text) {
    static const char letters[] = "btnvfr0";
    static const uint8_t values[] = {8, 9, 10, 11, 12, 13, 0};
    uint8_t letter = raw.data[at];
    size_t left = raw.size - at;
    if (letter == 'x') {
        add_byte(text, left > 2 ? (uint8_t)read_digits(&raw.data[at + 1], 2) : '\\');
        return 2;
    }
    if (letter == 'u') {
        if (left <= 4) {
            add_byte(text, '\\');
            return 0;
        }
        ov_script_add_utf8(text, read_digits(&raw.data[at + 1], 4));
        return 4;
    }
    size_t known = ov_span_find(ov_span_make(letters, sizeof values), 0, letter);
    add_byte(text, known < sizeof values ? values[known] : letter);
    return 0;
}

static void add_unescaped(struct ov_span raw, struct ov_buf *text) {
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] == '\\' && i + 1 < raw.size) {
            i++;
            i += add_escape(raw, i, text);
        } else {
            add_byte(text, raw.data[i]);
        }
    }
}

// Where the quote stands that ends the string, or in.size. One after a backslash does not, whatever
// stands before that.
static size_t find_quote(const struct ov_script_lexer *lexer, uint8_t quote) {
    size_t end = ov_span_find(lexer->in, lexer->at, quote);
    while (end < lexer->in.size && end > lexer->at && lexer->in.data[end - 1] == '\\') {
        end = ov_span_find(lexer->in, end + 1, quote);
    }
    return end;
}

static enum ov_script_kind lex_string(struct ov_script_lexer *lexer, enum ov_script_mode mode,
                                      struct ov_script_token *ret_token) {
    size_t end = find_quote(lexer, mode == OV_SCRIPT_IN_DOUBLE ? '"' : '\'');
    add_unescaped(ov_span_part(lexer->in, lexer->at, end - lexer->at), &lexer->text);
    if (end == lexer->in.size) {
        lexer->at = end;
        lexer->mode = mode;
        return OV_SCRIPT_END;
    }
    lexer->at = end + 1;
    lexer->mode = OV_SCRIPT_PLAIN;
    *ret_token = (struct ov_script_token){.kind = OV_SCRIPT_STRING};
    return OV_SCRIPT_STRING;
}

// ---- numbers and names -------------------------------------------------------------------------

// An exponent: the letter, and one more byte when that fits. A letter at the very end is looked at
// again, as a name.
static bool take_exponent(struct ov_script_lexer *lexer, uint8_t letter) {
    ov_buf_add_u8(&lexer->text, letter);
    if (lexer->at == lexer->in.size) {
        return false;
    }
    uint8_t byte = lexer->in.data[lexer->at++];
    bool fits = byte == '+' || byte == '-' || is_digit(byte);
    if (fits) {
        ov_buf_add_u8(&lexer->text, byte);
    }
    return fits;
}

static bool take_digit(struct ov_script_lexer *lexer, bool *has_point) {
    uint8_t byte = lexer->in.data[lexer->at++];
    if (is_digit(byte) || (byte == '.' && !*has_point)) {
        *has_point = *has_point || byte == '.';
        ov_buf_add_u8(&lexer->text, byte);
        return true;
    }
    return *has_point && (byte | 0x20) == 'e' && take_exponent(lexer, byte);
}

static enum ov_script_kind lex_number(struct ov_script_lexer *lexer,
                                      struct ov_script_token *ret_token) {
    bool has_point = false;
    while (lexer->at < lexer->in.size) {
        if (take_digit(lexer, &has_point)) {
            continue;
        }
        lexer->at--;
        lexer->mode = OV_SCRIPT_PLAIN;
        ov_buf_add_u8(&lexer->text, 0);
        if (lexer->text.has_failed) {
            return OV_SCRIPT_END;
        }
        const char *digits = (const char *)lexer->text.data;
        if (has_point) {
            *ret_token =
                (struct ov_script_token){.kind = OV_SCRIPT_NUMBER, .number = strtod(digits, NULL)};
        } else {
            *ret_token = (struct ov_script_token){.kind = OV_SCRIPT_INTEGER,
                                                  .integer = (int)strtol(digits, NULL, 10)};
        }
        return (enum ov_script_kind)ret_token->kind;
    }
    lexer->mode = OV_SCRIPT_IN_NUMBER;
    return OV_SCRIPT_END;
}

static int compare_word(const void *key, const void *item) {
    const struct ov_span *text = key;
    const struct word *word = item;
    size_t size = strlen(word->text);
    int order = memcmp(text->data, word->text, text->size < size ? text->size : size);
    return order != 0 ? order : (text->size > size) - (text->size < size);
}

static enum ov_script_kind end_name(struct ov_script_lexer *lexer,
                                    struct ov_script_token *ret_token) {
    struct ov_span text = ov_buf_span(&lexer->text);
    lexer->mode = OV_SCRIPT_PLAIN;
    const struct word *keyword = text.size == 0
                                     ? NULL
                                     : bsearch(&text, keywords, sizeof keywords / sizeof *keywords,
                                               sizeof *keywords, compare_word);
    if (keyword != NULL) {
        return give_word(keyword, ret_token);
    }
    *ret_token = (struct ov_script_token){.kind = OV_SCRIPT_NAME};
    return OV_SCRIPT_NAME;
}

// A name may hold \u; any other backslash ends it and is left out.
static enum ov_script_kind lex_name(struct ov_script_lexer *lexer,
                                    struct ov_script_token *ret_token) {
    while (lexer->at < lexer->in.size) {
        uint8_t byte = lexer->in.data[lexer->at];
        if (is_letter(byte) || is_digit(byte)) {
            ov_buf_add_u8(&lexer->text, byte);
            lexer->at++;
            continue;
        }
        if (byte != '\\') {
            return end_name(lexer, ret_token);
        }
        lexer->at++;
        bool has_more = lexer->at < lexer->in.size;
        if (has_more && lexer->in.data[lexer->at] == 'u') {
            ov_buf_add_u8(&lexer->text, '\\');
            lexer->at++;
            continue;
        }
        // A last byte behind the backslash is left out as well.
        lexer->at += has_more && lexer->at + 1 == lexer->in.size;
        return end_name(lexer, ret_token);
    }
    lexer->mode = OV_SCRIPT_IN_NAME;
    return OV_SCRIPT_END;
}

// ---- the rest ----------------------------------------------------------------------------------

// Space and what is no part of a program is no operator.
static enum ov_script_kind lex_operator(struct ov_script_lexer *lexer,
                                        struct ov_script_token *ret_token) {
    struct ov_span here = ov_span_part(lexer->in, lexer->at, OPERATOR_BYTES_MAX);
    char first = (char)here.data[0];
    bool can_be = (uint8_t)first > ' ' && (uint8_t)first < 0x7f;
    for (size_t i = 0; can_be && i < sizeof operators / sizeof *operators; i++) {
        if (operators[i].text[0] == first && ov_span_has_prefix(here, operators[i].text)) {
            lexer->at += strlen(operators[i].text);
            return give_word(&operators[i], ret_token);
        }
    }
    lexer->at++;
    return OV_SCRIPT_END;
}

static void skip_comment(struct ov_script_lexer *lexer) {
    struct ov_span in = lexer->in;
    for (; lexer->at + 1 < in.size; lexer->at++) {
        if (in.data[lexer->at] == '*' && in.data[lexer->at + 1] == '/') {
            lexer->mode = OV_SCRIPT_PLAIN;
            lexer->at++;
            break;
        }
    }
    lexer->at++;
}

// Line feeds have become spaces where the script stands in HTML: so a space ends the comment.
static void skip_rest(struct ov_script_lexer *lexer) {
    struct ov_span in = lexer->in;
    while (lexer->at < in.size && in.data[lexer->at] != '\n' && in.data[lexer->at] != ' ') {
        lexer->at++;
    }
    lexer->mode = OV_SCRIPT_PLAIN;
}

static bool begins_comment(struct ov_script_lexer *lexer) {
    struct ov_span here = ov_span_part(lexer->in, lexer->at, 2);
    bool is_rest = ov_span_is_text(here, "//");
    if (!is_rest && !ov_span_is_text(here, "/*")) {
        return false;
    }
    lexer->mode = is_rest ? OV_SCRIPT_IN_REST : OV_SCRIPT_IN_COMMENT;
    lexer->at += 2;
    return true;
}

static enum ov_script_kind lex_plain(struct ov_script_lexer *lexer,
                                     struct ov_script_token *ret_token) {
    uint8_t byte = lexer->in.data[lexer->at];
    ov_buf_reset(&lexer->text);
    if (begins_comment(lexer)) {
        return OV_SCRIPT_END;
    }
    if (byte == '"' || byte == '\'') {
        lexer->at++;
        return lex_string(lexer, byte == '"' ? OV_SCRIPT_IN_DOUBLE : OV_SCRIPT_IN_SINGLE,
                          ret_token);
    }
    if (is_digit(byte)) {
        return lex_number(lexer, ret_token);
    }
    if (is_letter(byte) || byte == '\\') {
        return lex_name(lexer, ret_token);
    }
    return lex_operator(lexer, ret_token);
}

// Whether the end that a step gave back is that of the piece, and not of a comment or a space.
static bool is_unfinished(enum ov_script_mode mode) {
    return mode == OV_SCRIPT_IN_DOUBLE || mode == OV_SCRIPT_IN_SINGLE ||
           mode == OV_SCRIPT_IN_NAME || mode == OV_SCRIPT_IN_NUMBER;
}

static enum ov_script_kind lex_step(struct ov_script_lexer *lexer,
                                    struct ov_script_token *ret_token) {
    switch (lexer->mode) {
    case OV_SCRIPT_PLAIN:
        return lex_plain(lexer, ret_token);
    case OV_SCRIPT_IN_DOUBLE:
    case OV_SCRIPT_IN_SINGLE:
        return lex_string(lexer, lexer->mode, ret_token);
    case OV_SCRIPT_IN_NAME:
        return lex_name(lexer, ret_token);
    case OV_SCRIPT_IN_NUMBER:
        return lex_number(lexer, ret_token);
    case OV_SCRIPT_IN_COMMENT:
        skip_comment(lexer);
        return OV_SCRIPT_END;
    case OV_SCRIPT_IN_REST:
        skip_rest(lexer);
        return OV_SCRIPT_END;
    }
    return OV_SCRIPT_END;
}

enum ov_script_kind ov_script_lex(struct ov_script_lexer *lexer,
                                  struct ov_script_token *ret_token) {
    while (lexer->at < lexer->in.size) {
        enum ov_script_kind kind = lex_step(lexer, ret_token);
        if (kind != OV_SCRIPT_END || is_unfinished(lexer->mode)) {
            return kind;
        }
    }
    return OV_SCRIPT_END;
}
