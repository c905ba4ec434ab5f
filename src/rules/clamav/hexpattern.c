// SPDX-License-Identifier: Apache-2.0
// ClamAV's hex language, read from left to right. A pattern is a row of parts with distances
// between them; clamscan's quirks that change what a rule means are kept, and named where they
// stand.
#include "rules/clamav/hexpattern.h"

#include "base/hex.h"

enum {
    NESTING_MAX = 16,    // parentheses inside one another
    OUTER_MAX = 32,      // the largest b of [a-b]
    REWRITTEN_MAX = 127, // {1} to {127} are bytes of any value, unless a range came before
    LITERALS_NEEDED = 2, // side by side, in each part
    ALT_RANGE_FIELDS = 3,
};

struct hex_reader {
    struct ov_parser *parser;
    struct ov_span text;
    size_t at;
    bool is_nocase, is_wide, is_fullword, has_modifiers;
    bool has_range;      // a brace that splits has come: every later brace splits too
    size_t bytes_from;   // where the pending run of bytes begins on the stack of bytes
    unsigned part;       // number of the part, from 1
    unsigned part_items; // what the part holds so far; 0: the next thing is at its left end
    unsigned literals;   // literal bytes side by side, up to here
    unsigned literals_max;
    bool has_left_outer, has_right_outer;
    uint32_t start_elem;
};

static const uint8_t *here(const struct hex_reader *reader) {
    return reader->text.data + reader->at;
}

static bool is_at_end(const struct hex_reader *reader) {
    return reader->at >= reader->text.size;
}

static uint8_t peek(const struct hex_reader *reader, size_t ahead) {
    size_t at = reader->at + ahead;
    return at < reader->text.size ? reader->text.data[at] : 0;
}

static enum ov_status push_elem(struct hex_reader *reader, struct ov_elem elem) {
    return ov_stack_push(&reader->parser->elems, &elem);
}

// ---- bytes ----------------------------------------------------------------------------------

static enum ov_status push_byte(struct hex_reader *reader, uint8_t value, uint8_t mask) {
    bool is_letter = (uint8_t)((value & 0xdf) - 'A') < 26;
    if (mask == 0xff && reader->is_nocase && is_letter) {
        mask = 0xdf;
    }
    uint8_t pair[2] = {value & mask, mask};
    reader->literals = mask == 0xff || mask == 0xdf ? reader->literals + 1 : 0;
    if (reader->literals > reader->literals_max) {
        reader->literals_max = reader->literals;
    }
    return ov_stack_push(&reader->parser->bytes, pair);
}

// Turns the pending bytes into an element.
static enum ov_status flush_bytes(struct hex_reader *reader) {
    struct ov_stack *bytes = &reader->parser->bytes;
    size_t count = bytes->count - reader->bytes_from;
    if (count == 0) {
        return OV_OK;
    }
    void *memory;
    TRY(ov_parser_alloc(reader->parser, 2, count, &memory));
    uint8_t *value = memory;
    uint8_t *mask = value + count;
    const uint8_t *pair = bytes->data + 2 * reader->bytes_from;
    for (size_t i = 0; i < count; i++) {
        value[i] = pair[2 * i];
        mask[i] = pair[2 * i + 1];
    }
    bytes->count = reader->bytes_from;
    return push_elem(reader, (struct ov_elem){
                                 .kind = OV_ELEM_BYTES,
                                 .size = (uint32_t)count,
                                 .value = value,
                                 .mask = mask,
                             });
}

static enum ov_status fail_digit(struct hex_reader *reader, size_t ahead) {
    if (reader->at + ahead >= reader->text.size) {
        return ov_parser_fail(reader->parser, here(reader) + ahead,
                              "hex digit expected, but the pattern ends");
    }
    return ov_parser_fail(reader->parser, here(reader) + ahead, "hex digit expected");
}

// One byte: two hex digits, either of which may be `?`.
static enum ov_status read_byte(struct hex_reader *reader) {
    uint8_t value = 0;
    uint8_t mask = 0;
    for (unsigned i = 0; i < 2; i++) {
        uint8_t character = peek(reader, i);
        int digit = ov_hex_digit(character);
        if (digit < 0 && character != '?') {
            return fail_digit(reader, i);
        }
        value = (uint8_t)(value << 4 | (digit < 0 ? 0 : digit));
        mask = (uint8_t)(mask << 4 | (digit < 0 ? 0 : 0xf));
    }
    reader->at += 2;
    TRY(push_byte(reader, value, mask));
    return reader->is_wide ? push_byte(reader, 0, 0xff) : OV_OK;
}

// ---- braces ---------------------------------------------------------------------------------

// How many bytes of any value the brace here stands for, or 0 when it splits. clamscan rewrites
// {n} so, from the left, until it meets a brace of another form.
static unsigned rewritten_bytes(const struct hex_reader *reader) {
    size_t at = reader->at + 1;
    const struct ov_span text = reader->text;
    while (at < text.size && (text.data[at] == ' ' || text.data[at] == '+')) {
        at++;
    }
    unsigned count = 0;
    bool has_digit = false;
    for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
        count = count > REWRITTEN_MAX ? count : count * 10 + (text.data[at] - '0');
        has_digit = true;
    }
    uint8_t close = text.data[reader->at] == '[' ? ']' : '}';
    bool is_simple = has_digit && at < text.size && text.data[at] == close;
    return is_simple && !reader->has_range && count <= REWRITTEN_MAX ? count : 0;
}

// A distance between parts: {n} {n-m} {-m} {n-}. A maximum of 0 means none, as in clamscan.
static enum ov_status read_distance(struct hex_reader *reader, struct ov_span inside,
                                    struct ov_elem *ret_gap) {
    struct ov_span fields[ALT_RANGE_FIELDS] = {0};
    size_t count = ov_fields_split(inside, '-', fields, ALT_RANGE_FIELDS);
    int min = 0;
    int max = 0;
    bool is_read = count <= 2 && ov_number_read_int(fields[0], &min) &&
                   ov_number_read_int(fields[count - 1], &max);
    if (!is_read || min < 0 || max < 0) {
        return ov_parser_fail(reader->parser, inside.data,
                              "a distance such as 5, 2-5, -5 or 5- expected");
    }
    *ret_gap = (struct ov_elem){
        .kind = OV_ELEM_GAP,
        .min = (uint32_t)min,
        .max = max == 0 ? OV_GAP_UNLIMITED : (uint32_t)max,
    };
    return OV_OK;
}

static enum ov_status skip_any_bytes(struct hex_reader *reader, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        TRY(push_byte(reader, 0, 0));
    }
    uint8_t close = peek(reader, 0) == '[' ? ']' : '}';
    reader->at = ov_span_find(reader->text, reader->at, close) + 1;
    return OV_OK;
}

// ---- alternates and classes -----------------------------------------------------------------

static enum ov_status read_alternates(struct hex_reader *reader, unsigned depth, bool is_negated);

// One alternative, up to `|` or `)`.
static enum ov_status read_alternative(struct hex_reader *reader, unsigned depth,
                                       struct ov_seq *ret_seq) {
    struct ov_stack *elems = &reader->parser->elems;
    size_t elems_from = elems->count;
    size_t bytes_from = reader->bytes_from;
    reader->bytes_from = reader->parser->bytes.count;
    while (!is_at_end(reader) && peek(reader, 0) != '|' && peek(reader, 0) != ')') {
        uint8_t character = peek(reader, 0);
        unsigned any_bytes = character == '{' ? rewritten_bytes(reader) : 0;
        if (any_bytes > 0) {
            TRY(skip_any_bytes(reader, any_bytes));
        } else if (character == '*' || character == '{' || character == '[') {
            return ov_parser_fail(reader->parser, here(reader),
                                  "alternates cannot hold a distance");
        } else if (character == '(') {
            TRY(flush_bytes(reader));
            reader->at++;
            TRY(read_alternates(reader, depth + 1, false));
        } else {
            TRY(read_byte(reader));
        }
    }
    TRY(flush_bytes(reader));
    reader->bytes_from = bytes_from;
    const void *items;
    size_t count;
    TRY(ov_stack_take(reader->parser, elems, elems_from, &items, &count));
    *ret_seq = (struct ov_seq){.count = (uint32_t)count, .elems = items};
    return OV_OK;
}

// Whether all alternatives are literal and of one length, so that "none of them" has a meaning.
static bool can_negate(const struct ov_seq *alts, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct ov_elem *elem = alts[i].elems;
        if (alts[i].count != 1 || elem->kind != OV_ELEM_BYTES ||
            elem->size != alts[0].elems->size) {
            return false;
        }
        for (uint32_t k = 0; k < elem->size; k++) {
            if (elem->mask[k] != 0xff) {
                return false;
            }
        }
    }
    return true;
}

// After `(`: alternatives up to and with the `)`. clamscan drops empty ones at the outer level;
// what it makes of them further in depends on their order, so rules with these are left out.
static enum ov_status read_alternates(struct hex_reader *reader, unsigned depth, bool is_negated) {
    struct ov_stack *stack = &reader->parser->alts;
    size_t from = stack->count;
    const uint8_t *start = here(reader);
    if (depth > NESTING_MAX) {
        return ov_parser_fail(reader->parser, start, "alternates are nested too deeply");
    }
    for (;;) {
        struct ov_seq seq;
        TRY(read_alternative(reader, depth, &seq));
        if (seq.count == 0 && depth > 1) {
            return ov_parser_skip(reader->parser, "an empty alternative inside alternates");
        }
        if (seq.count > 0) {
            TRY(ov_stack_push(stack, &seq));
        }
        if (is_at_end(reader)) {
            return ov_parser_fail(reader->parser, start - 1, "no closing parenthesis for the one");
        }
        reader->at++;
        if (reader->text.data[reader->at - 1] == ')') {
            break;
        }
    }
    const void *alts;
    size_t count;
    TRY(ov_stack_take(reader->parser, stack, from, &alts, &count));
    if (count == 0) {
        return ov_parser_fail(reader->parser, start, "all alternatives are empty");
    }
    if (is_negated && (reader->has_modifiers || !can_negate(alts, count))) {
        return ov_parser_fail(reader->parser, start - 1,
                              "only alternates of one length, without wildcards and modifiers, can "
                              "be negated, unlike those");
    }
    return push_elem(reader, (struct ov_elem){
                                 .kind = OV_ELEM_ALT,
                                 .is_negated = is_negated,
                                 .alt_count = (uint32_t)count,
                                 .alts = alts,
                             });
}

static bool is_class(const struct hex_reader *reader, enum ov_class *ret_class) {
    if (peek(reader, 0) != '(' || peek(reader, 2) != ')') {
        return false;
    }
    switch (peek(reader, 1)) {
    case 'B':
        *ret_class = OV_CLASS_BOUNDARY;
        return true;
    case 'L':
        *ret_class = OV_CLASS_LINE;
        return true;
    case 'W':
        *ret_class = OV_CLASS_WORD;
        return true;
    default:
        return false;
    }
}

// Whether the part ends here. The (W) that `f` adds at the end of a pattern counts as more of it.
static bool is_part_end(const struct hex_reader *reader) {
    uint8_t character = peek(reader, 0);
    return (is_at_end(reader) && !reader->is_fullword) || character == '*' || character == '[' ||
           (character == '{' && rewritten_bytes(reader) == 0);
}

// `(...)` or `!(...)`. A class has no width where it is the first or last thing of its part; but
// `!(B)` at the left has, because clamscan looks for the parenthesis as first character.
static enum ov_status read_group(struct hex_reader *reader) {
    TRY(flush_bytes(reader));
    bool is_negated = peek(reader, 0) == '!';
    reader->at += is_negated ? 1 : 0;
    enum ov_class class;
    reader->literals = 0;
    if (is_class(reader, &class)) {
        reader->at += 3;
        bool is_left = reader->part_items == 0 && !is_negated;
        reader->part_items++;
        return push_elem(reader, (struct ov_elem){
                                     .kind = OV_ELEM_CLASS,
                                     .is_negated = is_negated,
                                     .is_edge = is_left || is_part_end(reader),
                                     .class = class,
                                 });
    }
    if (peek(reader, 0) != '(') {
        return ov_parser_fail(reader->parser, here(reader), "`(` expected after `!`");
    }
    reader->at++;
    reader->part_items++;
    unsigned literals_max = reader->literals_max; // those inside alternates do not count
    TRY(read_alternates(reader, 1, is_negated));
    reader->literals = 0;
    reader->literals_max = literals_max;
    return OV_OK;
}

// ---- parts ----------------------------------------------------------------------------------

static enum ov_status end_part(struct hex_reader *reader) {
    TRY(flush_bytes(reader));
    if (reader->literals_max < LITERALS_NEEDED) {
        return ov_parser_fail(reader->parser, here(reader),
                              "part %u needs two adjacent bytes without wildcards, and ends "
                              "without",
                              reader->part);
    }
    return OV_OK;
}

static void start_part(struct hex_reader *reader) {
    reader->part++;
    reader->part_items = 0;
    reader->literals = 0;
    reader->literals_max = 0;
    reader->has_left_outer = false;
    reader->has_right_outer = false;
}

static enum ov_status split_parts(struct hex_reader *reader, struct ov_elem gap) {
    TRY(end_part(reader));
    TRY(push_elem(reader, gap));
    start_part(reader);
    return OV_OK;
}

static enum ov_status read_brace(struct hex_reader *reader) {
    unsigned any_bytes = rewritten_bytes(reader);
    if (any_bytes > 0) {
        reader->part_items += any_bytes;
        return skip_any_bytes(reader, any_bytes);
    }
    uint8_t close = peek(reader, 0) == '[' ? ']' : '}';
    size_t end = ov_span_find(reader->text, reader->at, close);
    if (end >= reader->text.size) {
        return ov_parser_fail(reader->parser, here(reader), "`%c` missing for the brace", close);
    }
    struct ov_elem gap = {0};
    TRY(read_distance(reader, ov_span_part(reader->text, reader->at + 1, end - reader->at - 1),
                      &gap));
    TRY(split_parts(reader, gap));
    reader->has_range = true;
    reader->at = end + 1;
    return OV_OK;
}

// Whether exactly one byte is left of the part.
static bool is_last_byte(const struct hex_reader *reader, size_t at) {
    size_t left = reader->text.size - at;
    uint8_t next = left > 2 ? reader->text.data[at + 2] : 0;
    return left == 2 || (left > 2 && (next == '*' || next == '{'));
}

// Digits at the start of *text, which is moved behind them; false when there are none.
static bool take_digits(struct ov_span *text, uint32_t *ret_number) {
    uint32_t number = 0;
    size_t at = 0;
    for (; at < text->size && text->data[at] >= '0' && text->data[at] <= '9'; at++) {
        number = number > OUTER_MAX ? number : number * 10 + (text->data[at] - '0');
    }
    *text = ov_span_make(text->data + at, text->size - at);
    *ret_number = number;
    return at > 0;
}

// `a-b`, or `a` alone for both; clamscan does not look at what follows.
static bool read_outer_range(struct ov_span text, uint32_t *ret_min, uint32_t *ret_max) {
    if (!take_digits(&text, ret_min)) {
        return false;
    }
    struct ov_span rest = ov_span_part(text, 1, text.size);
    if (!ov_span_has_prefix(text, "-") || !take_digits(&rest, ret_max)) {
        *ret_max = *ret_min;
    }
    return true;
}

// `[a-b]`: one byte at a distance outside the part, to its left or right.
static enum ov_status read_outer(struct hex_reader *reader) {
    const uint8_t *start = here(reader);
    size_t end = ov_span_find(reader->text, reader->at, ']');
    struct ov_span inside = ov_span_part(reader->text, reader->at + 1, end - reader->at - 1);
    uint32_t min = 0;
    uint32_t max = 0;
    bool is_read = end < reader->text.size && read_outer_range(inside, &min, &max);
    if (!is_read || min > max || max > OUTER_MAX) {
        return ov_parser_fail(reader->parser, start, "a distance [a-b] with a <= b <= %d expected",
                              OUTER_MAX);
    }
    bool is_left = reader->part_items == 1 &&
                   reader->parser->bytes.count == reader->bytes_from + 1 &&
                   !reader->has_left_outer && !reader->has_right_outer;
    bool is_right = !is_left && is_last_byte(reader, end + 1) && !reader->has_right_outer;
    if (!is_left && !is_right) {
        return ov_parser_fail(reader->parser, start,
                              "[a-b] must have exactly one byte at its outer side");
    }
    TRY(flush_bytes(reader));
    struct ov_elem gap = {.kind = OV_ELEM_GAP, .min = min, .max = max, .is_outer = true};
    TRY(push_elem(reader, gap));
    reader->at = end + 1;
    if (is_right) {
        unsigned literals_max = reader->literals_max; // the byte outside does not count
        reader->has_right_outer = true;
        TRY(read_byte(reader));
        reader->literals_max = literals_max;
        return OV_OK;
    }
    reader->has_left_outer = true;
    reader->part_items = 0;
    reader->literals = 0;
    reader->literals_max = 0;
    reader->start_elem = reader->part == 1 ? 2 : reader->start_elem;
    return OV_OK;
}

static enum ov_status read_item(struct hex_reader *reader) {
    switch (peek(reader, 0)) {
    case '*':
        TRY(split_parts(reader, (struct ov_elem){.kind = OV_ELEM_GAP, .max = OV_GAP_UNLIMITED}));
        reader->at++;
        return OV_OK;
    case '{':
        return read_brace(reader);
    case '[': // `w` and `f` turn brackets into braces
        return reader->is_wide || reader->is_fullword ? read_brace(reader) : read_outer(reader);
    case '(':
    case '!':
        return read_group(reader);
    default:
        reader->part_items++;
        return read_byte(reader);
    }
}

static enum ov_status push_word_edge(struct hex_reader *reader) {
    TRY(flush_bytes(reader));
    reader->part_items++;
    return push_elem(reader, (struct ov_elem){
                                 .kind = OV_ELEM_CLASS,
                                 .is_edge = true,
                                 .class = OV_CLASS_WORD,
                             });
}

// Reads the text once, as it is or wide.
static enum ov_status read_variant(struct ov_parser *parser, struct ov_span text,
                                   unsigned modifiers, bool is_wide,
                                   struct ov_pattern *ret_pattern) {
    struct hex_reader reader = {
        .parser = parser,
        .text = text,
        .is_nocase = (modifiers & OV_HEX_NOCASE) != 0,
        .is_fullword = (modifiers & OV_HEX_FULLWORD) != 0,
        .has_modifiers = modifiers != 0,
        .is_wide = is_wide,
        .bytes_from = parser->bytes.count,
    };
    size_t elems_from = parser->elems.count;
    start_part(&reader);
    if (reader.is_fullword) {
        TRY(push_word_edge(&reader));
    }
    while (!is_at_end(&reader)) {
        TRY(read_item(&reader));
    }
    TRY(end_part(&reader));
    if (reader.is_fullword) {
        TRY(push_word_edge(&reader));
    }
    const void *elems;
    size_t count;
    TRY(ov_stack_take(parser, &parser->elems, elems_from, &elems, &count));
    *ret_pattern = (struct ov_pattern){
        .seq = {.count = (uint32_t)count, .elems = elems},
        .start_elem = reader.start_elem,
        .is_wide = is_wide,
    };
    return OV_OK;
}

enum ov_status ov_clamav_hex_read(struct ov_parser *parser, struct ov_span text, unsigned modifiers,
                                  const struct ov_pattern **ret_patterns, uint32_t *ret_count) {
    bool is_wide = (modifiers & OV_HEX_WIDE) != 0;
    bool is_narrow = !is_wide || (modifiers & OV_HEX_ASCII) != 0;
    uint32_t count = is_wide && is_narrow ? 2 : 1;
    void *memory;
    TRY(ov_parser_alloc(parser, count, sizeof(struct ov_pattern), &memory));
    struct ov_pattern *patterns = memory;
    if (is_narrow) {
        TRY(read_variant(parser, text, modifiers, false, &patterns[0]));
    }
    if (is_wide) {
        TRY(read_variant(parser, text, modifiers, true, &patterns[count - 1]));
    }
    *ret_patterns = patterns;
    *ret_count = count;
    return OV_OK;
}

enum ov_status ov_clamav_modifiers_read(struct ov_parser *parser, struct ov_span text,
                                        unsigned *ret_modifiers) {
    unsigned modifiers = 0;
    for (size_t i = 0; i < text.size; i++) {
        static const char letters[] = "iwfa"; // in the order of the bits
        const char *hit = memchr(letters, text.data[i], sizeof letters - 1);
        if (hit == NULL) {
            return ov_parser_fail(parser, text.data + i, "unknown modifier (i w f a are known)");
        }
        modifiers |= 1u << (hit - letters);
    }
    *ret_modifiers = modifiers;
    return OV_OK;
}
