// SPDX-License-Identifier: Apache-2.0
// HTML: images that style sheets carry with them, url("data:image/png;base64,...").
#include "format/codec/base64.h"
#include "format/html/html_reader.h"

static bool is_margin(uint8_t byte) {
    return ov_html_is_space(byte) || byte == '"' || byte == '\'';
}

// Without white space and quotes around it.
static struct ov_span trim(struct ov_span text) {
    while (text.size > 0 && is_margin(text.data[0])) {
        text = ov_span_from(text, 1);
    }
    while (text.size > 0 && is_margin(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

// Goes past white space and a word. False when another one stands there.
static bool skip_word(struct ov_span *text, const char *word) {
    size_t begin = 0;
    while (begin < text->size && ov_html_is_space(text->data[begin])) {
        begin++;
    }
    struct ov_span rest = ov_span_from(*text, begin);
    bool is_there = ov_span_has_prefix(rest, word);
    *text = is_there ? ov_span_from(rest, strlen(word)) : *text;
    return is_there;
}

// What stands in the brackets that `text` begins in. False when they do not end.
static bool take_brackets(struct ov_span *text, struct ov_span *ret_inside) {
    size_t depth = 1;
    for (size_t i = 0; i < text->size; i++) {
        depth += text->data[i] == '(';
        depth -= text->data[i] == ')';
        if (depth == 0) {
            *ret_inside = ov_span_part(*text, 0, i);
            *text = ov_span_from(*text, i);
            return true;
        }
    }
    return false;
}

// Whether the address is data in base 64, and where that begins.
static bool find_base64(struct ov_span address, struct ov_span *ret_data) {
    address = trim(address);
    if (!skip_word(&address, "data:")) {
        return false;
    }
    address = ov_span_from(address, ov_span_find(address, 0, ';'));
    if (!skip_word(&address, ";") || !skip_word(&address, "base64") || !skip_word(&address, ",")) {
        return false;
    }
    *ret_data = address;
    return true;
}

static enum ov_status walk_image(struct ov_html *html, struct ov_span text, struct ov_buf *image) {
    struct ov_base64_signs signs;
    ov_buf_reset(image);
    size_t room = ov_walk_room(html->walk);
    enum ov_status status = ov_base64_decode(text, OV_BASE64_TO_PAD, room, image, &signs);
    if (status == OV_MEMORY) {
        return status;
    }
    if (status == OV_LIMIT) {
        ov_walk_note_cut(html->walk);
    }
    return ov_walk_member(html->walk, ov_buf_span(image), ov_span_make(NULL, 0), OV_FILETYPE_NONE);
}

enum ov_status ov_html_walk_style(struct ov_html *html) {
    struct ov_span rest = ov_buf_span(&html->style), address, data;
    OV_CLEANUP(ov_buf_release) struct ov_buf image = {0};
    while (rest.size > 0) {
        const uint8_t *word = memmem(rest.data, rest.size, "url", 3);
        rest = word == NULL ? ov_span_make(NULL, 0)
                            : ov_span_from(rest, (size_t)(word - rest.data) + 3);
        if (!skip_word(&rest, "(")) {
            continue;
        }
        if (!take_brackets(&rest, &address)) {
            break;
        }
        if (find_base64(address, &data)) {
            TRY(walk_image(html, data, &image));
        }
    }
    return OV_OK;
}
