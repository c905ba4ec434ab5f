// SPDX-License-Identifier: Apache-2.0
// HTML: data: URLs (RFC 2397) in attributes. Each becomes a mail of one part.
#include "format/html/html_reader.h"

enum { DATA_MAX = 1 << 16, DIGITS_MAX = 2 }; // URLs that are kept; digits behind "%"

static bool is_digit(uint8_t byte) {
    return (uint8_t)(byte - '0') < 10;
}

static bool is_hex_digit(uint8_t byte) {
    return is_digit(byte) || (uint8_t)((byte | 0x20) - 'a') < 6;
}

static void add_data(struct ov_html *html, uint8_t byte) {
    if (html->has_data) {
        ov_buf_add_u8(&html->data, byte);
    }
}

static void close_data(struct ov_html *html) {
    if (html->has_data) {
        ov_buf_add_u64le(&html->data_ends, html->data.size);
        html->has_data = false;
    }
}

// Whether the value goes on where quotes end it, or white space if there are none.
static bool is_end(const struct ov_html *html, uint8_t byte) {
    if (byte == '\'' || byte == '"') {
        enum ov_html_quote quote = byte == '"' ? OV_HTML_DOUBLE : OV_HTML_SINGLE;
        return !html->is_escaped && html->quote == quote;
    }
    bool is_gap = ov_html_is_space(byte) || byte == '>';
    return is_gap && html->quote == OV_HTML_UNQUOTED;
}

// What stands before the comma: type and encoding. White space in quotes ends the quotes.
void ov_html_step_data_type(struct ov_html *html) {
    uint8_t byte = ov_html_byte(html);
    bool is_quote = byte == '\'' || byte == '"';
    bool is_gap = ov_html_is_space(byte) || byte == '>';
    if (is_end(html, byte)) { // too early: no data
        html->at += is_quote;
        html->attribute.size = 0;
        ov_html_skip(html, OV_HTML_ATTRIBUTE);
    } else if (is_gap) {
        ov_html_name_add(&html->value, byte == '>' ? '>' : ' ');
        html->quote = OV_HTML_UNQUOTED;
        html->at++;
        ov_html_skip(html, OV_HTML_DATA_TYPE);
    } else if (byte == ',') {
        html->at++;
        html->state = OV_HTML_DATA_OPEN;
        html->next = OV_HTML_BROKEN;
    } else {
        ov_html_name_add(&html->value, is_quote ? '"' : ov_html_lower(byte));
        html->at++;
    }
    ov_html_note_escape(html);
}

void ov_html_step_data_open(struct ov_html *html) {
    struct ov_span type = ov_html_name_span(&html->value);
    close_data(html);
    html->has_data = html->data_ends.size / sizeof(uint64_t) < DATA_MAX;
    if (html->has_data) {
        bool is_base64 = memmem(type.data, type.size, ";base64", 7) != NULL;
        ov_buf_add_text(&html->data, "From html-normalise\nContent-type: ");
        ov_buf_add(&html->data, type.data, type.size);
        ov_buf_add_text(&html->data,
                        is_base64 ? "\nContent-transfer-encoding: base64\n\n" : "\n\n");
    } else {
        ov_walk_note_cut(html->walk);
    }
    html->state = OV_HTML_DATA;
    html->is_binary = true;
}

void ov_html_step_data(struct ov_html *html) {
    uint8_t byte = ov_html_byte(html);
    html->at++;
    if (byte == '&') {
        html->state = OV_HTML_REFERENCE;
        html->next = OV_HTML_DATA;
    } else if (byte == '%') {
        html->digits = 0;
        html->number = 0;
        html->state = OV_HTML_HEX;
        html->next = OV_HTML_DATA_BYTE;
    } else if (is_end(html, byte)) {
        html->state = OV_HTML_DATA_CLOSE;
    } else {
        add_data(html, byte);
    }
    ov_html_note_escape(html);
}

void ov_html_step_data_close(struct ov_html *html) {
    close_data(html);
    html->is_escaped = false;
    html->quote = OV_HTML_UNQUOTED;
    html->is_binary = false;
    ov_html_skip(html, OV_HTML_ATTRIBUTE);
}

// Two digits; a byte that is none counts as 0 and ends them.
void ov_html_step_hex(struct ov_html *html) {
    uint8_t byte = ov_html_byte(html);
    html->at++;
    html->digits++;
    html->number *= 16;
    if (is_digit(byte)) {
        html->number += byte - '0';
    } else if (is_hex_digit(byte)) {
        html->number += ov_html_lower(byte) - 'a' + 10;
    } else {
        html->state = html->next;
    }
    if (html->digits == DIGITS_MAX) {
        html->state = html->next;
    }
}

void ov_html_step_data_byte(struct ov_html *html) {
    if (html->digits == DIGITS_MAX) {
        add_data(html, (uint8_t)html->number);
    } else {
        add_data(html, '%');
        if (html->digits == 1) {
            add_data(html, (uint8_t)(html->number + '0'));
        }
    }
    html->state = OV_HTML_DATA;
}
