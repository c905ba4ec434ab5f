// SPDX-License-Identifier: Apache-2.0
// POSIX extended regular expressions (IEEE 1003.1, 9.4), rewritten for PCRE2.
#include "rules/clamav/posix.h"

#include "base/buf.h"
#include "rules/clamav/pcre.h"

#include <ctype.h>

// What is read, and how far; and what has been written. The output is never twice as long.
struct rewrite {
    struct ov_parser *parser;
    struct ov_span text;
    size_t at;
    struct ov_buf *out;
    bool can_repeat; // what was written last may be repeated
};

static bool has_byte(const struct rewrite *rewrite, size_t at, char byte) {
    return at < rewrite->text.size && rewrite->text.data[at] == (uint8_t)byte;
}

static void copy_byte(struct rewrite *rewrite) {
    ov_buf_add_u8(rewrite->out, rewrite->text.data[rewrite->at++]);
}

// `[:alpha:]`, `[=a=]` or `[.a.]` within brackets: copied up to its end. False when it is none.
static bool copy_class(struct rewrite *rewrite) {
    if (!has_byte(rewrite, rewrite->at, '[') || rewrite->at + 1 >= rewrite->text.size ||
        memchr(":=.", rewrite->text.data[rewrite->at + 1], 3) == NULL) {
        return false;
    }
    uint8_t kind = rewrite->text.data[rewrite->at + 1];
    size_t end = ov_span_find(rewrite->text, rewrite->at + 2, kind);
    while (end < rewrite->text.size && !has_byte(rewrite, end + 1, ']')) {
        end = ov_span_find(rewrite->text, end + 1, kind);
    }
    if (end >= rewrite->text.size) {
        return false;
    }
    while (rewrite->at < end + 2) {
        copy_byte(rewrite);
    }
    return true;
}

// A set in brackets, in which a backslash is a byte like any other.
static enum ov_status rewrite_set(struct rewrite *rewrite) {
    size_t start = rewrite->at;
    copy_byte(rewrite);
    if (has_byte(rewrite, rewrite->at, '^')) {
        copy_byte(rewrite);
    }
    bool is_first = true;
    while (rewrite->at < rewrite->text.size && (is_first || !has_byte(rewrite, rewrite->at, ']'))) {
        is_first = false;
        if (copy_class(rewrite)) {
            continue;
        }
        if (has_byte(rewrite, rewrite->at, '\\') || has_byte(rewrite, rewrite->at, '[')) {
            ov_buf_add_u8(rewrite->out, '\\');
        }
        copy_byte(rewrite);
    }
    if (rewrite->at >= rewrite->text.size) {
        return ov_parser_fail(rewrite->parser, rewrite->text.data + start, "no `]` after the `[`");
    }
    copy_byte(rewrite);
    rewrite->can_repeat = true;
    return OV_OK;
}

// A backslash takes its meaning from a byte, and gives letters and digits none.
static enum ov_status rewrite_escape(struct rewrite *rewrite) {
    if (rewrite->at + 1 >= rewrite->text.size) {
        return ov_parser_fail(rewrite->parser, rewrite->text.data + rewrite->at,
                              "nothing after the backslash");
    }
    rewrite->at++;
    if (isalnum(rewrite->text.data[rewrite->at]) == 0) {
        ov_buf_add_u8(rewrite->out, '\\');
    }
    copy_byte(rewrite);
    rewrite->can_repeat = true;
    return OV_OK;
}

static bool is_repetition(const struct rewrite *rewrite) {
    uint8_t byte = rewrite->text.data[rewrite->at];
    bool has_digit =
        rewrite->at + 1 < rewrite->text.size && isdigit(rewrite->text.data[rewrite->at + 1]) != 0;
    return byte == '*' || byte == '+' || byte == '?' || (byte == '{' && has_digit);
}

// A second one in a row means something else to PCRE2, and so does one that opens a group.
static enum ov_status rewrite_repetition(struct rewrite *rewrite) {
    bool is_braced = has_byte(rewrite, rewrite->at, '{');
    if (!rewrite->can_repeat) {
        return ov_parser_fail(rewrite->parser, rewrite->text.data + rewrite->at,
                              "nothing to repeat");
    }
    copy_byte(rewrite);
    while (is_braced && rewrite->at < rewrite->text.size &&
           !has_byte(rewrite, rewrite->at - 1, '}')) {
        copy_byte(rewrite);
    }
    rewrite->can_repeat = false;
    return OV_OK;
}

static enum ov_status rewrite_next(struct rewrite *rewrite) {
    if (has_byte(rewrite, rewrite->at, '[')) {
        return rewrite_set(rewrite);
    }
    if (has_byte(rewrite, rewrite->at, '\\')) {
        return rewrite_escape(rewrite);
    }
    if (is_repetition(rewrite)) {
        return rewrite_repetition(rewrite);
    }
    rewrite->can_repeat = memchr("(|^", rewrite->text.data[rewrite->at], 3) == NULL;
    copy_byte(rewrite);
    return OV_OK;
}

enum ov_status ov_clamav_posix_read(struct ov_parser *parser, struct ov_span text,
                                    struct ov_span *ret_text, bool *ret_is_caseless) {
    static const char caseless[] = "(?i)";
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    bool is_caseless = ov_span_has_prefix(text, caseless);
    size_t skip = is_caseless ? sizeof caseless - 1 : 0;
    struct rewrite rewrite = {
        .parser = parser, .text = ov_span_part(text, skip, text.size - skip), .out = &out};
    if (rewrite.text.size == 0) {
        return ov_parser_fail(parser, text.data, "the regular expression is empty");
    }
    while (rewrite.at < rewrite.text.size) {
        TRY(rewrite_next(&rewrite));
    }
    TRY(ov_buf_status(&out));
    TRY(ov_clamav_pcre_try(parser, ov_buf_span(&out), 0, text.data));
    void *memory;
    TRY(ov_parser_alloc(parser, out.size, 1, &memory));
    memcpy(memory, out.data, out.size);
    *ret_text = ov_span_make(memory, out.size);
    *ret_is_caseless = is_caseless;
    return OV_OK;
}
