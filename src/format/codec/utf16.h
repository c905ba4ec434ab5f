// SPDX-License-Identifier: Apache-2.0
//
// UTF-16 (RFC 2781) into UTF-8. Half of a pair alone becomes U+FFFD. Any process.
#pragma once

#include "base/buf.h"

// Adds the character at the start of `units` and returns how many units it took: 1 or 2; 0 when
// there are none.
unsigned ov_utf16_add(struct ov_buf *text, const uint16_t *units, size_t count);

// Adds little-endian bytes; an odd one at the end is left out.
void ov_utf16_add_bytes(struct ov_buf *text, struct ov_span bytes);

// Adds big-endian bytes; an odd one at the end is left out.
void ov_utf16_add_big(struct ov_buf *text, struct ov_span bytes);

// Adds one character, at most U+10FFFF.
void ov_utf8_add(struct ov_buf *text, uint32_t character);
