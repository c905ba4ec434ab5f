// SPDX-License-Identifier: Apache-2.0
// Parameters of a MIME header field, and names that are written in other words.
#include "format/mail/mail_params.h"

#include "base/hex.h"
#include "format/codec/base64.h"
#include "format/codec/lines.h"

enum {
    SECTIONS_MAX = 256, // as many parameters of a field as clamscan reads
    WHOLE = SECTIONS_MAX,
    VALUE_BYTES_MAX = 4096,
};

// One `key=value`, or one section of it.
struct param {
    unsigned section; // WHOLE: not in sections
    bool is_extended; // with a character set and escapes
    bool is_quoted;
    struct ov_span token; // the value up to the next blank
    struct ov_span rest;  // the value up to the next semicolon
};

static bool is_word(uint8_t byte) {
    return byte > ' ' && byte < 127 && strchr("()<>@,;:\\\"/[]?=*'", byte) == NULL;
}

static void skip_white(struct ov_span text, size_t *at) {
    while (*at < text.size && text.data[*at] <= ' ') {
        ++*at;
    }
}

static size_t find_quote(struct ov_span text, size_t from) {
    size_t at = from;
    while (at < text.size && text.data[at] != '"') {
        at += text.data[at] == '\\' && text.size - at > 1 ? 2 : 1;
    }
    return at < text.size ? at : text.size;
}

static void read_value(struct ov_span field, size_t at, struct param *param) {
    struct ov_span value = ov_span_part(field, at, VALUE_BYTES_MAX);
    param->is_quoted = value.size > 0 && value.data[0] == '"';
    if (param->is_quoted) {
        param->token = ov_span_part(value, 1, find_quote(value, 1) - 1);
        param->rest = param->token;
        return;
    }
    param->rest = ov_span_part(value, 0, ov_span_find(value, 0, ';'));
    size_t end = 0;
    while (end < param->rest.size && param->rest.data[end] > ' ') {
        end++;
    }
    param->token = ov_span_part(param->rest, 0, end);
    param->rest = ov_line_trim(param->rest);
}

// Reads what follows the key: "*", a section, "*", "=". False when no value follows.
static bool read_param(struct ov_span field, size_t at, struct param *ret_param) {
    struct param param = {.section = WHOLE};
    if (at < field.size && field.data[at] == '*') {
        size_t digits = 0;
        unsigned section = 0;
        for (at++; at < field.size && field.data[at] >= '0' && field.data[at] <= '9'; at++) {
            section = section * 10 + (unsigned)(field.data[at] - '0');
            section = section < SECTIONS_MAX ? section : SECTIONS_MAX - 1;
            digits++;
        }
        param.section = digits > 0 ? section : WHOLE;
        param.is_extended = digits == 0;
        if (digits > 0 && at < field.size && field.data[at] == '*') {
            param.is_extended = true;
            at++;
        }
    }
    skip_white(field, &at);
    if (at >= field.size || field.data[at] != '=') {
        return false;
    }
    at++;
    skip_white(field, &at);
    read_value(field, at, &param);
    *ret_param = param;
    return true;
}

// Where to look for a parameter next, and how many more are looked at.
struct search {
    size_t at;
    unsigned left;
};

static struct search start_search(void) {
    return (struct search){.left = SECTIONS_MAX};
}

// Finds the next parameter of this name, and moves on.
static bool find_param(struct ov_span field, const char *key, struct search *search,
                       struct param *ret_param) {
    size_t key_bytes = strlen(key);
    for (; search->left > 0; search->left--) {
        size_t hit = ov_text_find(field, search->at, key);
        if (hit >= field.size) {
            return false;
        }
        search->at = hit + key_bytes;
        if ((hit == 0 || !is_word(field.data[hit - 1])) &&
            read_param(field, search->at, ret_param)) {
            search->left--;
            return true;
        }
    }
    return false;
}

// ---- ways to read a value ----------------------------------------------------------------------

static struct ov_span keep(struct ov_span bytes, struct ov_arena *arena) {
    bytes = ov_span_part(bytes, 0, OV_MAIL_NAME_BYTES_MAX);
    char *copy = ov_arena_text(arena, bytes);
    return ov_span_make(copy, copy != NULL ? bytes.size : 0);
}

static void add_value(struct ov_mail_values *values, struct ov_span value, struct ov_arena *arena) {
    for (unsigned i = 0; i < values->count; i++) {
        if (ov_span_is_equal(values->values[i], value)) {
            return;
        }
    }
    if (values->count < OV_MAIL_VALUES_MAX && value.size <= OV_MAIL_NAME_BYTES_MAX) {
        values->values[values->count++] = keep(value, arena);
    }
}

// Copies without backslashes that quote, and without comments if asked for.
static void copy_plain(struct ov_span value, bool drops_comments, struct ov_buf *plain) {
    unsigned depth = 0;
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.data[i];
        if (drops_comments && byte == '(') {
            depth++;
        } else if (drops_comments && byte == ')' && depth > 0) {
            depth--;
        } else if (depth == 0) {
            i += byte == '\\' && value.size - i > 1 ? 1 : 0;
            ov_buf_add_u8(plain, value.data[i]);
        }
    }
}

static void copy_escaped(struct ov_span value, struct ov_buf *plain) {
    for (size_t i = 0; i < value.size; i++) {
        int high = -1, low = -1;
        if (value.data[i] == '%' && value.size - i > 2) {
            high = ov_hex_digit(value.data[i + 1]);
            low = ov_hex_digit(value.data[i + 2]);
        }
        bool is_escape = high >= 0 && low >= 0;
        ov_buf_add_u8(plain, (uint8_t)(is_escape ? high << 4 | low : value.data[i]));
        i += is_escape ? 2 : 0;
    }
}

// Leaves out the character set and the language in front of an extended value (RFC 2231, 4).
static struct ov_span drop_charset(struct ov_span value) {
    size_t first = ov_span_find(value, 0, '\'');
    size_t second = ov_span_find(value, first + 1, '\'');
    return second < value.size ? ov_span_from(value, second + 1) : value;
}

static void add_section(const struct param *param, bool is_first, struct ov_buf *plain) {
    if (param->is_extended) {
        copy_escaped(is_first ? drop_charset(param->token) : param->token, plain);
    } else {
        copy_plain(param->token, false, plain);
    }
}

// Puts the sections of a parameter together, up to the first that is missing. Where two have one
// number, the first counts.
static void join_sections(struct ov_span field, const char *key, struct ov_buf *plain) {
    struct param sections[SECTIONS_MAX];
    bool is_there[SECTIONS_MAX] = {false};
    struct param param;
    for (struct search search = start_search(); find_param(field, key, &search, &param);) {
        unsigned section = param.section == WHOLE && param.is_extended ? 0 : param.section;
        if (section < SECTIONS_MAX && !is_there[section]) {
            sections[section] = param;
            is_there[section] = true;
        }
    }
    for (unsigned i = 0; i < SECTIONS_MAX && is_there[i]; i++) {
        add_section(&sections[i], i == 0, plain);
    }
}

void ov_mail_params_read(struct ov_span field, const char *key, struct ov_arena *arena,
                         struct ov_mail_values *ret_values) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    struct param param;
    for (struct search search = start_search(); find_param(field, key, &search, &param);) {
        if (param.section != WHOLE || param.is_extended) {
            continue;
        }
        add_value(ret_values, param.token, arena);
        add_value(ret_values, param.rest, arena);
        ov_buf_reset(&plain);
        copy_plain(param.rest, false, &plain);
        add_value(ret_values, ov_buf_span(&plain), arena);
        ov_buf_reset(&plain);
        copy_plain(param.rest, !param.is_quoted, &plain);
        add_value(ret_values, ov_line_trim(ov_buf_span(&plain)), arena);
    }
    ov_buf_reset(&plain);
    join_sections(field, key, &plain);
    if (plain.size > 0) {
        add_value(ret_values, ov_buf_span(&plain), arena);
    }
}

// ---- names -------------------------------------------------------------------------------------

// Decodes the text of an encoded word that is written in Q (RFC 2047, 4.2).
static void decode_q(struct ov_span text, struct ov_buf *plain) {
    for (size_t i = 0; i < text.size; i++) {
        int high = -1, low = -1;
        if (text.data[i] == '=' && text.size - i > 2) {
            high = ov_hex_digit(text.data[i + 1]);
            low = ov_hex_digit(text.data[i + 2]);
        }
        bool is_escape = high >= 0 && low >= 0;
        uint8_t byte = text.data[i] == '_' ? ' ' : text.data[i];
        ov_buf_add_u8(plain, (uint8_t)(is_escape ? high << 4 | low : byte));
        i += is_escape ? 2 : 0;
    }
}

// Reads "=?charset?B?text?=" at the start of `text`; `ret_size` is what it takes.
static bool read_word(struct ov_span text, struct ov_buf *plain, size_t *ret_size) {
    if (!ov_span_has_prefix(text, "=?")) {
        return false;
    }
    size_t kind_at = ov_span_find(text, 2, '?') + 1;
    size_t text_at = ov_span_find(text, kind_at, '?') + 1;
    if (text_at >= text.size || text_at - kind_at != 2) {
        return false;
    }
    size_t end = text_at;
    while (end < text.size && !ov_span_has_prefix(ov_span_from(text, end), "?=")) {
        end++;
    }
    struct ov_span inner = ov_span_part(text, text_at, end - text_at);
    bool is_base64 = (text.data[kind_at] | 0x20) == 'b';
    if (end >= text.size || (!is_base64 && (text.data[kind_at] | 0x20) != 'q')) {
        return false;
    }
    if (is_base64) {
        struct ov_base64_signs signs;
        (void)ov_base64_decode(inner, OV_BASE64_ALL, OV_MAIL_NAME_BYTES_MAX, plain, &signs);
    } else {
        decode_q(inner, plain);
    }
    *ret_size = end + 2;
    return true;
}

// Decodes encoded words; blanks between two of them are no part of the name.
void ov_mail_words_decode(struct ov_span text, struct ov_buf *plain) {
    text = ov_span_part(text, 0, VALUE_BYTES_MAX);
    bool was_word = false;
    for (size_t at = 0; at < text.size;) {
        size_t next = at, used = 0;
        if (was_word) {
            skip_white(text, &next);
        }
        if (was_word && ov_span_has_prefix(ov_span_from(text, next), "=?")) {
            at = next;
        }
        was_word = read_word(ov_span_from(text, at), plain, &used);
        if (!was_word) {
            ov_buf_add_u8(plain, text.data[at]);
        }
        at += was_word ? used : 1;
    }
}

struct ov_span ov_mail_name_read(struct ov_span field, const char *key, struct ov_arena *arena) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf decoded = {0};
    join_sections(field, key, &plain);
    struct param param;
    struct search search = start_search();
    while (plain.size == 0 && find_param(field, key, &search, &param)) {
        if (param.section == WHOLE && !param.is_extended) {
            copy_plain(param.rest, false, &plain);
        }
    }
    ov_mail_words_decode(ov_buf_span(&plain), &decoded);
    return keep(ov_buf_span(&decoded), arena);
}
