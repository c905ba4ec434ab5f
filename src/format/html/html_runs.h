// SPDX-License-Identifier: Apache-2.0
//
// Runs of bytes with which a state of the HTML reader does the same, taken at once: the step of the
// state, byte by byte, says what must come of them. Internal to the files html*.c.
#pragma once

#include "format/html/html_reader.h"

// Words and the white space between them, in state OV_HTML_PLAIN. Returns whether there were any;
// the state may be OV_HTML_TRIM then, behind white space.
bool ov_html_run_plain(struct ov_html *html);

// What is left of the name of a tag or of an attribute that has a byte already.
void ov_html_run_tag(struct ov_html *html);
void ov_html_run_attribute(struct ov_html *html);

// Bytes of a value that are no more than themselves.
void ov_html_run_value(struct ov_html *html);

// Up to the end of the comment or of the piece.
void ov_html_run_comment(struct ov_html *html);
