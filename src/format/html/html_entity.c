// SPDX-License-Identifier: Apache-2.0
// HTML: references to characters, by name and by number.
#include "format/html/entity.h"
#include "format/html/html_reader.h"

enum { REFERENCE_BYTES = 8 }; // "&#x20ac;"

static bool is_digit(uint8_t byte) {
    return (uint8_t)(byte - '0') < 10;
}

static bool is_letter(uint8_t byte) {
    return (uint8_t)((byte | 0x20) - 'a') < 26;
}

static bool is_hex_digit(uint8_t byte) {
    return is_digit(byte) || (uint8_t)((byte | 0x20) - 'a') < 6;
}

// Adds to the view, and to the value that is read, if it is one.
static void add_byte(struct ov_html *html, uint8_t byte) {
    ov_buf_add_u8(&html->plain, byte);
    if (html->next == OV_HTML_VALUE) {
        ov_html_name_add(&html->value, byte);
    }
}

// A character: one byte below 0xff, the full stops of other scripts as dots, any other one as a
// reference by number. Returns how many bytes it takes.
static size_t write_character(uint16_t value, uint8_t ret_bytes[REFERENCE_BYTES]) {
    static const char digits[] = "0123456789abcdef";
    if (value == 0) {
        return 0;
    }
    if (value < 0xff) {
        ret_bytes[0] = (uint8_t)value;
        return 1;
    }
    if (value == 0x3002 || value == 0xff0e || value == 0xfe52) {
        ret_bytes[0] = '.';
        return 1;
    }
    memcpy(ret_bytes, "&#x0000;", REFERENCE_BYTES);
    for (size_t i = 0; i < 4; i++) {
        ret_bytes[6 - i] = (uint8_t)digits[value >> 4 * i & 0xf];
    }
    return REFERENCE_BYTES;
}

void ov_html_step_reference(struct ov_html *html) {
    if (ov_html_byte(html) == '#') {
        html->number = 0;
        html->is_hex = false;
        html->at++;
        html->state = OV_HTML_CHARACTER;
    } else {
        html->state = OV_HTML_ENTITY;
    }
}

// ---- by name -----------------------------------------------------------------------------------

static void add_as_written(struct ov_html *html) {
    add_byte(html, '&');
    for (size_t i = 0; i < html->entity.size; i++) {
        add_byte(html, ov_html_lower(html->entity.bytes[i]));
    }
    html->entity.size = 0;
}

// Writes what the name stands for, or the name in lower case. Returns whether it is known.
static bool add_entity(struct ov_html *html) {
    uint16_t value;
    if (!ov_entity_find(ov_html_name_span(&html->entity), &value)) {
        add_as_written(html);
        return false;
    }
    uint8_t bytes[REFERENCE_BYTES];
    size_t size = write_character(value, bytes);
    for (size_t i = 0; i < size; i++) {
        add_byte(html, bytes[i]);
    }
    html->entity.size = 0;
    return true;
}

void ov_html_step_entity(struct ov_html *html) {
    uint8_t byte = ov_html_byte(html);
    bool is_name = is_letter(byte) || is_digit(byte) || byte == '_' || byte == ':' || byte == '-';
    if (is_name && html->entity.size < OV_HTML_NAME_BYTES) {
        ov_html_name_add(&html->entity, byte);
        html->at++;
        return;
    }
    if (byte == ';') {
        html->at++;
        if (!add_entity(html)) {
            add_byte(html, ';');
        }
    } else {
        add_as_written(html);
    }
    ov_html_go_on(html);
}

void ov_html_end_entity(struct ov_html *html) {
    html->next = OV_HTML_BROKEN; // it goes to no value any more
    if (html->entity.size > 0) {
        (void)add_entity(html);
    }
}

// ---- by number ---------------------------------------------------------------------------------

static void end_character(struct ov_html *html) {
    if (html->next == OV_HTML_VALUE) {
        ov_html_name_add(&html->value, (uint8_t)html->number);
    }
    if (html->number < 0x80) {
        ov_buf_add_u8(&html->plain, ov_html_lower((uint8_t)html->number));
    } else {
        uint8_t bytes[REFERENCE_BYTES];
        ov_buf_add(&html->plain, bytes, write_character((uint16_t)html->number, bytes));
    }
    html->at++;
    ov_html_go_on(html);
}

// Puts a digit behind the number. False when it would not fit.
static bool add_digit(struct ov_html *html, uint8_t digit) {
    int64_t value = html->number;
    if (html->is_hex && value < INT64_MAX / 16) {
        value *= 16;
    } else if (value < INT64_MAX / 10) {
        value *= 10;
    } else {
        return false;
    }
    html->number = value;
    int64_t sum;
    int added = is_digit(digit) ? digit - '0' : ov_html_lower(digit) - 'a' + 10;
    if (__builtin_add_overflow(value, added, &sum)) {
        return false;
    }
    html->number = sum;
    return true;
}

void ov_html_step_character(struct ov_html *html) {
    uint8_t byte = ov_html_byte(html);
    bool is_part = is_digit(byte) || (html->is_hex && is_hex_digit(byte));
    if (html->number == 0 && (byte == 'x' || byte == 'X')) {
        html->is_hex = true;
        html->at++;
    } else if (byte == ';') {
        end_character(html);
    } else if (is_part && add_digit(html, byte)) {
        html->at++;
    } else {
        // Broken off, or too large, whose last digit is lost.
        ov_buf_add_u8(&html->plain, (uint8_t)html->number);
        html->at += is_part;
        ov_html_go_on(html);
    }
}
