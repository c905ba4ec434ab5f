// SPDX-License-Identifier: Apache-2.0
// Office documents of 2003 as XML, and XDP: files in base64 between tags.
#include "format/codec/codec.h"
#include "format/format.h"
#include "format/office/xml_scan.h"

enum {
    ACTIVE_MIME_AT = 50,      // where the zlib stream of an ActiveMime file mostly begins
    ACTIVE_MIME_SIZE_AT = 46, // or what is to be added to that place
};

// What Word calls editdata.mso: a short header, and macros or objects in a zlib stream.
static enum ov_status tell_active_mime(struct ov_walk *walk, struct ov_span file,
                                       struct ov_span name) {
    if (!ov_span_has_prefix(file, "ActiveMime")) {
        return OV_OK;
    }
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    struct ov_cursor in = ov_cursor_init(file);
    ov_cursor_seek(&in, ACTIVE_MIME_SIZE_AT);
    size_t moved = ACTIVE_MIME_SIZE_AT + (size_t)ov_cursor_u16le(&in);
    enum ov_status status = OV_DAMAGED;
    const size_t places[] = {ACTIVE_MIME_AT, moved};
    for (size_t i = 0; i < 2 && status == OV_DAMAGED && plain.size == 0; i++) {
        size_t used;
        status = ov_codec_unpack(OV_CODEC_ZLIB, ov_span_from(file, places[i]), walk, &plain, &used);
    }
    if (status == OV_MEMORY) {
        return status;
    }
    TRY(ov_walk_member(walk, ov_buf_span(&plain), name, OV_FILETYPE_NONE));
    return status == OV_LIMIT ? ov_walk_has_time(walk) : OV_OK;
}

// Reads the element that was just opened, and tells its file.
static enum ov_status tell_element(struct ov_xml *xml, struct ov_walk *walk) {
    OV_CLEANUP(ov_buf_release) struct ov_buf plain = {0};
    struct ov_span name = ov_xml_attribute(xml, "name");
    TRY(ov_xml_read_base64(xml, walk, &plain));
    if (plain.size == 0) {
        return OV_OK;
    }
    TRY(ov_walk_member(walk, ov_buf_span(&plain), name, OV_FILETYPE_NONE));
    return tell_active_mime(walk, ov_buf_span(&plain), name);
}

static enum ov_status tell_elements(struct ov_cursor *in, struct ov_walk *walk,
                                    const char *element) {
    struct ov_xml xml = ov_xml_init(in->bytes);
    for (enum ov_xml_event event = ov_xml_next(&xml); event != OV_XML_END;
         event = ov_xml_next(&xml)) {
        if (event == OV_XML_OPEN && ov_span_is_text(xml.name, element)) {
            TRY(tell_element(&xml, walk));
        }
        TRY(ov_walk_has_time(walk));
    }
    return OV_OK;
}

static enum ov_status walk_office(struct ov_cursor *in, struct ov_walk *walk) {
    return tell_elements(in, walk, "binData");
}

static enum ov_status walk_xdp(struct ov_cursor *in, struct ov_walk *walk) {
    return tell_elements(in, walk, "chunk");
}

// ---- types -------------------------------------------------------------------------------------

static bool has_mark(struct ov_span first, const char *mark) {
    return memmem(first.data, first.size, mark, strlen(mark)) != NULL;
}

// An element by its name, without a prefix or with one of one letter, as clamscan knows it.
static bool has_element(struct ov_span first, const char *name) {
    for (size_t at = ov_span_find(first, 0, '<'); at < first.size;
         at = ov_span_find(first, at + 1, '<')) {
        struct ov_span tag = ov_span_from(first, at + 1);
        bool has_prefix = tag.size > 2 && tag.data[1] == ':';
        if (ov_span_has_prefix(has_prefix ? ov_span_from(tag, 2) : tag, name)) {
            return true;
        }
    }
    return false;
}

static bool is_word(struct ov_span first) {
    return has_element(first, "wordDocument") || has_mark(first, "progid=\"Word.Document\"?>");
}

static bool is_excel(struct ov_span first) {
    return has_element(first, "Workbook");
}

static const struct ov_magic magics_xml[] = {OV_MAGIC(0, "<?xml version=\"1.0\"")};
static const struct ov_magic magics_xdp[] = {OV_MAGIC(OV_MAGIC_ANYWHERE, "<xdp:xdp")};

static const struct ov_format formats[] = {
    {.type = OV_FILETYPE_XML_WORD, OV_MAGICS(magics_xml), .is_sure = is_word, .walk = walk_office},
    {.type = OV_FILETYPE_XML_XL, OV_MAGICS(magics_xml), .is_sure = is_excel, .walk = walk_office},
    {.type = OV_FILETYPE_XDP, OV_MAGICS(magics_xdp), .walk = walk_xdp},
};

OV_FORMAT_SET(msxml, formats);
