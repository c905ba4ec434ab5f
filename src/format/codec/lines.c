// SPDX-License-Identifier: Apache-2.0
// Lines of a text, and words in whatever case.
#include "format/codec/lines.h"

#include <ctype.h>

enum { LOOK_BYTES = 4096 }; // without a line feed in these, returns end lines

struct ov_lines ov_lines_init(struct ov_span text, size_t from) {
    struct ov_span first = ov_span_part(text, 0, LOOK_BYTES);
    bool has_feed = ov_span_find(first, 0, '\n') < first.size;
    bool has_return = ov_span_find(first, 0, '\r') < first.size;
    return (struct ov_lines){
        .text = text, .at = from, .stop = !has_feed && has_return ? '\r' : '\n'};
}

bool ov_lines_next(struct ov_lines *lines, struct ov_line *ret_line) {
    if (lines->at >= lines->text.size) {
        return false;
    }
    size_t start = lines->at;
    size_t stop = ov_span_find(lines->text, start, lines->stop);
    size_t end = stop;
    while (end > start && lines->text.data[end - 1] == '\r') {
        end--;
    }
    lines->at = stop < lines->text.size ? stop + 1 : stop;
    *ret_line = (struct ov_line){
        .text = ov_span_part(lines->text, start, end - start), .start = start, .next = lines->at};
    return true;
}

bool ov_lines_peek(const struct ov_lines *lines, struct ov_line *ret_line) {
    struct ov_lines copy = *lines;
    return ov_lines_next(&copy, ret_line);
}

size_t ov_lines_before(struct ov_span text, size_t start, size_t end) {
    if (end > start && text.data[end - 1] == '\n') {
        end--;
        return end > start && text.data[end - 1] == '\r' ? end - 1 : end;
    }
    return end > start && text.data[end - 1] == '\r' ? end - 1 : end;
}

size_t ov_lines_find(struct ov_span text, size_t from, const char *prefix) {
    size_t size = strlen(prefix);
    for (size_t at = from; at < text.size;) {
        const uint8_t *hit = memmem(text.data + at, text.size - at, prefix, size);
        if (hit == NULL) {
            break;
        }
        size_t start = (size_t)(hit - text.data);
        if (start == from || text.data[start - 1] == '\n' || text.data[start - 1] == '\r') {
            return start;
        }
        at = start + 1;
    }
    return text.size;
}

static bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == 0;
}

bool ov_line_is_blank(struct ov_span line) {
    return ov_line_trim(line).size == 0;
}

struct ov_span ov_line_trim(struct ov_span line) {
    size_t start = 0, end = line.size;
    while (start < end && is_blank(line.data[start])) {
        start++;
    }
    while (end > start && is_blank(line.data[end - 1])) {
        end--;
    }
    return ov_span_part(line, start, end - start);
}

bool ov_text_has_prefix(struct ov_span text, const char *prefix) {
    size_t size = strlen(prefix);
    if (text.size < size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (tolower(text.data[i]) != prefix[i]) {
            return false;
        }
    }
    return true;
}

size_t ov_text_find(struct ov_span text, size_t from, const char *needle) {
    for (size_t at = from; at < text.size; at++) {
        if (tolower(text.data[at]) == needle[0] &&
            ov_text_has_prefix(ov_span_from(text, at), needle)) {
            return at;
        }
    }
    return text.size;
}
