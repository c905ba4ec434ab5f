// SPDX-License-Identifier: Apache-2.0
// Logical expressions over subsignatures.
#include "rules/clamav/expr.h"

enum {
    DEPTH_MAX = 200,     // of the tree; more than 64 subsignatures in parentheses ever need
    INDEX_MAX = 100000,  // larger ones only say that the number is nonsense
    OPERATORS_MAX = 511, // an image's expression has at most 1024 nodes
};

struct expr_reader {
    struct ov_parser *parser;
    uint32_t highest;
    uint32_t operators;
};

static bool is_digit(uint8_t character) {
    return character >= '0' && character <= '9';
}

static bool is_count_sign(uint8_t character) {
    return character == '=' || character == '>' || character == '<';
}

static enum ov_compare_op op_of(uint8_t character) {
    return character == '=' ? OV_COMPARE_EQ : character == '>' ? OV_COMPARE_GT : OV_COMPARE_LT;
}

// The number at the start of *text, blanks and a sign before it allowed as atoi allows them; *text
// is moved behind it. False when there is no digit.
static bool take_number(struct ov_span *text, int64_t *ret_number) {
    size_t at = 0;
    while (at < text->size && text->data[at] == ' ') {
        at++;
    }
    bool is_negative = at < text->size && text->data[at] == '-';
    at += at < text->size && (is_negative || text->data[at] == '+') ? 1 : 0;
    size_t digits = 0;
    int64_t number = 0;
    for (; at < text->size && is_digit(text->data[at]); at++, digits++) {
        number = number > INT64_MAX / 20 ? number : number * 10 + (text->data[at] - '0');
    }
    *ret_number = is_negative ? -number : number;
    *text = ov_span_make(text->data + at, text->size - at);
    return digits > 0;
}

static enum ov_status new_node(struct expr_reader *reader, struct ov_expr node,
                               const struct ov_expr **ret_expr) {
    void *memory;
    TRY(ov_parser_alloc(reader->parser, 1, sizeof node, &memory));
    struct ov_expr *expr = memory;
    *expr = node;
    *ret_expr = expr;
    return OV_OK;
}

// One index. Of several counts behind it the last holds, and what else follows is not looked at:
// that is what clamscan does, and rules with such slips load there.
static enum ov_status read_index(struct expr_reader *reader, struct ov_span text,
                                 const struct ov_expr **ret_expr) {
    struct ov_span rest = text;
    int64_t index = 0;
    if (!take_number(&rest, &index) || index < 0 || index > INDEX_MAX) {
        return ov_parser_fail(reader->parser, text.data, "index of a subsignature expected");
    }
    struct ov_expr node = {.kind = OV_EXPR_SUB, .sub = (uint32_t)index};
    for (size_t i = 0; i < rest.size; i++) {
        if (!is_count_sign(rest.data[i])) {
            continue;
        }
        struct ov_span after = ov_span_make(rest.data + i + 1, rest.size - i - 1);
        bool is_followed = after.size > 0 && is_count_sign(after.data[0]);
        int64_t count = 0;
        if (!is_followed && !take_number(&after, &count)) {
            return ov_parser_fail(reader->parser, rest.data + i + 1, "count expected after `%c`",
                                  rest.data[i]);
        }
        node.op = op_of(rest.data[i]);
        node.count = (uint32_t)count;
    }
    reader->highest = node.sub > reader->highest ? node.sub : reader->highest;
    return new_node(reader, node, ret_expr);
}

// What stands behind the `)` of a block: `OP n[,k]`. An empty text leaves the node as it is.
static enum ov_status read_block_count(struct expr_reader *reader, struct ov_span text,
                                       struct ov_expr *node) {
    if (text.size == 0) {
        return OV_OK;
    }
    int64_t count = 0;
    int64_t distinct = 0;
    struct ov_span rest = ov_span_make(text.data + 1, text.size - 1);
    if (!is_count_sign(text.data[0]) || !take_number(&rest, &count)) {
        return ov_parser_fail(reader->parser, text.data,
                              "`&`, `|` or a count such as `>2` expected after the parenthesis");
    }
    while (rest.size > 0) {
        if (rest.data[0] != ',' && !is_digit(rest.data[0])) {
            return ov_parser_fail(reader->parser, rest.data, "unexpected text after the count");
        }
        bool is_first = distinct == 0;
        rest = ov_span_make(rest.data + 1, rest.size - 1);
        int64_t number = 0;
        if (rest.size > 0 && is_digit(rest.data[0])) {
            (void)take_number(&rest, &number);
        }
        distinct = is_first ? number : distinct; // clamscan looks at the first alone
    }
    node->op = op_of(text.data[0]);
    node->count = (uint32_t)count;
    node->distinct = (uint32_t)distinct;
    return OV_OK;
}

// The index of the `)` that closes the `(` at the start, or text.size.
static size_t find_close(struct ov_span text) {
    size_t depth = 0;
    for (size_t i = 0; i < text.size; i++) {
        depth += text.data[i] == '(' ? 1 : 0;
        depth -= text.data[i] == ')' ? 1 : 0;
        if (depth == 0) {
            return i;
        }
    }
    return text.size;
}

// The index of the operator that splits the text, or text.size: the leftmost one outside
// parentheses, but the rightmost one where the whole text stands in parentheses. So 0&1|2 means
// 0&(1|2), and (0&1|2) means (0&1)|2: that is how clamscan reads them.
static enum ov_status find_operator(struct expr_reader *reader, struct ov_span text,
                                    bool is_enclosed, size_t *ret_at) {
    size_t depth = 0;
    size_t found = text.size;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t character = text.data[i];
        if (character == '(') {
            depth++;
        } else if (character == ')' && depth-- == 0) {
            return ov_parser_fail(reader->parser, text.data + i, "`)` without `(`");
        } else if (depth == 0 && (character == '&' || character == '|')) {
            found = i;
            if (!is_enclosed) {
                break;
            }
        }
    }
    if (depth > 0 && found == text.size) {
        return ov_parser_fail(reader->parser, text.data, "`(` without `)` in the part that begins");
    }
    *ret_at = found;
    return OV_OK;
}

// `block` is what stands behind the closing parenthesis around this expression; its data is NULL
// when there are no parentheses around it.
static enum ov_status read_expr(struct expr_reader *reader, struct ov_span text,
                                struct ov_span block, unsigned depth,
                                const struct ov_expr **ret_expr) {
    if (depth > DEPTH_MAX) {
        return ov_parser_fail(reader->parser, text.data, "expression nested too deeply");
    }
    size_t at = 0;
    TRY(find_operator(reader, text, block.data != NULL, &at));
    if (at < text.size && ++reader->operators > OPERATORS_MAX) {
        return ov_parser_fail(reader->parser, text.data, "more than %d operators", OPERATORS_MAX);
    }
    if (at < text.size) {
        struct ov_expr node = {.kind = text.data[at] == '&' ? OV_EXPR_AND : OV_EXPR_OR};
        struct ov_span right = ov_span_make(text.data + at + 1, text.size - at - 1);
        struct ov_span none = ov_span_make(NULL, 0);
        TRY(read_expr(reader, ov_span_part(text, 0, at), none, depth + 1, &node.left));
        TRY(read_expr(reader, right, none, depth + 1, &node.right));
        TRY(read_block_count(reader, block, &node));
        return new_node(reader, node, ret_expr);
    }
    if (block.size > 0) {
        return ov_parser_fail(reader->parser, block.data,
                              "a count needs `&` or `|` inside the parentheses before it");
    }
    if (text.size == 0 || text.data[0] != '(') {
        return read_index(reader, text, ret_expr);
    }
    size_t close = find_close(text);
    struct ov_span behind = ov_span_make(text.data + close + 1, text.size - close - 1);
    return read_expr(reader, ov_span_part(text, 1, close - 1), behind, depth + 1, ret_expr);
}

enum ov_status ov_clamav_expr_read(struct ov_parser *parser, struct ov_span text,
                                   const struct ov_expr **ret_expr, uint32_t *ret_highest) {
    struct expr_reader reader = {.parser = parser};
    TRY(read_expr(&reader, text, ov_span_make(NULL, 0), 0, ret_expr));
    *ret_highest = reader.highest;
    return OV_OK;
}
