// SPDX-License-Identifier: Apache-2.0
// A lenient pull scanner for XML 1.0.
#include "format/office/xml_scan.h"

#include "format/codec/base64.h"

struct ov_xml ov_xml_init(struct ov_span document) {
    return (struct ov_xml){.in = ov_cursor_init(document)};
}

static bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

// Takes what stands in front of `stop`, and `stop` too; without one, the rest.
static struct ov_span take_until(struct ov_cursor *in, const char *stop) {
    struct ov_span rest = ov_span_from(in->bytes, in->at);
    const uint8_t *hit = rest.size > 0 ? memmem(rest.data, rest.size, stop, strlen(stop)) : NULL;
    size_t size = hit != NULL ? (size_t)(hit - rest.data) : rest.size;
    ov_cursor_skip(in, size + (hit != NULL ? strlen(stop) : 0));
    return ov_span_part(rest, 0, size);
}

static bool is_next(const struct ov_cursor *in, const char *text) {
    return ov_span_has_prefix(ov_span_from(in->bytes, in->at), text);
}

// Up to the '>' that stands in no quotes.
static struct ov_span take_tag(struct ov_cursor *in) {
    size_t start = in->at, end = in->bytes.size;
    for (size_t i = start; i < in->bytes.size; i++) {
        uint8_t byte = in->bytes.data[i];
        if (byte == '>') {
            end = i;
            break;
        }
        if (byte == '"' || byte == '\'') {
            i = ov_span_find(in->bytes, i + 1, byte);
        }
    }
    ov_cursor_seek(in, end < in->bytes.size ? end + 1 : end);
    return ov_span_part(in->bytes, start, end - start);
}

static struct ov_span drop_prefix(struct ov_span name) {
    size_t colon = ov_span_find(name, 0, ':');
    return colon < name.size ? ov_span_from(name, colon + 1) : name;
}

static enum ov_xml_event read_tag(struct ov_xml *xml) {
    bool is_close = is_next(&xml->in, "/");
    ov_cursor_skip(&xml->in, is_close ? 1 : 0);
    struct ov_span tag = take_tag(&xml->in);
    bool is_empty = tag.size > 0 && tag.data[tag.size - 1] == '/';
    tag.size -= is_empty ? 1 : 0;
    size_t end = 0;
    while (end < tag.size && !is_space(tag.data[end])) {
        end++;
    }
    xml->name = drop_prefix(ov_span_part(tag, 0, end));
    xml->attributes = ov_span_from(tag, end);
    if (is_close) {
        return OV_XML_CLOSE;
    }
    return is_empty ? OV_XML_EMPTY : OV_XML_OPEN;
}

enum ov_xml_event ov_xml_next(struct ov_xml *xml) {
    struct ov_cursor *in = &xml->in;
    while (ov_cursor_left(in) > 0) {
        if (is_next(in, "<!--")) {
            (void)take_until(in, "-->");
        } else if (is_next(in, "<![CDATA[")) {
            ov_cursor_skip(in, strlen("<![CDATA["));
            xml->text = take_until(in, "]]>");
            return OV_XML_TEXT;
        } else if (is_next(in, "<?")) {
            (void)take_until(in, "?>");
        } else if (is_next(in, "<!")) {
            (void)take_until(in, ">");
        } else if (is_next(in, "<")) {
            ov_cursor_skip(in, 1);
            return read_tag(xml);
        } else {
            size_t end = ov_span_find(in->bytes, in->at, '<');
            xml->text = ov_span_part(in->bytes, in->at, end - in->at);
            ov_cursor_seek(in, end);
            return OV_XML_TEXT;
        }
    }
    return OV_XML_END;
}

struct ov_span ov_xml_attribute(const struct ov_xml *xml, const char *name) {
    struct ov_cursor in = ov_cursor_init(xml->attributes);
    while (ov_cursor_left(&in) > 0) {
        struct ov_span key = ov_cursor_until(&in, '=');
        while (key.size > 0 && is_space(key.data[0])) {
            key = ov_span_from(key, 1);
        }
        while (key.size > 0 && is_space(key.data[key.size - 1])) {
            key.size--;
        }
        uint8_t quote = ov_cursor_u8(&in);
        while (is_space(quote)) {
            quote = ov_cursor_u8(&in);
        }
        if (quote != '"' && quote != '\'') {
            break;
        }
        struct ov_span value = ov_cursor_until(&in, quote);
        if (ov_span_is_text(drop_prefix(key), name)) {
            return value;
        }
    }
    return ov_span_make(NULL, 0);
}

enum ov_status ov_xml_read_text(struct ov_xml *xml, struct ov_buf *text) {
    struct ov_span element = xml->name;
    enum ov_xml_event event = ov_xml_next(xml);
    while (event != OV_XML_END &&
           !(event == OV_XML_CLOSE && ov_span_is_equal(xml->name, element))) {
        if (event == OV_XML_TEXT) {
            ov_buf_add(text, xml->text.data, xml->text.size);
        }
        event = ov_xml_next(xml);
    }
    return ov_buf_status(text);
}

enum ov_status ov_xml_read_base64(struct ov_xml *xml, struct ov_walk *walk, struct ov_buf *plain) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    TRY(ov_xml_read_text(xml, &text));
    struct ov_base64_signs signs;
    enum ov_status status =
        ov_base64_decode(ov_buf_span(&text), OV_BASE64_ALL, ov_walk_room(walk), plain, &signs);
    if (status == OV_LIMIT) {
        ov_walk_note_cut(walk);
        return OV_OK;
    }
    return status;
}
