// SPDX-License-Identifier: Apache-2.0
// HWPML: Hangul documents as XML (Hancom, "HWPML 2.x"), with files in base64 and scripts.
#include "format/codec/codec.h"
#include "format/format.h"
#include "format/office/hwp.h"
#include "format/codec/utf16.h"
#include "format/office/xml_scan.h"

// Adds the character of a reference; false when it is none that XML has by itself.
static bool add_reference(struct ov_buf *text, struct ov_span name) {
    static const struct {
        const char *name;
        char character;
    } known[] = {{"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < OV_COUNT(known); i++) {
        if (ov_span_is_text(name, known[i].name)) {
            ov_buf_add_u8(text, (uint8_t)known[i].character);
            return true;
        }
    }
    bool is_hex = ov_span_has_prefix(name, "#x");
    uint32_t value = 0;
    size_t at = is_hex ? 2 : 1;
    bool is_number = ov_span_has_prefix(name, "#") && at < name.size;
    for (; is_number && at < name.size; at++) {
        unsigned byte = name.data[at];
        unsigned lower = byte | 0x20;
        bool is_digit = byte >= '0' && byte <= '9';
        bool is_letter = is_hex && lower >= 'a' && lower <= 'f';
        value = value * (is_hex ? 16 : 10) + (is_digit ? byte - '0' : lower - 'a' + 10);
        is_number = (is_digit || is_letter) && value <= 0x10ffff;
    }
    if (is_number) {
        ov_utf8_add(text, value);
    }
    return is_number;
}

static void resolve(struct ov_span raw, struct ov_buf *text) {
    enum { REFERENCE_MAX = 12 };
    size_t at = 0;
    while (at < raw.size) {
        size_t next = ov_span_find(raw, at, '&');
        ov_buf_add(text, raw.data + at, next - at);
        struct ov_span near = ov_span_part(raw, next + 1, REFERENCE_MAX);
        struct ov_span name = ov_span_part(near, 0, ov_span_find(near, 0, ';'));
        bool is_known = name.size < near.size && add_reference(text, name);
        if (!is_known && next < raw.size) {
            ov_buf_add_u8(text, '&');
        }
        at = next + 1 + (is_known ? name.size + 1 : 0);
    }
}

static enum ov_status tell_script(struct ov_xml *xml, struct ov_walk *walk) {
    OV_CLEANUP(ov_buf_release) struct ov_buf raw = {0};
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct ov_span name = xml->name;
    TRY(ov_xml_read_text(xml, &raw));
    resolve(ov_buf_span(&raw), &text);
    TRY(ov_buf_status(&text));
    return ov_walk_stored(walk, ov_buf_span(&text), name);
}

static enum ov_status tell_file(struct ov_xml *xml, struct ov_walk *walk,
                                enum ov_status *io_worst) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    struct ov_span name = ov_xml_attribute(xml, "Id");
    struct ov_span packed = ov_xml_attribute(xml, "Compress");
    TRY(ov_xml_read_base64(xml, walk, &plain));
    if (packed.size == 0 || ov_span_is_text(packed, "false")) {
        return ov_walk_member(walk, ov_buf_span(&plain), name, OV_FILETYPE_NONE);
    }
    return ov_hwp_tell_packed(walk, ov_buf_span(&plain), name, io_worst);
}

static enum ov_status walk_hwpml(struct ov_cursor *in, struct ov_walk *walk) {
    struct ov_xml xml = ov_xml_init(in->bytes);
    enum ov_status worst = OV_OK;
    for (enum ov_xml_event event = ov_xml_next(&xml); event != OV_XML_END;
         event = ov_xml_next(&xml)) {
        TRY(ov_walk_has_time(walk));
        if (event != OV_XML_OPEN) {
            continue;
        }
        if (ov_span_is_text(xml.name, "BINDATA")) {
            TRY(tell_file(&xml, walk, &worst));
        } else if (ov_span_is_text(xml.name, "SCRIPTHEADER") ||
                   ov_span_is_text(xml.name, "SCRIPTSOURCE")) {
            TRY(tell_script(&xml, walk));
        }
    }
    return worst;
}

static bool is_hwpml(struct ov_span first) {
    struct ov_span mark = ov_span_text("<HWPML");
    first = ov_span_part(first, 0, OV_MAGIC_WINDOW_BYTES);
    return ov_span_search(first, 0, mark) < first.size;
}

// clamscan knows it with a byte order mark alone.
static const struct ov_magic magics[] = {OV_MAGIC(0, "\xef\xbb\xbf<?xml version=\"1.0\"")};
static const struct ov_magic magics_bare[] = {OV_MAGIC(0, "<?xml version=\"1.0\"")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_XML_HWP, OV_MAGICS(magics), .is_sure = is_hwpml, .walk = walk_hwpml},
    {.type = OV_FILETYPE_XML_HWP,
     OV_MAGICS(magics_bare),
     .is_sure = is_hwpml,
     .walk = walk_hwpml,
     .is_beside = true},
};

OV_FORMAT_SET(hwpml, formats);
