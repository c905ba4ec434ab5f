// SPDX-License-Identifier: Apache-2.0
//
// The statements of a YARA file as text: imports, includes, rules.
//
// It knows just enough to see where each ends: strings, regular expressions, comments, braces. It
// does not know YARA, so a file in a newer YARA than ours is split as well.
#pragma once

#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

struct ov_yara_text {
    struct ov_span bytes;
    size_t at;
    uint32_t line;     // of `counted_at`, from 1
    size_t counted_at; // lines are counted up to here
};

void ov_yara_text_init(struct ov_span bytes, struct ov_yara_text *ret_yara);

// The next statement, from its first word to its last brace or quote, and the line where it begins.
// OV_END when there is none; OV_DAMAGED when what follows is none, or has no end.
enum ov_status ov_yara_text_next(struct ov_yara_text *yara, struct ov_span *ret_text,
                                 uint32_t *ret_line);

// Whether the whole file is made of statements.
bool ov_yara_text_is_whole(struct ov_span bytes);
