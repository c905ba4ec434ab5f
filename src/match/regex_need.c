// SPDX-License-Identifier: Apache-2.0
// Takes an expression apart at its gaps. Only what is plain is understood: anything else ends it.
#include "match/regex_need.h"

#include <stdlib.h>
#include <string.h>

enum {
    PIECES_MAX = 4,
    GAPS_MIN = 2,     // with fewer, PCRE2 is fast enough by itself
    LITERALS_MIN = 3, // in a piece: shorter ones stand everywhere
    STRING_MAX = 32,
};

// Bytes that stand one behind the other, letters of either case where case is ignored.
struct string {
    uint8_t value[STRING_MAX], mask[STRING_MAX]; // value: masked
    size_t size;
    struct ov_pair pair; // its two rarest
};

struct ov_regex_need {
    struct string string; // the longest of the expression; or none
    pcre2_code *pieces[PIECES_MAX + 1];
    uint32_t count;
};

// An atom and how often it may stand.
struct item {
    size_t end;
    bool is_literal;  // one byte
    uint8_t byte;     // that
    bool is_single;   // stands once
    bool is_wide;     // nearly any byte
    bool is_naming;   // has a group with a name
    bool is_bound;    // means what such a group matched
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

static unsigned read_hex(int digit) {
    return (unsigned)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
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

// The byte that the escape at `at` stands for, which is a literal.
static uint8_t read_escape(struct ov_span text, size_t at) {
    int kind = look(text, at + 1);
    return (uint8_t)(kind == 'x' ? read_hex(look(text, at + 2)) << 4 | read_hex(look(text, at + 3))
                                 : (unsigned)kind);
}

// What follows the "(" at `at` up to the group's contents, or 0.
static size_t skip_group_head(struct ov_span text, size_t at, struct item *item) {
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
    item->is_bound = item->is_bound || look(text, at + 3) == '=';
    item->is_naming = item->is_naming || look(text, at + 3) == '<';
    for (at += 4; is_alphanumeric(look(text, at)) || look(text, at) == '_';) {
        at++;
    }
    return look(text, at) == '>' ? at + 1 : look(text, at) == ')' ? at : 0;
}

// The end of the group at `at`, or 0.
static size_t skip_group(struct ov_span text, size_t at, struct item *item) {
    size_t depth = 0;
    bool is_literal;
    do {
        switch (look(text, at)) {
        case -1:
            return 0;
        case '(':
            at = skip_group_head(text, at, item);
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
        item->is_single = true;
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
        item.byte = item.is_literal && item.end != 0 ? read_escape(text, at) : 0;
        break;
    case '[':
        item.is_wide = look(text, at + 1) == '^';
        item.end = skip_class(text, at);
        break;
    case '(':
        item.end = skip_group(text, at, &item);
        break;
    case '.':
        item.is_wide = true;
        break;
    default:
        item.is_literal = !is_one_of(first, "^$");
        item.byte = (uint8_t)first;
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

static void add_code(struct ov_regex_need *need, struct ov_span part, uint32_t options) {
    int error;
    PCRE2_SIZE at;
    pcre2_code *code =
        pcre2_compile(part.data, part.size, options & ~PCRE2_ANCHORED, &error, &at, NULL);
    if (code != NULL) {
        need->pieces[need->count++] = code;
    }
}

static void add_piece(struct ov_regex_need *need, struct ov_span text, uint32_t options,
                      const struct piece *piece) {
    if (piece->literals >= LITERALS_MIN && need->count < PIECES_MAX) {
        add_code(need, ov_span_part(text, piece->start, piece->end - piece->start), options);
    }
}

static bool is_gap(const struct item *item) {
    return item->is_wide && item->is_endless;
}

// From a group with a name to the last place that means what it matched.
struct core {
    size_t start, end;
    bool is_open;
};

// `piece` is what stands before the item. It has to be a string of some length: whatever begins
// with a group would be tried at every byte.
static void extend_core(struct core *core, const struct piece *piece, const struct item *item) {
    if (item->is_naming && !core->is_open) {
        core->is_open = piece->literals >= LITERALS_MIN;
        core->start = piece->start;
    }
    if (item->is_bound && core->is_open) {
        core->end = item->end;
    }
}

// Cuts an expression that is understood.
static void cut(struct ov_regex_need *need, struct ov_span text, uint32_t options) {
    struct piece piece = {0};
    struct core core = {0};
    for (size_t at = 0; at < text.size;) {
        struct item item;
        if (!read_item(text, at, &item)) {
            return;
        }
        extend_core(&core, &piece, &item);
        if (is_gap(&item) || item.is_bound) {
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
    if (core.end > core.start && core.end - core.start < text.size) {
        add_code(need, ov_span_part(text, core.start, core.end - core.start), options);
    }
}

// ---- the string --------------------------------------------------------------------------------

// How common a byte is in texts and programs: the more so, the larger.
static size_t rank_byte(uint8_t byte) {
    static const char rarer_first[] = "<>()=:;\"',_-./\\0123456789xvbypgwfmcudlhrsnioate ";
    const char *at = byte != 0 ? strchr(rarer_first, byte) : NULL;
    return byte == 0 ? sizeof rarer_first : at != NULL ? (size_t)(at - rarer_first) + 1 : 0;
}

// Chooses the two bytes to look for first.
static void choose_pair(struct string *string) {
    size_t a = 0, b = 1;
    for (size_t i = 1; i < string->size; i++) {
        if (rank_byte(string->value[i]) < rank_byte(string->value[a])) {
            b = a;
            a = i;
        } else if (i != b && rank_byte(string->value[i]) < rank_byte(string->value[b])) {
            b = i;
        }
    }
    string->pair = (struct ov_pair){
        .at_a = (uint32_t)a,
        .at_b = (uint32_t)b,
        .value_a = string->value[a] & string->mask[a],
        .mask_a = string->mask[a],
        .value_b = string->value[b] & string->mask[b],
        .mask_b = string->mask[b],
    };
}

static void append_byte(struct string *string, uint8_t byte, bool is_caseless) {
    bool is_letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
    if (string->size < STRING_MAX) {
        string->mask[string->size] = is_caseless && is_letter ? 0xdf : 0xff;
        string->value[string->size++] = is_caseless && is_letter ? byte | 0x20 : byte;
    }
}

// Finds the longest string, and counts the gaps. False when the expression is not understood.
static bool find_string(struct ov_span text, uint32_t options, struct string *ret_string,
                        uint32_t *ret_gaps) {
    struct string string = {.size = 0};
    ret_string->size = *ret_gaps = 0;
    for (size_t at = 0; at < text.size;) {
        struct item item;
        if (!read_item(text, at, &item)) {
            return false;
        }
        if (item.is_literal && item.is_single) {
            append_byte(&string, item.byte, (options & PCRE2_CASELESS) != 0);
        } else {
            string.size = 0;
        }
        if (string.size > ret_string->size) {
            *ret_string = string;
        }
        *ret_gaps += is_gap(&item);
        at = item.end;
    }
    if (ret_string->size < LITERALS_MIN) {
        ret_string->size = 0;
    } else {
        choose_pair(ret_string);
    }
    return true;
}

static bool stands_at(const struct string *string, const uint8_t *bytes) {
    size_t i = 0;
    while (i < string->size && ((bytes[i] ^ string->value[i]) & string->mask[i]) == 0) {
        i++;
    }
    return i == string->size;
}

static bool has_string(const struct string *string, const struct ov_kernels *kernels,
                       struct ov_span text) {
    if (text.size < string->size) {
        return false;
    }
    size_t last = text.size - string->size;
    for (size_t from = 0; from <= last; from++) {
        from = kernels->pair(&string->pair, text.data, from, last);
        if (from == SIZE_MAX) {
            return false;
        }
        if (stands_at(string, text.data + from)) {
            return true;
        }
    }
    return false;
}

// ------------------------------------------------------------------------------------------------

struct ov_regex_need *ov_regex_need_new(struct ov_span text, uint32_t options) {
    struct ov_regex_need *need = calloc(1, sizeof *need);
    if (need == NULL) {
        return NULL;
    }
    bool is_plain = (options & PCRE2_EXTENDED) == 0; // blanks and comments are not understood
    uint32_t gaps = 0;
    bool is_understood = is_plain && find_string(text, options, &need->string, &gaps);
    if (is_understood && gaps >= GAPS_MIN) {
        cut(need, text, options);
    }
    if (!is_understood || (need->count == 0 && need->string.size == 0)) {
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

bool ov_regex_need_holds(const struct ov_regex_need *need, const struct ov_kernels *kernels,
                         struct ov_span text, pcre2_match_data *data,
                         pcre2_match_context *context) {
    if (need->string.size > 0 && !has_string(&need->string, kernels, text)) {
        return false;
    }
    for (uint32_t i = 0; i < need->count; i++) {
        int result = pcre2_match(need->pieces[i], text.data, text.size, 0, 0, data, context);
        if (result == PCRE2_ERROR_NOMATCH) {
            return false;
        }
    }
    return true;
}
