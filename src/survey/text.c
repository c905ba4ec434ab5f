// SPDX-License-Identifier: Apache-2.0
// Lines and words of configuration files.
#include "survey/text.h"

bool ov_survey_line(struct ov_survey_lines *lines, struct ov_span *ret_line) {
    if (lines->rest.size == 0) {
        return false;
    }
    size_t end = ov_span_find(lines->rest, 0, '\n');
    *ret_line = ov_span_part(lines->rest, 0, end);
    if (ret_line->size > 0 && ret_line->data[ret_line->size - 1] == '\r') {
        ret_line->size--;
    }
    lines->rest = ov_span_from(lines->rest, end + 1);
    lines->number++;
    return true;
}

static bool is_joined(struct ov_span line) {
    return line.size > 0 && line.data[line.size - 1] == '\\';
}

bool ov_survey_long_line(struct ov_survey_lines *lines, struct ov_buf *joined,
                         struct ov_span *ret_line) {
    struct ov_span line;
    if (!ov_survey_line(lines, &line)) {
        return false;
    }
    if (!is_joined(line)) {
        *ret_line = line;
        return true;
    }
    ov_buf_reset(joined);
    bool has_more = true;
    while (has_more && is_joined(line)) {
        ov_buf_add(joined, line.data, line.size - 1);
        ov_buf_add_u8(joined, ' ');
        line.size = 0;
        has_more = ov_survey_line(lines, &line);
    }
    ov_buf_add(joined, line.data, line.size);
    *ret_line = ov_buf_span(joined);
    return true;
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

struct ov_span ov_survey_trim(struct ov_span text) {
    size_t start = 0;
    while (start < text.size && is_space(text.data[start])) {
        start++;
    }
    text = ov_span_from(text, start);
    while (text.size > 0 && is_space(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

bool ov_survey_word(struct ov_span *text, struct ov_span *ret_word) {
    struct ov_span rest = ov_survey_trim(*text);
    size_t end = 0;
    while (end < rest.size && !is_space(rest.data[end])) {
        end++;
    }
    *ret_word = ov_span_part(rest, 0, end);
    *text = ov_span_from(rest, end);
    return end > 0;
}

bool ov_survey_split(struct ov_span text, uint8_t at, struct ov_span *ret_left,
                     struct ov_span *ret_right) {
    size_t place = ov_span_find(text, 0, at);
    if (place == text.size) {
        return false;
    }
    struct ov_span right = ov_span_from(text, place + 1);
    *ret_left = ov_survey_trim(ov_span_part(text, 0, place));
    *ret_right = ov_survey_trim(right);
    return true;
}

static bool ends_path(uint8_t byte) {
    return byte == 0 || is_space(byte) || memchr("\"'`;|&<>(){}$,:=!", byte, 17) != NULL;
}

bool ov_survey_path(struct ov_span *text, struct ov_span *ret_path) {
    for (size_t at = 0; at < text->size; at++) {
        if (text->data[at] != '/' || (at > 0 && !ends_path(text->data[at - 1]))) {
            continue;
        }
        size_t end = at;
        while (end < text->size && !ends_path(text->data[end])) {
            end++;
        }
        *ret_path = ov_span_part(*text, at, end - at);
        *text = ov_span_from(*text, end);
        if (ret_path->size > 1 && ret_path->data[1] != '/') { // that would be of a URL
            return true;
        }
        at = SIZE_MAX; // go on behind it
    }
    return false;
}
