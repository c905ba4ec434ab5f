// SPDX-License-Identifier: Apache-2.0
//
// Where the links of an HTML document lead, and what is shown for them.
//
// Read by the states of html_reader.h on the way. What counts as shown is what clamscan takes for
// it: rules and lists are tried out on that. Internal to the files html*.c, but for the first
// function.
#pragma once

#include "format/html/html_reader.h"

// Reads the document and tells walk->sink->link of its links, in their order. OV_OK; OV_LIMIT,
// OV_MEMORY; what the sink said. A document that breaks off has none, as for clamscan.
enum ov_status ov_html_links_tell(struct ov_span document, struct ov_walk *walk);

struct ov_html_links {
    struct ov_buf records; // struct record of html_links.c
    struct ov_buf text;    // what they hold
    size_t open;           // the record whose text is being read, from 1 on; 0: none
    size_t shown_from;     // where in this piece the text goes on; SIZE_MAX: nowhere
    struct ov_html_name shown;
    struct ov_html_name action; // of the form around
    bool has_action;
};

// The reader begins to read at html->at; it has come to "<", or to the end of a piece.
void ov_html_links_resume(struct ov_html *html);
void ov_html_links_pause(struct ov_html *html);
void ov_html_links_end_piece(struct ov_html *html);

// A tag has been read: one that ends an element, or one that begins it.
void ov_html_links_end_tag(struct ov_html *html);
void ov_html_links_tag(struct ov_html *html);
