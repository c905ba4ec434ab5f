// SPDX-License-Identifier: Apache-2.0
//
// A text as lines, whatever ends them.
//
// A line ends at a line feed, and carriage returns before it belong to its end; in a text that has
// no line feed at its beginning, at a carriage return. Borrows its bytes. Worker process only.
#pragma once

#include "base/span.h"

struct ov_lines {
    struct ov_span text;
    size_t at;    // where the next line starts
    uint8_t stop; // the byte that ends a line
};

struct ov_line {
    struct ov_span text; // without what ends it
    size_t start, next;  // where it starts, and where the one after it does
};

// The lines of `text` from `from` on.
struct ov_lines ov_lines_init(struct ov_span text, size_t from);

// Reads the next line; false at the end.
bool ov_lines_next(struct ov_lines *lines, struct ov_line *ret_line);

// The next line, without moving on.
bool ov_lines_peek(const struct ov_lines *lines, struct ov_line *ret_line);

// Where the last line end before `end` starts, when one stands right there; else `end`.
size_t ov_lines_before(struct ov_span text, size_t start, size_t end);

// Where the next line that begins with `prefix` starts, at or after `from`, which is a line's
// start; text.size when there is none. Much faster than line by line.
size_t ov_lines_find(struct ov_span text, size_t from, const char *prefix);

// Whether the line is empty, or blanks alone.
bool ov_line_is_blank(struct ov_span line);

// The line without blanks, tabs, returns and zeros at its ends.
struct ov_span ov_line_trim(struct ov_span line);

// Where `needle`, in small letters, stands in `text` at or after `from`, in whatever case; else
// text.size.
size_t ov_text_find(struct ov_span text, size_t from, const char *needle);

// Whether `text` begins with `prefix`, in small letters, in whatever case.
bool ov_text_has_prefix(struct ov_span text, const char *prefix);
