// SPDX-License-Identifier: Apache-2.0
// JavaScript: tokens, what the reader knows of them, and the text that is made of them.
#include "format/html/script.h"

#include <stdio.h>

enum {
    TEXTS_MAX = 128 << 20,   // bytes of names and strings, likewise
    TIME_STEPS = 4096,       // tokens between two looks at the clock
    OUTPUT_BYTES = 64 << 10, // clamscan's buffer
    NUMBER_BYTES = 32,
};

// What the reader waits for, in one scope.
enum expectation {
    NOTHING = 0,
    VARIABLE,      // after `var`, or a comma behind its value
    VALUE,         // of a variable
    FUNCTION_NAME, // after `function`
    PARAMETERS,    // after the name
    PARAMETER,
};

struct scope {
    uint32_t expectation;
    uint32_t last_kind; // of the token before
    uint32_t squares;   // open ones
    uint32_t curlies;
};

// ---- tokens and texts --------------------------------------------------------------------------

enum { UNIT = sizeof(struct ov_script_token) };

size_t ov_script_count(const struct ov_script *script) {
    return (script->tokens.size + script->later.size + script->added.size) / UNIT;
}

struct ov_script_token ov_script_token_at(const struct ov_script *script, size_t index) {
    struct ov_script_token token = {0};
    size_t before = script->tokens.size / UNIT, later = script->later.size / UNIT;
    if (index < before) {
        memcpy(&token, &script->tokens.data[index * UNIT], UNIT);
    } else if (index - before < later) {
        memcpy(&token, &script->later.data[(later - 1 - (index - before)) * UNIT], UNIT);
    } else if (index < ov_script_count(script)) {
        memcpy(&token, &script->added.data[(index - before - later) * UNIT], UNIT);
    }
    return token;
}

void ov_script_token_put(struct ov_script *script, size_t index, struct ov_script_token token) {
    memcpy(&script->tokens.data[index * UNIT], &token, UNIT);
}

void ov_script_token_add(struct ov_script *script, struct ov_script_token token) {
    if (ov_script_count(script) >= OV_SCRIPT_TOKENS_MAX) {
        script->is_cut = true;
        return;
    }
    ov_buf_add(&script->tokens, &token, sizeof token);
}

struct ov_span ov_script_text(const struct ov_script *script, struct ov_script_token token) {
    bool has_text = token.kind == OV_SCRIPT_NAME || token.kind == OV_SCRIPT_MEMBER ||
                    token.kind == OV_SCRIPT_STRING;
    return has_text ? ov_span_part(ov_buf_span(&script->texts), token.at, token.size)
                    : ov_span_make(NULL, 0);
}

uint64_t ov_script_store(struct ov_script *script, struct ov_span text) {
    uint64_t at = script->texts.size;
    if (text.size > TEXTS_MAX - at) {
        script->is_cut = true;
        text = ov_span_part(text, 0, TEXTS_MAX - at);
    }
    ov_buf_add(&script->texts, text.data, text.size);
    return at;
}

struct ov_script_token ov_script_string(struct ov_script *script, struct ov_span text) {
    uint64_t at = ov_script_store(script, text);
    return (struct ov_script_token){
        .kind = OV_SCRIPT_STRING, .size = (uint32_t)(script->texts.size - at), .at = at};
}

// ---- scopes ------------------------------------------------------------------------------------

static struct scope get_scope(const struct ov_script *script, uint64_t index) {
    struct scope scope;
    memcpy(&scope, &script->scopes.data[index * sizeof scope], sizeof scope);
    return scope;
}

static void put_scope(struct ov_script *script, uint64_t index, struct scope scope) {
    memcpy(&script->scopes.data[index * sizeof scope], &scope, sizeof scope);
}

// Opens a scope inside the current one, which it becomes.
static enum ov_status open_scope(struct ov_script *script, uint32_t expectation) {
    struct scope scope = {.expectation = expectation};
    TRY(ov_script_add_scope(script, script->current, &script->current));
    ov_buf_add(&script->scopes, &scope, sizeof scope);
    return ov_buf_status(&script->scopes);
}

void ov_script_step(struct ov_script *script, struct ov_script_token token) {
    if (token.kind == OV_SCRIPT_FUNCTION) {
        script->current = (uint32_t)token.scope;
    } else if (token.kind == OV_SCRIPT_CLOSE) {
        script->current = ov_script_parent(script, script->current);
    }
}

// ---- reading -----------------------------------------------------------------------------------

// One token on its way in.
struct entry {
    struct ov_script_token token;
    struct scope scope; // the current one, put back afterwards
    bool is_closing;    // the scope ends behind the token
};

static enum ov_status take_name(struct ov_script *script, struct entry *entry) {
    uint32_t at;
    struct ov_span text = ov_buf_span(&script->lexer.text);
    TRY(ov_script_find_name(script, text, &at));
    entry->token.at = at;
    entry->token.size = (uint32_t)text.size;
    if (entry->scope.last_kind == OV_SCRIPT_DOT) {
        entry->token.kind = OV_SCRIPT_MEMBER;
        return OV_OK;
    }
    bool is_declared = false;
    switch ((enum expectation)entry->scope.expectation) {
    case NOTHING:
    case VALUE:
    case PARAMETERS:
        break;
    case VARIABLE:
    case PARAMETER:
        is_declared = true;
        entry->scope.expectation = VALUE;
        entry->scope.squares = 0;
        break;
    case FUNCTION_NAME:
        is_declared = true;
        entry->scope.expectation = PARAMETERS;
        break;
    }
    return ov_script_note_name(script, script->current, at, is_declared);
}

// Puts the string to the one before, when there is a plus between them. Returns false if not.
static bool take_sum(struct ov_script *script) {
    size_t count = ov_script_count(script);
    struct ov_script_token before = ov_script_token_at(script, count - 2);
    if (count < 2 || ov_script_token_at(script, count - 1).kind != OV_SCRIPT_PLUS ||
        before.kind != OV_SCRIPT_STRING) {
        return false;
    }
    if (before.at + before.size != script->texts.size) { // others came between: move it behind them
        OV_CLEANUP(ov_buf_release) struct ov_buf copy = {0};
        struct ov_span text = ov_script_text(script, before);
        ov_buf_add(&copy, text.data, text.size);
        before = ov_script_string(script, ov_buf_span(&copy));
    }
    (void)ov_script_store(script, ov_buf_span(&script->lexer.text));
    before.size = (uint32_t)(script->texts.size - before.at);
    script->tokens.size -= sizeof before;
    ov_script_token_put(script, count - 2, before);
    return true;
}

static void take_curly(struct scope *scope) {
    bool waits = scope->expectation == FUNCTION_NAME || scope->expectation == PARAMETERS ||
                 scope->expectation == PARAMETER;
    scope->expectation = waits ? NOTHING : scope->expectation;
    scope->curlies++;
}

// Punctuation: what the scope waits for next.
static void take_mark(struct ov_script *script, struct entry *entry) {
    struct scope *scope = &entry->scope;
    bool is_flat = scope->squares == 0 && scope->curlies == 0;
    switch ((enum ov_script_kind)entry->token.kind) {
    case OV_SCRIPT_VAR:
        scope->expectation = VARIABLE;
        break;
    case OV_SCRIPT_ROUND_OPEN:
        if (scope->expectation == FUNCTION_NAME || scope->expectation == PARAMETERS) {
            scope->expectation = PARAMETER;
        }
        break;
    case OV_SCRIPT_ROUND_CLOSE:
        scope->expectation = scope->expectation == PARAMETERS ? NOTHING : scope->expectation;
        break;
    case OV_SCRIPT_CURLY_OPEN:
        take_curly(scope);
        break;
    case OV_SCRIPT_CURLY_CLOSE:
        scope->curlies -= scope->curlies > 0;
        entry->is_closing = scope->curlies == 0 && script->current != OV_SCRIPT_GLOBAL;
        break;
    case OV_SCRIPT_SQUARE_OPEN:
        scope->squares++;
        break;
    case OV_SCRIPT_SQUARE_CLOSE:
        scope->squares -= scope->squares > 0;
        break;
    case OV_SCRIPT_COMMA:
        scope->expectation = scope->expectation == VALUE && is_flat ? VARIABLE : scope->expectation;
        break;
    case OV_SCRIPT_SEMICOLON:
        scope->expectation = is_flat ? NOTHING : scope->expectation;
        break;
    default:
        break;
    }
}

static enum ov_status take_token(struct ov_script *script, struct ov_script_token token) {
    struct entry entry = {.token = token, .scope = get_scope(script, script->current)};
    if (token.kind == OV_SCRIPT_STRING) {
        if (take_sum(script)) {
            return OV_OK;
        }
        entry.token = ov_script_string(script, ov_buf_span(&script->lexer.text));
    } else if (token.kind == OV_SCRIPT_NAME) {
        TRY(take_name(script, &entry));
    } else if (token.kind == OV_SCRIPT_FUNCTION) {
        TRY(open_scope(script, FUNCTION_NAME));
        entry.scope = get_scope(script, script->current);
        entry.token.scope = script->current;
    } else {
        take_mark(script, &entry);
    }
    ov_script_token_add(script, entry.token);
    if (entry.is_closing) {
        put_scope(script, script->current, entry.scope);
        ov_script_token_add(script, (struct ov_script_token){.kind = OV_SCRIPT_CLOSE});
        script->current = ov_script_parent(script, script->current);
        entry.scope = get_scope(script, script->current);
    }
    entry.scope.last_kind = token.kind;
    put_scope(script, script->current, entry.scope);
    return OV_OK;
}

enum ov_status ov_script_feed(struct ov_script *script, struct ov_span piece) {
    script->lexer.in = piece;
    script->lexer.at = 0;
    struct ov_script_token token = {0};
    for (uint32_t step = 1; ov_script_lex(&script->lexer, &token) != OV_SCRIPT_END; step++) {
        if (step % TIME_STEPS == 0) {
            TRY(ov_walk_has_time(script->walk));
        }
        TRY(take_token(script, token));
    }
    TRY(ov_buf_status(&script->lexer.text));
    TRY(ov_buf_status(&script->texts));
    return ov_buf_status(&script->tokens);
}

enum ov_status ov_script_open(struct ov_script *script, struct ov_walk *walk) {
    script->walk = walk;
    script->lexer.mode = OV_SCRIPT_PLAIN;
    ov_buf_reset(&script->lexer.text);
    ov_buf_reset(&script->texts);
    ov_buf_reset(&script->tokens);
    ov_buf_reset(&script->later);
    ov_buf_reset(&script->added);
    ov_buf_reset(&script->scopes);
    ov_buf_reset(&script->nests);
    ov_buf_reset(&script->notes);
    script->stamp++;
    script->names.count = script->numbers.count = script->number_count = 0;
    script->current = OV_SCRIPT_GLOBAL;
    script->is_open = true;
    script->is_cut = false;
    return open_scope(script, NOTHING);
}

void ov_script_release(struct ov_script *script) {
    ov_buf_release(&script->lexer.text);
    ov_buf_release(&script->texts);
    ov_buf_release(&script->tokens);
    ov_buf_release(&script->later);
    ov_buf_release(&script->added);
    ov_buf_release(&script->scopes);
    ov_buf_release(&script->nests);
    ov_buf_release(&script->notes);
    ov_buf_release(&script->names.rows);
    ov_buf_release(&script->numbers.rows);
}

// ---- writing -----------------------------------------------------------------------------------

// Where the text goes, and how full clamscan's buffer would be: it looks for "</script>" at the end
// of that alone.
struct output {
    struct ov_buf *out;
    size_t fill;
    uint8_t last; // class of the last byte: a letter or digit calls for a space before the next
};

static bool is_word_byte(uint8_t byte) {
    return (uint8_t)((byte | 0x20) - 'a') < 26 || (uint8_t)(byte - '0') < 10;
}

static void write_byte(struct output *output, uint8_t byte) {
    output->fill = output->fill >= OUTPUT_BYTES ? 1 : output->fill + 1;
    ov_buf_add_u8(output->out, byte);
}

static void write_text(struct output *output, struct ov_span text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        bool is_space = byte == ' ' || (uint8_t)(byte - 9) < 5;
        bool is_upper = (uint8_t)(byte - 'A') < 26;
        write_byte(output, is_space ? ' ' : (uint8_t)(is_upper ? byte | 0x20 : byte));
        output->fill %= OUTPUT_BYTES;
    }
}

static void separate(struct output *output, uint8_t next) {
    if (is_word_byte(output->last) && is_word_byte(next)) {
        write_byte(output, ' ');
    }
}

static void write_name(const struct ov_script *script, struct ov_script_token token,
                       struct output *output) {
    char text[NUMBER_BYTES];
    uint32_t number = ov_script_number(script, script->current, (uint32_t)token.at);
    separate(output, 'a');
    if (number == OV_SCRIPT_NO_NUMBER) {
        write_text(output, ov_script_text(script, token));
    } else {
        (void)snprintf(text, sizeof text, "n%03u", number);
        write_text(output, ov_span_text(text));
    }
    output->last = 'a';
}

static void write_number(struct ov_script_token token, struct output *output) {
    char text[NUMBER_BYTES];
    if (token.kind == OV_SCRIPT_INTEGER) {
        (void)snprintf(text, sizeof text, "%lld", (long long)token.integer);
    } else {
        (void)snprintf(text, sizeof text, "%g", token.number);
    }
    separate(output, '0');
    write_text(output, ov_span_text(text));
    output->last = '0';
}

static void write_token(const struct ov_script *script, struct ov_script_token token,
                        struct output *output) {
    struct ov_span text = ov_script_text(script, token);
    switch ((enum ov_script_kind)token.kind) {
    case OV_SCRIPT_CLOSE:
        return;
    case OV_SCRIPT_STRING:
        separate(output, '"');
        write_byte(output, '"');
        write_text(output, text);
        write_byte(output, '"');
        output->last = '"';
        return;
    case OV_SCRIPT_INTEGER:
    case OV_SCRIPT_NUMBER:
        write_number(token, output);
        return;
    case OV_SCRIPT_NAME:
        write_name(script, token, output);
        return;
    case OV_SCRIPT_FUNCTION:
        text = ov_span_text("function");
        break;
    case OV_SCRIPT_MEMBER:
        break;
    default:
        text = ov_span_make(token.word, token.size);
        break;
    }
    separate(output, text.size > 0 ? text.data[0] : 0);
    write_text(output, text);
    output->last = text.size > 0 ? text.data[text.size - 1] : 0;
}

// Unfolding may have moved a name into another scope than it was read in: each counts where it is.
static enum ov_status number_names(struct ov_script *script) {
    script->current = OV_SCRIPT_GLOBAL;
    size_t count = ov_script_count(script);
    for (size_t i = 0; i < count; i++) {
        struct ov_script_token token = ov_script_token_at(script, i);
        if (i % TIME_STEPS == 0) {
            TRY(ov_walk_has_time(script->walk));
        }
        ov_script_step(script, token);
        if (token.kind == OV_SCRIPT_NAME) {
            TRY(ov_script_note_name(script, script->current, (uint32_t)token.at, false));
        }
    }
    ov_script_number_names(script);
    return OV_OK;
}

static enum ov_status write_script(struct ov_script *script, struct ov_buf *out) {
    static const char end[] = "</script>";
    struct output output = {.out = out};
    if (out->size > 0) {
        write_byte(&output, '\n');
    }
    write_text(&output, ov_span_text("<script>"));
    script->current = OV_SCRIPT_GLOBAL;
    size_t count = ov_script_count(script);
    for (size_t i = 0; i < count; i++) {
        struct ov_script_token token = ov_script_token_at(script, i);
        if (i % TIME_STEPS == 0) {
            TRY(ov_walk_has_time(script->walk));
        }
        ov_script_step(script, token);
        write_token(script, token, &output);
    }
    size_t size = sizeof end - 1;
    if (output.fill < size ||
        !ov_span_is_text(ov_span_from(ov_buf_span(out), out->size - size), end)) {
        write_text(&output, ov_span_text(end));
    }
    return ov_buf_status(out);
}

// Closes what is still open, so that all of it can be unfolded.
static enum ov_status close_open(struct ov_script *script) {
    if (script->lexer.mode == OV_SCRIPT_IN_DOUBLE || script->lexer.mode == OV_SCRIPT_IN_SINGLE) {
        bool is_double = script->lexer.mode == OV_SCRIPT_IN_DOUBLE;
        TRY(ov_script_feed(script, ov_span_text(is_double ? "\"" : "'")));
    }
    size_t count = ov_script_count(script), open = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t kind = ov_script_token_at(script, i).kind;
        open += kind == OV_SCRIPT_ROUND_OPEN;
        open -= kind == OV_SCRIPT_ROUND_CLOSE && open > 0;
    }
    for (; open > 0 && !script->is_cut; open--) {
        ov_script_token_add(script, (struct ov_script_token){
                                        .kind = OV_SCRIPT_ROUND_CLOSE, .size = 1, .word = ")"});
    }
    return ov_buf_status(&script->tokens);
}

enum ov_status ov_script_finish(struct ov_script *script, struct ov_buf *out) {
    script->is_open = false;
    TRY(close_open(script));
    TRY(ov_script_unfold(script));
    TRY(number_names(script));
    TRY(write_script(script, out));
    if (script->is_cut) {
        ov_walk_note_cut(script->walk);
    }
    return OV_OK;
}
