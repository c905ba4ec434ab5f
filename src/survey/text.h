// SPDX-License-Identifier: Apache-2.0
//
// Lines and words of configuration files. Worker process only.
#pragma once

#include "base/buf.h"
#include "base/span.h"

struct ov_survey_lines {
    struct ov_span rest;
    uint64_t number; // of the line that was taken last, from 1
};

// Takes the next line off, without its end. False when there is none.
bool ov_survey_line(struct ov_survey_lines *lines, struct ov_span *ret_line);

// The same, and the lines after it that a backslash at the end joins to it. `joined` keeps them.
bool ov_survey_long_line(struct ov_survey_lines *lines, struct ov_buf *joined,
                         struct ov_span *ret_line);

// Without white space at both ends.
struct ov_span ov_survey_trim(struct ov_span text);

// Takes the next word off, which ends at white space; false when there is none.
bool ov_survey_word(struct ov_span *text, struct ov_span *ret_word);

// Splits at the first such byte, both halves trimmed; false when there is none.
bool ov_survey_split(struct ov_span text, uint8_t at, struct ov_span *ret_left,
                     struct ov_span *ret_right);

// Takes the next absolute path off that stands in a line of a shell: what begins with '/' behind
// white space, a quote or an operator, up to the next of them.
bool ov_survey_path(struct ov_span *text, struct ov_span *ret_path);
