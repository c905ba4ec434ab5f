// SPDX-License-Identifier: Apache-2.0
// Lists for links in mails: `R[flags]:regex[:levels]` and `H[flags]:host[:levels]` (.pdb),
// `X:regex:regex[:levels]`, `Y:regex[:levels]` and `M:host:host[:levels]` (.wdb).
#include "rules/clamav/parser.h"
#include "rules/clamav/posix.h"
#include "rules/clamav/readers.h"

#include <ctype.h>

enum { LINE_BYTES_MAX = 8000 };

// ---- functionality levels ----------------------------------------------------------------------

static bool has_digits_only(struct ov_span text) {
    for (size_t i = 0; i < text.size; i++) {
        if (isdigit(text.data[i]) == 0) {
            return false;
        }
    }
    return true;
}

// `min-` or `min-max` behind the last colon; whatever else stands there is part of the rule. It is
// taken off the line.
static enum ov_status read_levels(struct ov_parser *parser, struct ov_span *io_line) {
    size_t colon = io_line->size;
    while (colon > 0 && io_line->data[colon - 1] != ':') {
        colon--;
    }
    struct ov_span levels = ov_span_from(*io_line, colon);
    size_t dash = ov_span_find(levels, 0, '-');
    struct ov_span first = ov_span_part(levels, 0, dash), second = ov_span_from(levels, dash + 1);
    if (colon == 0 || dash >= levels.size || !has_digits_only(first) || !has_digits_only(second)) {
        return OV_OK;
    }
    int min = 0, max = INT32_MAX;
    (void)ov_number_read_int(first, &min);
    if (second.size > 0) {
        (void)ov_number_read_int(second, &max);
    }
    if (min > OV_RULE_LEVEL || max < OV_RULE_LEVEL) {
        return ov_parser_skip(parser, "for functionality levels %d to %d, and this is %d", min, max,
                              OV_RULE_LEVEL);
    }
    *io_line = ov_span_part(*io_line, 0, colon - 1);
    return OV_OK;
}

// ---- expressions -------------------------------------------------------------------------------

static struct ov_span cut_end(struct ov_span text, const char *end) {
    struct ov_span wanted = ov_span_text(end);
    bool has_it = text.size > wanted.size + 1 &&
                  ov_span_is_equal(ov_span_from(text, text.size - wanted.size), wanted);
    return has_it ? ov_span_part(text, 0, text.size - wanted.size) : text;
}

// What is read of an expression: the bytes that end every match of it, collected from the left.
struct tail {
    struct ov_span text;
    size_t at;
    size_t size; // of the bytes so far
    uint8_t *bytes;
    unsigned depth;
    bool has_choice; // at the top
};

static uint8_t byte_at(const struct tail *tail, size_t at) {
    return at < tail->text.size ? tail->text.data[at] : 0;
}

// A set in brackets, of which the first byte may be a bracket, and with classes such as
// `[:alpha:]`.
static void skip_set(struct tail *tail) {
    tail->at += byte_at(tail, tail->at) == '^';
    tail->at += byte_at(tail, tail->at) == ']';
    while (tail->at < tail->text.size && byte_at(tail, tail->at) != ']') {
        uint8_t next = byte_at(tail, tail->at + 1);
        bool is_class = byte_at(tail, tail->at) == '[' && next != 0 && strchr(":=.", next) != NULL;
        tail->at = is_class ? ov_span_find(tail->text, tail->at + 2, ']') + 1 : tail->at + 1;
    }
    tail->at++;
}

// One byte of the expression, that stands for itself or not.
static void take_byte(struct tail *tail) {
    uint8_t byte = tail->text.data[tail->at++];
    bool is_literal = strchr("([|)*+?{}.^$", byte) == NULL || byte == 0;
    if (byte == '\\' && tail->at < tail->text.size) {
        byte = tail->text.data[tail->at++];
        is_literal = true;
    } else if (byte == '[') {
        skip_set(tail);
    } else if (byte == '(') {
        tail->depth++;
    } else if (byte == ')') {
        tail->depth -= tail->depth > 0;
    }
    tail->has_choice = tail->has_choice || (byte == '|' && !is_literal && tail->depth == 0);
    tail->size = is_literal && tail->depth == 0 ? tail->size : 0;
    if (is_literal && tail->depth == 0) {
        tail->bytes[tail->size++] = byte;
    }
}

// clamscan looks expressions up by how they end, and refuses a list with one that ends with
// anything. Such a one would allow, or protect, all there is.
static bool has_open_end(struct ov_span pattern) {
    size_t size = pattern.size;
    bool is_repeated = size > 1 && pattern.data[size - 1] == '+' && pattern.data[size - 2] == '.';
    size -= is_repeated;
    bool is_escaped = size > 1 && pattern.data[size - 2] == '\\';
    return size == 0 || (!is_escaped && strchr(".*?", pattern.data[size - 1]) != NULL);
}

// The bytes at the end of all that matches; a quick look for them spares most tries.
static enum ov_status read_tail(struct ov_parser *parser, struct ov_span text,
                                struct ov_span *ret_tail) {
    void *memory;
    TRY(ov_parser_alloc(parser, text.size, 1, &memory));
    struct tail tail = {.text = text, .bytes = memory};
    while (tail.at < text.size) {
        take_byte(&tail);
    }
    *ret_tail = ov_span_make(memory, tail.has_choice ? 0 : tail.size);
    return OV_OK;
}

// The expression with a slash behind it. It stands in a copy of the line, so that places in it are
// places in the line.
static enum ov_status add_slash(struct ov_parser *parser, struct ov_span pattern,
                                struct ov_span *ret_whole) {
    size_t before = (size_t)(pattern.data - parser->line.data);
    void *memory;
    TRY(ov_parser_alloc(parser, before + pattern.size + 1, 1, &memory));
    memcpy(memory, parser->line.data, before + pattern.size);
    ((uint8_t *)memory)[before + pattern.size] = '/';
    parser->line = ov_span_make(memory, before + pattern.size + 1);
    *ret_whole = ov_span_from(parser->line, before);
    return OV_OK;
}

static enum ov_status make_caseless(struct ov_parser *parser, struct ov_span *io_text) {
    static const char caseless[] = "(?i)";
    void *memory;
    TRY(ov_parser_alloc(parser, sizeof caseless - 1 + io_text->size, 1, &memory));
    memcpy(memory, caseless, sizeof caseless - 1);
    memcpy((uint8_t *)memory + sizeof caseless - 1, io_text->data, io_text->size);
    *io_text = ov_span_make(memory, sizeof caseless - 1 + io_text->size);
    return OV_OK;
}

// Only hosts are compared: an expression for a path at the end is dropped, and a slash is put
// behind what is left.
static enum ov_status read_regex(struct ov_parser *parser, struct ov_span pattern,
                                 struct ov_link_rule *link) {
    struct ov_span whole;
    bool is_caseless;
    if (pattern.size == 0) {
        return ov_parser_fail(parser, NULL, "no expression");
    }
    pattern = cut_end(cut_end(pattern, "([/?].*)?"), "([/?].*)");
    if (has_open_end(pattern)) {
        return ov_parser_fail(parser, pattern.data, "the expression ends with anything");
    }
    TRY(add_slash(parser, pattern, &whole));
    TRY(ov_clamav_posix_read(parser, whole, &link->text, &is_caseless));
    return is_caseless ? make_caseless(parser, &link->text) : read_tail(parser, whole, &link->tail);
}

// ---- hosts -------------------------------------------------------------------------------------

static enum ov_status read_host(struct ov_parser *parser, struct ov_span pattern,
                                struct ov_link_rule *link) {
    void *memory;
    if (pattern.size == 0) {
        return ov_parser_fail(parser, NULL, "no host");
    }
    TRY(ov_parser_alloc(parser, pattern.size + 1, 1, &memory));
    memcpy(memory, pattern.data, pattern.size);
    ((uint8_t *)memory)[pattern.size] = '/';
    link->text = ov_span_make(memory, pattern.size + 1);
    return OV_OK;
}

static enum ov_status read_link(struct ov_parser *parser, bool is_allowed,
                                struct ov_link_rule *link) {
    struct ov_span line = parser->line;
    link->is_allowed = is_allowed;
    if (line.size > LINE_BYTES_MAX) {
        return ov_parser_fail(parser, NULL, "a line of more than %d bytes", LINE_BYTES_MAX);
    }
    TRY(read_levels(parser, &line));
    size_t colon = ov_span_find(line, 0, ':');
    if (colon == 0 || colon >= line.size) {
        return ov_parser_fail(parser, NULL, "a letter, a colon and a host expected");
    }
    uint8_t kind = line.data[0];
    struct ov_span pattern = ov_span_from(line, colon + 1);
    link->is_regex = is_allowed ? kind == 'X' || kind == 'Y' : kind == 'R';
    if (link->is_regex) {
        return read_regex(parser, pattern, link);
    }
    if (kind == (is_allowed ? 'M' : 'H')) {
        return read_host(parser, pattern, link);
    }
    return kind == 'S' ? ov_parser_skip(parser, "digests of addresses, which nobody makes any more")
                       : ov_parser_fail(parser, line.data, "`%s` expected",
                                        is_allowed ? "X:`, `Y:` or `M:" : "R:` or `H:");
}

static enum ov_status read_line(struct ov_parser *parser, unsigned mode, struct ov_place place) {
    struct ov_link_rule link = {.place = place, .source = parser->line};
    enum ov_status status = read_link(parser, mode == 1, &link);
    return status == OV_OK ? ov_ruleset_add_link(parser->set, &link)
                           : ov_parser_note(parser, status, place, (struct ov_span){0});
}

enum ov_status ov_clamav_read_links(struct ov_ruleset *set, uint32_t file, unsigned mode) {
    return ov_parser_read_lines(set, file, mode, read_line);
}
