// SPDX-License-Identifier: Apache-2.0
// HTML: runs of bytes that need no step of their own.
#include "format/html/html_runs.h"

// Of which runs a byte may be a part. A return is part of none: the reader leaves it out before it
// looks at the state. Neither is the zero at the end of the piece.
enum {
    IN_PLAIN = 1 << 0, // a word or white space (base/page_words.h)
    IN_TAG = 1 << 1,
    IN_ATTRIBUTE = 1 << 2,
    IN_VALUE = 1 << 3,
};

static uint8_t classify(uint8_t byte) {
    bool is_space = ov_html_is_space(byte);
    bool is_ascii = byte < 0x80;
    if (byte == 0 || byte == '\r') {
        return 0;
    }
    bool is_word = byte > ' ' && is_ascii && byte != '<' && byte != '&';
    bool is_tag = !is_space && byte != '>';
    bool is_value = is_tag && is_ascii && byte != '&' && byte != '\'' && byte != '"';
    return (uint8_t)((is_word || is_space ? IN_PLAIN : 0) | (is_tag ? IN_TAG : 0) |
                     (is_tag && byte != '=' ? IN_ATTRIBUTE : 0) | (is_value ? IN_VALUE : 0));
}

// Made at the first call; of constants, so that it is always the same.
static const uint8_t *get_classes(void) {
    static uint8_t classes[256];
    static bool is_made;
    for (unsigned byte = 0; !is_made && byte < 256; byte++) {
        classes[byte] = classify((uint8_t)byte);
    }
    is_made = true;
    return classes;
}

// ---- plain text --------------------------------------------------------------------------------

bool ov_html_run_plain(struct ov_html *html) {
    uint8_t *in = &html->piece[html->at];
    size_t left = OV_HTML_PIECE_BYTES - html->at; // a zero ends the piece
    bool begins_with_space = ov_html_is_space(*in);
    bool is_code = html->inside != OV_HTML_NOTHING;
    uint8_t *out = NULL;
    if ((get_classes()[*in] & IN_PLAIN) != 0 && !html->is_binary && !html->is_stepwise) {
        out = ov_buf_reserve(&html->plain, left + OV_PAGE_WORDS_SLACK);
    }
    if (out == NULL) {
        return false;
    }
    struct ov_page_words words = html->read_words(in, left, is_code, out);
    html->at += words.read;
    if (!is_code) {
        size_t skipped = begins_with_space && html->is_after_space;
        ov_buf_add(&html->text, out + skipped, words.written - skipped);
        html->is_after_space = words.is_after_space;
    }
    // The space in the view without comments is written once something follows it.
    uint8_t next = ov_html_byte(html);
    bool is_open = words.is_after_space && (next == 0 || next == '\r');
    ov_buf_commit(&html->plain, words.written - (is_open && !is_code));
    if (words.has_gap) {
        html->next = is_open ? OV_HTML_PLAIN : OV_HTML_BROKEN;
    }
    html->state = is_open ? OV_HTML_TRIM : OV_HTML_PLAIN;
    return true;
}

// ---- tags --------------------------------------------------------------------------------------

static size_t measure_run(const struct ov_html *html, uint8_t class) {
    const uint8_t *classes = get_classes();
    const uint8_t *run = &html->piece[html->at];
    size_t size = 0;
    while ((classes[run[size]] & class) != 0) {
        size++;
    }
    return html->is_stepwise ? 0 : size;
}

// Adds the run in small letters to the view. Returns where it stands there, or NULL.
static const uint8_t *add_lower(struct ov_html *html, size_t size) {
    const uint8_t *run = &html->piece[html->at];
    uint8_t *plain = size > 0 ? ov_buf_reserve(&html->plain, size) : NULL;
    for (size_t i = 0; plain != NULL && i < size; i++) {
        plain[i] = ov_html_lower(run[i]);
    }
    ov_buf_commit(&html->plain, plain != NULL ? size : 0);
    return plain;
}

static void add_to_name(struct ov_html_name *name, const uint8_t *bytes, size_t size) {
    size_t room = OV_HTML_NAME_BYTES - name->size;
    size = size < room ? size : room;
    memcpy(name->bytes + name->size, bytes, size);
    name->size += size;
}

static void run_name(struct ov_html *html, uint8_t class, struct ov_html_name *name) {
    size_t size = measure_run(html, class);
    const uint8_t *lower = add_lower(html, size);
    if (lower != NULL) {
        add_to_name(name, lower, size);
        html->at += size;
    }
}

void ov_html_run_tag(struct ov_html *html) {
    run_name(html, IN_TAG, &html->tag);
}

void ov_html_run_attribute(struct ov_html *html) {
    run_name(html, IN_ATTRIBUTE, &html->attribute);
}

// Whether the value may still turn out to be data ("data:", with or without a quote before it), so
// that more than the next byte counts.
static bool may_be_data(const struct ov_html *html) {
    size_t quotes = html->value.size > 0 && html->value.bytes[0] == '"';
    return html->value.size <= quotes ||
           (html->value.bytes[quotes] == 'd' && html->value.size <= quotes + sizeof "data:" - 1);
}

void ov_html_run_value(struct ov_html *html) {
    if (html->value_high != 0 || may_be_data(html)) {
        return;
    }
    size_t size = measure_run(html, IN_VALUE);
    if (add_lower(html, size) != NULL) {
        add_to_name(&html->value, &html->piece[html->at], size);
        html->at += size;
    }
}

void ov_html_run_comment(struct ov_html *html) {
    uint8_t *piece = html->piece;
    size_t at = html->at;
    if (html->inside != OV_HTML_NOTHING || html->is_stepwise) {
        return;
    }
    for (; piece[at] != '>' && piece[at] != 0; at++) {
        if (piece[at] == '\n' && !html->is_binary) {
            piece[at] = ' ';
        }
    }
    html->at = at;
}
