// SPDX-License-Identifier: Apache-2.0
//
// The tags and the text of an XML document, one after another. Nothing is checked: a scanner that
// refuses what a lenient reader takes sees less. Borrows the bytes; owns nothing. Any process.
#pragma once

#include "base/buf.h"
#include "base/cursor.h"
#include "format/walk.h"

enum ov_xml_event {
    OV_XML_END = 0,
    OV_XML_OPEN,  // a start tag
    OV_XML_EMPTY, // a tag that is both
    OV_XML_CLOSE, // an end tag
    OV_XML_TEXT,  // a run of text, with its entities as written, or of a CDATA section
};

struct ov_xml {
    struct ov_cursor in;
    struct ov_span name;       // of the tag, without its prefix
    struct ov_span attributes; // as written
    struct ov_span text;
};

struct ov_xml ov_xml_init(struct ov_span document);
enum ov_xml_event ov_xml_next(struct ov_xml *xml);

// The value of an attribute by its name without the prefix, as written; empty when there is none.
struct ov_span ov_xml_attribute(const struct ov_xml *xml, const char *name);

// Behind a start tag: reads up to the end tag of its element, and adds the text in between, which
// may stand in pieces. OV_OK or OV_MEMORY.
enum ov_status ov_xml_read_text(struct ov_xml *xml, struct ov_buf *text);

// The same for a file in base64: adds its bytes, as many as a part may have, and notes what was
// cut. OV_OK or OV_MEMORY.
enum ov_status ov_xml_read_base64(struct ov_xml *xml, struct ov_walk *walk, struct ov_buf *plain);
