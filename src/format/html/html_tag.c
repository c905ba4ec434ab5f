// SPDX-License-Identifier: Apache-2.0
// HTML: tags, their attributes, and what they mean for the views.
#include "format/html/html_links.h"
#include "format/html/html_runs.h"

// ---- attributes of a tag: how long name and value are, 1 if there is a value, both
// ---------------

enum { HEAD_BYTES = 12 };

struct attribute {
    struct ov_span name, value;
    bool has_value;
};

// Whether the tag's attributes will be asked for. Where an encoded script may break into a tag,
// they count for the tag that follows it.
static bool needs_attributes(const struct ov_html *html) {
    struct ov_span tag = ov_html_name_span(&html->tag);
    return html->links != NULL || html->has_screnc || html->seeks_screnc || html->is_stepwise ||
           ov_span_is_text(tag, "a") || ov_span_is_text(tag, "img") ||
           ov_span_is_text(tag, "script") || ov_span_is_text(tag, "%@");
}

static void add_attribute(struct ov_html *html, bool has_value) {
    if (!needs_attributes(html)) {
        return;
    }
    struct ov_span name = ov_html_name_span(&html->attribute);
    struct ov_span value = ov_span_make(NULL, 0);
    if (has_value) {
        value = ov_html_name_span(&html->value);
        value = ov_span_part(value, 0, ov_span_find(value, 0, 0));
    }
    if (value.size > 0 && value.data[0] == '"') {
        value = ov_span_part(value, 1, value.size > 1 ? value.size - 2 : 0);
    }
    ov_buf_add_u32le(&html->attributes, (uint32_t)name.size);
    ov_buf_add_u32le(&html->attributes, (uint32_t)value.size);
    ov_buf_add_u32le(&html->attributes, has_value);
    ov_buf_add(&html->attributes, name.data, name.size);
    ov_buf_add(&html->attributes, value.data, value.size);
}

// The next attribute. False at the end.
static bool read_attribute(struct ov_cursor *in, struct attribute *ret_attribute) {
    if (ov_cursor_left(in) < HEAD_BYTES) {
        return false;
    }
    uint32_t name_size = ov_cursor_u32le(in), value_size = ov_cursor_u32le(in);
    ret_attribute->has_value = ov_cursor_u32le(in) != 0;
    ret_attribute->name = ov_cursor_bytes(in, name_size);
    ret_attribute->value = ov_cursor_bytes(in, value_size);
    return true;
}

struct ov_span ov_html_find_value(const struct ov_html *html, const char *name) {
    struct ov_cursor in = ov_cursor_init(ov_buf_span(&html->attributes));
    struct attribute attribute;
    while (read_attribute(&in, &attribute)) {
        if (ov_span_is_text(attribute.name, name)) {
            return attribute.has_value ? attribute.value : ov_span_make(NULL, 0);
        }
    }
    return ov_span_make(NULL, 0);
}

static void add_lower(struct ov_html *html, struct ov_span text) {
    for (size_t i = 0; i < text.size; i++) {
        ov_buf_add_u8(&html->plain, ov_html_lower(text.data[i]));
    }
}

// Writes the tag once more, with another language.
static void add_tag(struct ov_html *html, const char *language) {
    bool is_written = false;
    ov_buf_add_u8(&html->plain, '<');
    ov_buf_add(&html->plain, html->tag.bytes, html->tag.size);
    struct ov_cursor in = ov_cursor_init(ov_buf_span(&html->attributes));
    struct attribute attribute;
    while (read_attribute(&in, &attribute)) {
        ov_buf_add_u8(&html->plain, ' ');
        ov_buf_add(&html->plain, attribute.name.data, attribute.name.size);
        if (!is_written && ov_span_is_text(attribute.name, "language")) {
            attribute.value = ov_span_text(language);
            is_written = true;
        }
        if (attribute.has_value) {
            ov_buf_add_text(&html->plain, "=\"");
            add_lower(html, attribute.value);
            ov_buf_add_u8(&html->plain, '"');
        }
    }
    ov_buf_add_u8(&html->plain, '>');
}

// ---- what a tag means --------------------------------------------------------------------------

static bool is_text_in_any_case(struct ov_span span, const char *text) {
    bool is_it = span.size == strlen(text);
    for (size_t i = 0; i < span.size && is_it; i++) {
        is_it = ov_html_lower(span.data[i]) == (uint8_t)text[i];
    }
    return is_it;
}

static void end_script(struct ov_html *html) {
    html->inside = OV_HTML_NOTHING;
    if (html->script.is_open) {
        html->script_end = html->at;
        ov_html_feed_script(html);
    }
}

static void end_style(struct ov_html *html) {
    size_t tag_bytes = sizeof "</style>" - 1; // as if nothing stood between it and here
    if (html->at < tag_bytes) {
        html->failure = OV_DAMAGED;
        return;
    }
    ov_html_add_style(html, html->at - tag_bytes);
    html->inside = OV_HTML_NOTHING;
}

static void begin_script(struct ov_html *html) {
    struct ov_span language = ov_html_find_value(html, "language");
    bool is_jscript = is_text_in_any_case(language, "jscript.encode");
    if (is_jscript || is_text_in_any_case(language, "vbscript.encode")) {
        html->next = OV_HTML_ENCODED;
        add_tag(html, is_jscript ? "javascript" : "vbscript");
    }
    html->inside = OV_HTML_SCRIPT;
    if (!html->script.is_open) {
        enum ov_status status = ov_script_open(&html->script, html->walk);
        html->failure = status != OV_OK ? status : html->failure;
        html->script_begin = html->at;
        html->script_end = SIZE_MAX;
    }
}

// <%@ language=... %>: an encoded script comes, somewhere.
static void begin_page(struct ov_html *html) {
    struct ov_span language = ov_html_find_value(html, "language");
    if (is_text_in_any_case(language, "jscript.encode") ||
        is_text_in_any_case(language, "vbscript.encode")) {
        html->saved = html->next;
        html->next = html->state;
        html->state = OV_HTML_LOOK_FOR;
        html->seeks_screnc = false;
    }
}

// Where links and pictures lead is part of the view without tags.
static void add_address(struct ov_html *html, const char *attribute) {
    struct ov_span address = ov_html_find_value(html, attribute);
    if (address.size > 0) {
        ov_buf_add(&html->text, address.data, address.size);
        ov_buf_add_u8(&html->text, ' ');
        html->is_after_space = true;
    }
}

static void note_links(struct ov_html *html, struct ov_span tag) {
    static const char *const others[] = {"script", "style", "%@"};
    bool is_other = false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        is_other = is_other || ov_span_is_text(tag, others[i]);
    }
    if (ov_span_has_prefix(tag, "/")) {
        ov_html_links_end_tag(html);
    } else if (!is_other) {
        ov_html_links_tag(html);
    }
}

void ov_html_step_tag_end(struct ov_html *html) {
    struct ov_span tag = ov_html_name_span(&html->tag);
    ov_html_skip(html, OV_HTML_PLAIN);
    note_links(html, tag);
    if (ov_span_is_text(tag, "/script")) {
        end_script(html);
    } else if (ov_span_is_text(tag, "/style") && html->inside == OV_HTML_STYLE) {
        end_style(html);
    } else if (ov_span_is_text(tag, "script")) {
        begin_script(html);
    } else if (ov_span_is_text(tag, "style")) {
        html->inside = OV_HTML_STYLE;
        html->style_begin = html->at;
    } else if (ov_span_is_text(tag, "%@")) {
        begin_page(html);
    } else if (ov_span_is_text(tag, "a")) {
        add_address(html, "href");
    } else if (ov_span_is_text(tag, "img")) {
        add_address(html, "src");
    }
    ov_buf_reset(&html->attributes);
}

// ---- reading a tag -----------------------------------------------------------------------------

void ov_html_step_tag(struct ov_html *html) {
    uint8_t byte = ov_html_byte(html);
    bool is_code = html->inside != OV_HTML_NOTHING;
    if (ov_html_is_space(byte)) {
        html->attribute.size = 0;
        ov_html_skip(html, is_code ? OV_HTML_TAG_END : OV_HTML_ATTRIBUTE);
        return;
    }
    html->at++;
    if (byte == '!' && html->tag.size == 0) {
        if (is_code) {
            ov_buf_add_u8(&html->plain, '!');
        } else {
            ov_html_take_back(html);
        }
        html->state = OV_HTML_COMMENT;
        html->next = OV_HTML_BROKEN;
        return;
    }
    ov_buf_add_u8(&html->plain, ov_html_lower(byte));
    if (byte == '>') {
        ov_html_skip_soon(html, OV_HTML_TAG_END);
        return;
    }
    if (is_code && html->tag.size == 0 && byte != '/') {
        html->state = OV_HTML_PLAIN; // in a script only its end tag counts
    }
    ov_html_name_add(&html->tag, ov_html_lower(byte));
    if (html->state == OV_HTML_TAG) {
        ov_html_run_tag(html);
    }
}

void ov_html_step_comment(struct ov_html *html) {
    ov_html_run_comment(html);
    uint8_t byte = ov_html_byte(html);
    if (byte == 0) {
        return; // the run went to the end of the piece
    }
    if (html->inside != OV_HTML_NOTHING && !ov_html_is_space(byte)) {
        ov_buf_add_u8(&html->plain, byte == '\'' ? '"' : ov_html_lower(byte));
    }
    if (byte == '>') {
        ov_html_skip(html, OV_HTML_PLAIN);
    }
    html->at++;
}

static void begin_value(struct ov_html *html) {
    ov_buf_add_u8(&html->plain, '=');
    html->at++;
    html->is_escaped = false;
    html->quote = OV_HTML_UNQUOTED;
    html->value.size = 0;
    ov_html_skip_soon(html, OV_HTML_VALUE);
}

void ov_html_step_attribute(struct ov_html *html) {
    uint8_t byte = ov_html_byte(html);
    if (byte == '=') {
        begin_value(html);
    } else if (ov_html_is_space(byte)) {
        html->at++;
        ov_html_skip_soon(html, OV_HTML_EQUALS);
    } else if (byte == '>') {
        ov_buf_add_u8(&html->plain, '>');
        if (html->attribute.size > 0) {
            add_attribute(html, false);
        }
        html->at++;
        html->state = OV_HTML_TAG_END;
        html->next = OV_HTML_BROKEN;
    } else {
        if (html->attribute.size == 0) {
            ov_buf_add_u8(&html->plain, ' ');
        }
        ov_buf_add_u8(&html->plain, ov_html_lower(byte));
        ov_html_name_add(&html->attribute, ov_html_lower(byte));
        html->at++;
        ov_html_run_attribute(html);
    }
}

void ov_html_step_equals(struct ov_html *html) {
    if (ov_html_byte(html) == '=') {
        begin_value(html);
        return;
    }
    if (html->attribute.size > 0) {
        add_attribute(html, false);
    }
    html->attribute.size = 0;
    html->state = OV_HTML_ATTRIBUTE;
    html->next = OV_HTML_BROKEN;
}

// ---- values ------------------------------------------------------------------------------------

static void end_value(struct ov_html *html) {
    add_attribute(html, true);
    html->attribute.size = 0;
    ov_html_skip_soon(html, OV_HTML_ATTRIBUTE);
}

// A quote of either kind is written as a double one.
static void take_quote(struct ov_html *html, enum ov_html_quote quote) {
    bool is_first = html->value.size == 0;
    bool is_last = !is_first && !html->is_escaped && html->quote == quote;
    html->quote = is_first ? quote : html->quote;
    ov_buf_add_u8(&html->plain, '"');
    ov_html_name_add(&html->value, '"');
    html->at++;
    if (is_last) {
        end_value(html);
    }
}

// White space or ">" ends a value without quotes. In one with quotes it makes it one without, and
// white space behind it is skipped.
static void take_gap(struct ov_html *html) {
    if (html->quote == OV_HTML_UNQUOTED) {
        end_value(html);
        return;
    }
    uint8_t byte = ov_html_byte(html);
    ov_buf_add_u8(&html->plain, byte);
    ov_html_name_add(&html->value, byte == '>' ? '>' : ' ');
    html->is_escaped = false;
    html->quote = OV_HTML_UNQUOTED;
    html->at++;
    ov_html_skip(html, OV_HTML_VALUE);
}

static void add_value_byte(struct ov_html *html, uint8_t byte) {
    ov_buf_add_u8(&html->plain, byte);
    ov_html_name_add(&html->value, byte);
}

// Writes bytes from 0x80 on that were held back. Returns whether the next one is part of them.
static bool add_high(struct ov_html *html, uint8_t next) {
    uint32_t high = html->value_high;
    html->value_high = 0;
    if (ov_html_is_full_stop(high, next)) {
        add_value_byte(html, '.');
        return high == 0xa1;
    }
    uint8_t bytes[3] = {(uint8_t)(high >> 16), (uint8_t)(high >> 8), (uint8_t)high};
    if (bytes[0] != 0) {
        add_value_byte(html, bytes[0]);
    }
    if (bytes[0] != 0 || bytes[1] != 0) {
        add_value_byte(html, bytes[1]);
    }
    add_value_byte(html, bytes[2]);
    return false;
}

static void take_value_byte(struct ov_html *html) {
    uint8_t byte = ov_html_byte(html);
    html->at++;
    if (html->value_high != 0 && (byte < 0x80 || html->value_high >= 0x10000) &&
        add_high(html, byte)) {
        return;
    }
    if (byte >= 0x80) {
        html->value_high = html->value_high << 8 | byte;
    } else {
        ov_buf_add_u8(&html->plain, ov_html_lower(byte));
        ov_html_name_add(&html->value, byte);
    }
}

static bool begins_data(const struct ov_html *html) {
    struct ov_span value = ov_html_name_span(&html->value);
    return ov_span_is_text(value, "data:") || ov_span_is_text(value, "\"data:");
}

void ov_html_step_value(struct ov_html *html) {
    uint8_t byte = ov_html_byte(html);
    if (begins_data(html)) {
        ov_html_take_back(html); // the colon: what is a view must not be read as HTML with data
        if (html->quote != OV_HTML_UNQUOTED) {
            ov_buf_add_u8(&html->plain, '"');
        }
        html->value.size = 0;
        html->state = OV_HTML_DATA_TYPE;
        html->next = OV_HTML_ATTRIBUTE;
    } else if (byte == '&') {
        html->at++;
        html->state = OV_HTML_REFERENCE;
        html->next = OV_HTML_VALUE;
    } else if (byte == '\'' || byte == '"') {
        take_quote(html, byte == '"' ? OV_HTML_DOUBLE : OV_HTML_SINGLE);
    } else if (ov_html_is_space(byte) || byte == '>') {
        take_gap(html);
    } else {
        take_value_byte(html);
        ov_html_run_value(html);
    }
    ov_html_note_escape(html);
}
