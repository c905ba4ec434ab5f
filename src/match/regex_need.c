// SPDX-License-Identifier: Apache-2.0
// Takes an expression apart at its gaps. Only what is plain is understood: anything else ends it.
#include "match/regex_need.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECES_MAX = 4,
    GAPS_MIN = 2,     // with fewer, PCRE2 is fast enough by itself
    LITERALS_MIN = 3, // in a piece: shorter ones stand everywhere
};

struct ov_regex_need {
    pcre2_code *pieces[PIECES_MAX];
    uint32_t count;
};

// An atom and how often it may stand.
struct item {
    size_t end;
    bool is_literal;  // one byte
    bool is_wide;     // nearly any byte
    bool is_bound;    // means what another part of the expression matched
    bool is_optional; // may be missing
    bool is_endless;
};

// The byte at `at`; -1 behind the end.
static int look(struct ov_span text, size_t at) {
    return at < text.size ? text.data[at] : -1;
}

static bool is_one_of(int byte, const char *set) {
    return byte > 0 && strchr(set, byte) != NULL;
}

static bool is_alphanumeric(int byte) {
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

static size_t skip_digits(struct ov_span text, size_t at) {
    while (look(text, at) >= '0' && look(text, at) <= '9') {
        at++;
    }
    return at;
}

// The end of the escape at `at`, or 0.
static size_t skip_escape(struct ov_span text, size_t at, bool *ret_is_literal) {
    int kind = look(text, at + 1);
    *ret_is_literal = kind == 'x' || !is_alphanumeric(kind);
    if (kind == 'x') { // two digits, or it is not understood
        bool is_whole = is_one_of(look(text, at + 2), "0123456789abcdefABCDEF") &&
                        is_one_of(look(text, at + 3), "0123456789abcdefABCDEF");
        return is_whole ? at + 4 : 0;
    }
    bool is_plain =
        kind > 0 && kind < 0x80 && (!is_alphanumeric(kind) || is_one_of(kind, "dDsSwWbBtnrf"));
    return is_plain ? at + 2 : 0;
}

// The end of the class of bytes at `at`, or 0.
static size_t skip_class(struct ov_span text, size_t at) {
    at += look(text, at + 1) == '^' ? 2 : 1;
    bool is_literal;
    for (size_t first = at; look(text, at) != ']' || at == first;) {
        if (look(text, at) < 0 || look(text, at) == '[') { // a nested [:name:] among others
            return 0;
        }
        at = look(text, at) == '\\' ? skip_escape(text, at, &is_literal) : at + 1;
        if (at == 0) {
            return 0;
        }
    }
    return at + 1;
}

// What follows the "(" at `at` up to the group's contents, or 0.
static size_t skip_group_head(struct ov_span text, size_t at, bool *is_bound) {
    if (look(text, at + 1) == '*') {
        return 0;
    }
    if (look(text, at + 1) != '?') {
        return at + 1;
    }
    if (look(text, at + 2) == ':') {
        return at + 3;
    }
    if (look(text, at + 2) != 'P' || !is_one_of(look(text, at + 3), "<=")) {
        return 0;
    }
    *is_bound = *is_bound || look(text, at + 3) == '=';
    for (at += 4; is_alphanumeric(look(text, at)) || look(text, at) == '_';) {
        at++;
    }
    return look(text, at) == '>' ? at + 1 : look(text, at) == ')' ? at : 0;
}

// The end of the group at `at`, or 0.
static size_t skip_group(struct ov_span text, size_t at, bool *is_bound) {
    size_t depth = 0;
    bool is_literal;
    do {
        switch (look(text, at)) {
        case -1:
            return 0;
        case '(':
            at = skip_group_head(text, at, is_bound);
            depth++;
            break;
        case ')':
            at++;
            depth--;
            break;
        case '\\':
            at = skip_escape(text, at, &is_literal);
            break;
        case '[':
            at = skip_class(text, at);
            break;
        default:
            at++;
        }
    } while (at != 0 && depth > 0);
    return at;
}

// Reads {n}, {n,} or {n,m} at `at`. Returns its end, or 0.
static size_t read_braces(struct ov_span text, size_t at, struct item *item) {
    size_t end = skip_digits(text, at + 1);
    if (end == at + 1) {
        return 0;
    }
    item->is_optional = look(text, at + 1) == '0';
    if (look(text, end) == ',') {
        size_t last = skip_digits(text, end + 1);
        item->is_endless = last == end + 1;
        end = last;
    }
    return look(text, end) == '}' ? end + 1 : 0;
}

// How often the atom may stand that ends at item->end.
static bool read_quantifier(struct ov_span text, struct item *item) {
    int kind = look(text, item->end);
    if (!is_one_of(kind, "*+?{")) {
        return true;
    }
    if (kind == '{') {
        item->end = read_braces(text, item->end, item);
    } else {
        item->is_optional = kind != '+';
        item->is_endless = kind != '?';
        item->end++;
    }
    if (item->end == 0) {
        return false;
    }
    item->end += is_one_of(look(text, item->end), "?+");
    return !is_one_of(look(text, item->end), "*+?{");
}

// Reads the item at `at`. False when it is not understood; then the whole expression is not.
static bool read_item(struct ov_span text, size_t at, struct item *ret_item) {
    struct item item = {.end = at + 1};
    int first = look(text, at);
    switch (first) {
    case '\\':
        item.end = skip_escape(text, at, &item.is_literal);
        break;
    case '[':
        item.is_wide = look(text, at + 1) == '^';
        item.end = skip_class(text, at);
        break;
    case '(':
        item.end = skip_group(text, at, &item.is_bound);
        break;
    case '.':
        item.is_wide = true;
        break;
    default:
        item.is_literal = !is_one_of(first, "^$");
        if (first <= 0 || first >= 0x80 || is_one_of(first, "|)*+?{")) {
            return false;
        }
    }
    if (item.end == 0 || !read_quantifier(text, &item)) {
        return false;
    }
    *ret_item = item;
    return true;
}

// ---- pieces ------------------------------------------------------------------------------------

// A piece that is being read: from its first item that must stand to its last.
struct piece {
    size_t start, end;
    uint32_t literals;
};

static void add_piece(struct ov_regex_need *need, struct ov_span text, uint32_t options,
                      const struct piece *piece) {
    if (piece->literals < LITERALS_MIN || need->count == PIECES_MAX) {
        return;
    }
    struct ov_span part = ov_span_part(text, piece->start, piece->end - piece->start);
    int error;
    PCRE2_SIZE at;
    pcre2_code *code =
        pcre2_compile(part.data, part.size, options & ~PCRE2_ANCHORED, &error, &at, NULL);
    if (code != NULL) {
        need->pieces[need->count++] = code;
    }
}

// Cuts the expression. False when it is not understood or has too few gaps.
static bool cut(struct ov_regex_need *need, struct ov_span text, uint32_t options) {
    struct piece piece = {0};
    uint32_t gaps = 0;
    for (size_t at = 0; at < text.size;) {
        struct item item;
        if (!read_item(text, at, &item)) {
            return false;
        }
        bool is_gap = item.is_wide && item.is_endless;
        gaps += is_gap;
        if (is_gap || item.is_bound) {
            add_piece(need, text, options, &piece);
            piece = (struct piece){0};
        } else if (!item.is_optional) {
            piece.start = piece.end == 0 ? at : piece.start;
            piece.end = item.end;
            piece.literals += item.is_literal;
        }
        at = item.end;
    }
    add_piece(need, text, options, &piece);
    return gaps >= GAPS_MIN;
}

struct ov_regex_need *ov_regex_need_new(struct ov_span text, uint32_t options) {
    struct ov_regex_need *need = calloc(1, sizeof *need);
    if (need == NULL) {
        return NULL;
    }
    bool is_plain = (options & PCRE2_EXTENDED) == 0; // blanks and comments are not understood
    if (!is_plain || !cut(need, text, options) || need->count == 0) {
        ov_regex_need_free(need);
        return NULL;
    }
    return need;
}

void ov_regex_need_free(struct ov_regex_need *need) {
    for (uint32_t i = 0; need != NULL && i < need->count; i++) {
        pcre2_code_free(need->pieces[i]);
    }
    free(need);
}

bool ov_regex_need_holds(const struct ov_regex_need *need, struct ov_span text,
                         pcre2_match_data *data, pcre2_match_context *context) {
    for (uint32_t i = 0; i < need->count; i++) {
        int result = pcre2_match(need->pieces[i], text.data, text.size, 0, 0, data, context);
        if (result == PCRE2_ERROR_NOMATCH) {
            return false;
        }
    }
    return true;
}
