// SPDX-License-Identifier: Apache-2.0
// Finds where the statements of a YARA file begin and end.
#include "rules/yara_text.h"

static const char byte_order_mark[] = "\xef\xbb\xbf";

void ov_yara_text_init(struct ov_span bytes, struct ov_yara_text *ret_yara) {
    bool has_mark = ov_span_has_prefix(bytes, byte_order_mark);
    *ret_yara = (struct ov_yara_text){
        .bytes = bytes, .at = has_mark ? sizeof byte_order_mark - 1 : 0, .line = 1};
}

static bool is_at(const struct ov_yara_text *yara, const char *text) {
    return ov_span_has_prefix(ov_span_from(yara->bytes, yara->at), text);
}

static bool is_end(const struct ov_yara_text *yara) {
    return yara->at >= yara->bytes.size;
}

static bool is_blank(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_word_part(uint8_t byte) {
    uint8_t lower = byte | 0x20;
    return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
}

// From "//" to the line's end, which may be that of the file; from "/*" to the first "*/".
static enum ov_status skip_comment(struct ov_yara_text *yara) {
    if (is_at(yara, "//")) {
        yara->at = ov_span_find(yara->bytes, yara->at, '\n');
        return OV_OK;
    }
    size_t end = ov_span_search(yara->bytes, yara->at + 2, ov_span_text("*/"));
    if (end == yara->bytes.size) {
        return OV_DAMAGED;
    }
    yara->at = end + 2;
    return OV_OK;
}

static enum ov_status skip_blanks(struct ov_yara_text *yara) {
    while (!is_end(yara)) {
        if (is_at(yara, "//") || is_at(yara, "/*")) {
            TRY(skip_comment(yara));
        } else if (is_blank(yara->bytes.data[yara->at])) {
            yara->at++;
        } else {
            break;
        }
    }
    return OV_OK;
}

// From the quote or slash at the place to the next one that no backslash stands before, on the same
// line.
static enum ov_status skip_quoted(struct ov_yara_text *yara) {
    uint8_t quote = yara->bytes.data[yara->at];
    for (yara->at++; !is_end(yara); yara->at++) {
        uint8_t byte = yara->bytes.data[yara->at];
        if (byte == '\n') {
            return OV_DAMAGED;
        }
        if (byte == quote) {
            yara->at++;
            return OV_OK;
        }
        bool is_pair = byte == '\\' && yara->at + 1 < yara->bytes.size;
        if (is_pair && yara->bytes.data[yara->at + 1] != '\n') {
            yara->at++;
        }
    }
    return OV_DAMAGED;
}

// To behind the brace that closes the first one. A slash begins a comment or a regular expression
// wherever it stands: YARA divides with a backslash.
static enum ov_status skip_rule(struct ov_yara_text *yara) {
    size_t depth = 0;
    while (!is_end(yara)) {
        uint8_t byte = yara->bytes.data[yara->at];
        if (is_at(yara, "//") || is_at(yara, "/*")) {
            TRY(skip_comment(yara));
            continue;
        }
        if (byte == '"' || byte == '/') {
            TRY(skip_quoted(yara));
            continue;
        }
        yara->at++;
        if (byte == '{') {
            depth++;
        } else if (byte == '}' && depth <= 1) {
            return depth == 1 ? OV_OK : OV_DAMAGED;
        } else if (byte == '}') {
            depth--;
        }
    }
    return OV_DAMAGED;
}

static struct ov_span read_word(const struct ov_yara_text *yara) {
    size_t end = yara->at;
    while (end < yara->bytes.size && is_word_part(yara->bytes.data[end])) {
        end++;
    }
    return ov_span_part(yara->bytes, yara->at, end - yara->at);
}

static enum ov_status skip_statement(struct ov_yara_text *yara) {
    struct ov_span word = read_word(yara);
    if (!ov_span_is_text(word, "import") && !ov_span_is_text(word, "include")) {
        return skip_rule(yara);
    }
    yara->at += word.size;
    TRY(skip_blanks(yara));
    return is_at(yara, "\"") ? skip_quoted(yara) : OV_DAMAGED;
}

static void count_lines(struct ov_yara_text *yara) {
    struct ov_span passed = ov_span_part(yara->bytes, 0, yara->at);
    for (size_t at = ov_span_find(passed, yara->counted_at, '\n'); at < passed.size;
         at = ov_span_find(passed, at + 1, '\n')) {
        yara->line++;
    }
    yara->counted_at = yara->at;
}

enum ov_status ov_yara_text_next(struct ov_yara_text *yara, struct ov_span *ret_text,
                                 uint32_t *ret_line) {
    TRY(skip_blanks(yara));
    if (is_end(yara)) {
        return OV_END;
    }
    count_lines(yara);
    size_t start = yara->at;
    TRY(skip_statement(yara));
    *ret_text = ov_span_part(yara->bytes, start, yara->at - start);
    *ret_line = yara->line;
    return OV_OK;
}

bool ov_yara_text_is_whole(struct ov_span bytes) {
    struct ov_yara_text yara;
    struct ov_span text;
    uint32_t line;
    enum ov_status status;
    ov_yara_text_init(bytes, &yara);
    while ((status = ov_yara_text_next(&yara, &text, &line)) == OV_OK) {
    }
    return status == OV_END;
}
