// SPDX-License-Identifier: Apache-2.0
// What scripts hide from a reader: unescape(), eval() of a string, and two packers.
#include "format/html/script.h"

enum {
    PARAMETER_COUNT = 6,       // of the packer's function (p,a,c,k,e,d)
    PACKER_TOKENS_MIN = 13,    // behind `function`
    CODE_BYTES_MAX = 64 << 20, // of one unfolding
    TIME_STEPS = 64,           // tokens between two looks at the clock
};

enum { UNIT = sizeof(struct ov_script_token) };

// Code that was hidden, and the tokens that it takes the place of.
struct finding {
    struct ov_buf code;
    size_t begin, end;
    bool is_last; // it goes to the end of the script instead
};

static enum ov_script_kind kind_at(const struct ov_script *script, size_t index) {
    return (enum ov_script_kind)ov_script_token_at(script, index).kind;
}

// What a token is called; empty for numbers and functions.
static struct ov_span name_at(const struct ov_script *script, size_t index) {
    struct ov_script_token token = ov_script_token_at(script, index);
    switch ((enum ov_script_kind)token.kind) {
    case OV_SCRIPT_NAME:
    case OV_SCRIPT_MEMBER:
    case OV_SCRIPT_STRING:
        return ov_script_text(script, token);
    case OV_SCRIPT_END:
    case OV_SCRIPT_INTEGER:
    case OV_SCRIPT_NUMBER:
    case OV_SCRIPT_FUNCTION:
    case OV_SCRIPT_CLOSE:
        return ov_span_make(NULL, 0);
    default:
        return ov_span_make(token.word, token.size);
    }
}

static bool is_name(const struct ov_script *script, size_t index, struct ov_span name) {
    return kind_at(script, index) == OV_SCRIPT_NAME &&
           ov_span_is_equal(name_at(script, index), name);
}

// Whether a function of this name is called there, with one token more behind the bracket.
static bool is_call(const struct ov_script *script, size_t index, const char *name) {
    return index + 2 < ov_script_count(script) && is_name(script, index, ov_span_text(name)) &&
           kind_at(script, index + 1) == OV_SCRIPT_ROUND_OPEN;
}

// ---- unescape ----------------------------------------------------------------------------------

static int hex_value(uint8_t byte) {
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// A number of exactly `count` hexadecimal digits, or -1.
static int read_digits(struct ov_span text, size_t at, size_t count) {
    struct ov_span digits = ov_span_part(text, at, count);
    int value = 0;
    for (size_t i = 0; i < digits.size && value >= 0; i++) {
        int digit = hex_value(digits.data[i]);
        value = digit < 0 ? -1 : value << 4 | digit;
    }
    return digits.size == count ? value : -1;
}

// Like JavaScript's unescape (ECMA-262, B.2.1.2), in UTF-8. A zero becomes 1.
static void unescape(struct ov_span text, struct ov_buf *out) {
    for (size_t i = 0; i < text.size; i++) {
        bool is_escape = text.data[i] == '%';
        bool is_wide = is_escape && i + 1 < text.size && text.data[i + 1] == 'u';
        int wide = is_wide ? read_digits(text, i + 2, 4) : -1;
        int narrow = is_escape ? read_digits(text, i + 1, 2) : -1;
        if (wide >= 0) {
            ov_script_add_utf8(out, (uint16_t)wide);
            i += 5;
        } else {
            uint8_t byte = narrow >= 0 ? (uint8_t)narrow : text.data[i];
            ov_buf_add_u8(out, byte != 0 ? byte : 1);
            i += narrow >= 0 ? 2 : 0;
        }
    }
}

// unescape("...") with what follows it becomes the string that it stands for.
static enum ov_status unfold_unescapes(struct ov_script *script) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    size_t count = ov_script_count(script), to = 0;
    for (size_t from = 0; from < count; to++) {
        struct ov_script_token token = ov_script_token_at(script, from);
        size_t size = 1;
        if (from + 4 <= count && is_call(script, from, "unescape") &&
            kind_at(script, from + 2) == OV_SCRIPT_STRING) {
            ov_buf_reset(&plain);
            unescape(name_at(script, from + 2), &plain);
            token = ov_script_string(script, ov_buf_span(&plain));
            size = 4;
        }
        ov_script_token_put(script, to, token);
        from += size;
    }
    script->tokens.size = to * sizeof(struct ov_script_token);
    TRY(ov_buf_status(&plain));
    return ov_buf_status(&script->texts);
}

// ---- the packer: function(p,a,c,k,e,d)
// -----------------------------------------------------------

// The words that the packed text names by number.
struct words {
    struct ov_span all; // between bars
    struct ov_buf ends; // uint32_t: where each of them ends
};

static void split_words(struct words *words) {
    for (size_t at = 0; at <= words->all.size; at++) {
        at = ov_span_find(words->all, at, '|');
        ov_buf_add_u32le(&words->ends, (uint32_t)at);
    }
}

static uint32_t get_end(const struct words *words, size_t number) {
    struct ov_cursor in = ov_cursor_init(ov_buf_span(&words->ends));
    ov_cursor_seek(&in, number * sizeof(uint32_t));
    return ov_cursor_u32le(&in);
}

static struct ov_span get_word(const struct words *words, uint32_t number) {
    if (number >= words->ends.size / sizeof(uint32_t)) {
        return ov_span_make(NULL, 0);
    }
    size_t begin = number == 0 ? 0 : (size_t)get_end(words, number - 1) + 1;
    return ov_span_part(words->all, begin, get_end(words, number) - begin);
}

static bool is_word_byte(uint8_t byte) {
    return (uint8_t)((byte | 0x20) - 'a') < 26 || (uint8_t)(byte - '0') < 10;
}

static unsigned digit_value(uint8_t byte) {
    return byte >= 'a' ? 10u + byte - 'a' : byte >= 'A' ? 36u + byte - 'A' : (unsigned)byte - '0';
}

// Puts the words back in for their numbers, which are written in a base of the script's choice.
static void unpack(struct ov_span packed, int64_t base, const struct words *words,
                   struct ov_buf *code) {
    for (size_t i = 0; i < packed.size && code->size < CODE_BYTES_MAX;) {
        size_t begin = i;
        uint32_t number = 0;
        for (; i < packed.size && is_word_byte(packed.data[i]); i++) {
            number = (uint32_t)((int64_t)number * base + digit_value(packed.data[i]));
        }
        if (i > begin) {
            struct ov_span word = get_word(words, number);
            word = word.size > 0 ? word : ov_span_part(packed, begin, i - begin);
            ov_buf_add(code, word.data, word.size);
            continue;
        }
        bool is_quoted = packed.data[i] == '\\' && i + 1 < packed.size &&
                         (packed.data[i + 1] == '\'' || packed.data[i + 1] == '"');
        if (!is_quoted) {
            ov_buf_add_u8(code, packed.data[i]);
        }
        i++;
    }
}

static void unpack_call(const struct ov_script *script, const size_t *parameters,
                        struct ov_buf *code) {
    struct ov_script_token base = ov_script_token_at(script, parameters[1]);
    enum ov_script_kind words_kind = kind_at(script, parameters[3]);
    enum ov_script_kind packed_kind = kind_at(script, parameters[0]);
    bool has_text = packed_kind != OV_SCRIPT_INTEGER && packed_kind != OV_SCRIPT_NUMBER &&
                    packed_kind != OV_SCRIPT_FUNCTION && packed_kind != OV_SCRIPT_CLOSE;
    if (!has_text || (words_kind != OV_SCRIPT_STRING && words_kind != OV_SCRIPT_MEMBER)) {
        return;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf ends = {0};
    struct words words = {.all = name_at(script, parameters[3])};
    split_words(&words);
    ends = words.ends;
    unpack(name_at(script, parameters[0]), base.kind == OV_SCRIPT_INTEGER ? base.integer : -1,
           &words, code);
    if (ends.has_failed) {
        code->has_failed = true;
    }
}

static size_t skip_to(const struct ov_script *script, size_t at, enum ov_script_kind kind) {
    size_t count = ov_script_count(script);
    while (at < count && kind_at(script, at) != kind) {
        at++;
    }
    return at;
}

// The first tokens of six parameters. Returns where the call ends, or 0 when there are fewer.
static size_t read_parameters(const struct ov_script *script, size_t at,
                              size_t ret_parameters[PARAMETER_COUNT]) {
    size_t count = ov_script_count(script);
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        if (at >= count) {
            return 0;
        }
        ret_parameters[i] = at;
        bool is_last = i + 1 == PARAMETER_COUNT;
        at = skip_to(script, at + 1, is_last ? OV_SCRIPT_ROUND_CLOSE : OV_SCRIPT_COMMA) + 1;
    }
    return at;
}

// Whether the parameters begin with (p,a,c, -- the rest has several spellings.
static bool is_packer(const struct ov_script *script, size_t at) {
    static const char *const names[] = {"p", "a", "c"};
    bool is_it = kind_at(script, at) == OV_SCRIPT_ROUND_OPEN;
    for (size_t i = 0; i < 3 && is_it; i++) {
        is_it = is_name(script, at + 1 + 2 * i, ov_span_text(names[i])) &&
                kind_at(script, at + 2 + 2 * i) == OV_SCRIPT_COMMA;
    }
    return is_it;
}

// Where the function ends whose parameters begin at `at`, or the count when it does not.
static size_t find_function_end(const struct ov_script *script, size_t at) {
    size_t count = ov_script_count(script), depth = 1;
    for (; at < count; at++) {
        enum ov_script_kind kind = kind_at(script, at);
        depth += kind == OV_SCRIPT_FUNCTION;
        depth -= kind == OV_SCRIPT_CLOSE;
        if (depth == 0) {
            return at;
        }
    }
    return count;
}

static void note_call(const struct ov_script *script, const size_t *parameters,
                      struct finding *finding) {
    if (finding->end == 0) {
        finding->begin = parameters[0];
    }
    finding->end = parameters[PARAMETER_COUNT - 1] + 1;
    unpack_call(script, parameters, &finding->code);
}

// The calls of a packer's function, by its name, or where it stands when it has none.
static void find_packed(const struct ov_script *script, size_t at, size_t name,
                        struct finding *finding) {
    size_t count = ov_script_count(script), parameters[PARAMETER_COUNT];
    at = find_function_end(script, at);
    if (at >= count) {
        return;
    }
    if (name == SIZE_MAX) {
        at = skip_to(script, at, OV_SCRIPT_ROUND_OPEN) + 1;
        if (read_parameters(script, at, parameters) != 0) {
            note_call(script, parameters, finding);
        }
    }
    for (; name != SIZE_MAX && at + 2 < count; at++) {
        if (is_name(script, at, name_at(script, name)) &&
            kind_at(script, at + 1) == OV_SCRIPT_ROUND_OPEN) {
            size_t end = read_parameters(script, at + 2, parameters);
            if (end == 0) {
                break;
            }
            note_call(script, parameters, finding);
            at = end;
        }
    }
    if (finding->end == 0) {
        return;
    }
    if (finding->end + 2 < count && kind_at(script, finding->end) == OV_SCRIPT_SQUARE_OPEN &&
        kind_at(script, finding->end + 1) == OV_SCRIPT_SQUARE_CLOSE &&
        kind_at(script, finding->end + 2) == OV_SCRIPT_ROUND_CLOSE) {
        finding->end += 3;
    } else if (finding->end < count) {
        finding->end++;
    }
}

// ---- other ways to hide ------------------------------------------------------------------------

// dF("..."): escaped, each byte moved on by the last digit, and escaped again.
static void find_shifted(const struct ov_script *script, size_t at, struct finding *finding) {
    struct ov_span text = name_at(script, at);
    if (kind_at(script, at) != OV_SCRIPT_STRING || text.size == 0) {
        return;
    }
    uint8_t shift = (uint8_t)(text.data[text.size - 1] - '0');
    OV_CLEANUP(ov_buf_release) struct ov_buf shifted = {0};
    unescape(ov_span_part(text, 0, text.size - 1), &shifted);
    for (size_t i = 0; i < shifted.size; i++) {
        shifted.data[i] = (uint8_t)(shifted.data[i] - shift);
    }
    struct ov_span whole = ov_buf_span(&shifted);
    unescape(ov_span_part(whole, 0, ov_span_find(whole, 0, 0)), &finding->code);
    finding->begin = at - 2;
    finding->end = at + 2;
    finding->is_last = true;
}

// eval("...")
static void find_evaluated(const struct ov_script *script, size_t at, struct finding *finding) {
    enum ov_script_kind kind = kind_at(script, at);
    if ((kind == OV_SCRIPT_STRING || kind == OV_SCRIPT_MEMBER) &&
        kind_at(script, at + 1) == OV_SCRIPT_ROUND_CLOSE) {
        struct ov_span text = name_at(script, at);
        ov_buf_add(&finding->code, text.data, text.size);
        finding->begin = at - 2;
        finding->end = at + 2;
    }
}

// ---- all of them -------------------------------------------------------------------------------

// Makes `tokens` end before a token, and `later` begin with it.
static void divide(struct ov_script *script, size_t index) {
    struct ov_script_token token;
    while (script->tokens.size > index * UNIT) {
        script->tokens.size -= UNIT;
        ov_buf_add(&script->later, &script->tokens.data[script->tokens.size], UNIT);
    }
    while (script->tokens.size < index * UNIT && script->later.size > 0) {
        script->later.size -= UNIT;
        memcpy(&token, &script->later.data[script->later.size], UNIT);
        ov_buf_add(&script->tokens, &token, UNIT);
    }
}

// Makes one row of all tokens.
static void join(struct ov_script *script) {
    divide(script, SIZE_MAX / UNIT);
    ov_buf_add(&script->tokens, script->added.data, script->added.size);
    ov_buf_reset(&script->added);
}

// Puts tokens in the place of others. Nothing happens when the place is none.
static void replace(struct ov_script *script, size_t begin, size_t end, struct ov_span tokens) {
    size_t count = ov_script_count(script);
    if (begin >= count || end > count) {
        return;
    }
    if (end > count - script->added.size / UNIT) {
        join(script);
    }
    divide(script, end);
    script->tokens.size = begin * UNIT;
    ov_buf_add(&script->tokens, tokens.data, tokens.size);
}

// The tokens of hidden code, which is read as part of the script.
static enum ov_status read_code(struct ov_script *script, struct ov_span code,
                                struct ov_buf *ret_tokens) {
    struct ov_buf tokens = script->tokens, later = script->later, added = script->added;
    script->tokens = script->later = script->added = (struct ov_buf){0};
    enum ov_status status = ov_script_feed(script, code);
    *ret_tokens = script->tokens;
    script->tokens = tokens;
    script->later = later;
    script->added = added;
    return status;
}

static enum ov_status check_tokens(const struct ov_script *script) {
    TRY(ov_buf_status(&script->tokens));
    TRY(ov_buf_status(&script->later));
    return ov_buf_status(&script->added);
}

static enum ov_status unfold(struct ov_script *script, struct finding *finding) {
    TRY(ov_walk_has_time(script->walk));
    TRY(ov_buf_status(&finding->code));
    if (kind_at(script, finding->end) == OV_SCRIPT_SEMICOLON) {
        finding->end++;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf inner = {0};
    TRY(read_code(script, ov_buf_span(&finding->code), &inner));
    struct ov_span tokens = ov_buf_span(&inner), none = ov_span_make(NULL, 0);
    if (inner.size / UNIT + ov_script_count(script) > OV_SCRIPT_TOKENS_MAX) {
        script->is_cut = true;
        tokens = none;
    }
    replace(script, finding->begin, finding->end, finding->is_last ? none : tokens);
    if (finding->is_last) {
        ov_buf_add(&script->added, tokens.data, tokens.size);
    }
    return check_tokens(script);
}

// Looks for hidden code at a token. Returns where the walk over the tokens goes on.
static size_t find_hidden(const struct ov_script *script, size_t at, struct finding *finding) {
    enum ov_script_kind kind = kind_at(script, at);
    bool is_function = kind == OV_SCRIPT_FUNCTION || kind == OV_SCRIPT_CLOSE;
    if (is_function && at + PACKER_TOKENS_MIN < ov_script_count(script)) {
        at++;
        bool has_name = kind_at(script, at) == OV_SCRIPT_NAME;
        size_t name = has_name ? at : SIZE_MAX;
        at += has_name;
        if (is_packer(script, at)) {
            find_packed(script, at, name, finding);
        }
    } else if (is_call(script, at, "dF")) {
        find_shifted(script, at + 2, finding);
    } else if (is_call(script, at, "eval")) {
        find_evaluated(script, at + 2, finding);
    }
    return at;
}

enum ov_status ov_script_unfold(struct ov_script *script) {
    TRY(unfold_unescapes(script));
    for (size_t i = 0; i < ov_script_count(script); i++) {
        if (i % TIME_STEPS == 0) {
            TRY(ov_walk_has_time(script->walk));
        }
        struct finding finding = {0};
        i = find_hidden(script, i, &finding);
        enum ov_status status = OV_OK;
        if (finding.end > finding.begin) {
            status = unfold(script, &finding);
        }
        ov_buf_release(&finding.code);
        TRY(status);
        ov_script_step(script, ov_script_token_at(script, i));
    }
    join(script);
    return check_tokens(script);
}
