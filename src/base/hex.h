// SPDX-License-Identifier: Apache-2.0
//
// Hexadecimal text to bytes and back.
#pragma once

#include "base/span.h"
#include "base/status.h"

// The value of one hex digit of either case, or -1.
int ov_hex_digit(uint8_t character);

// Reads exactly 2 * size digits into `ret_bytes` (untouched on failure); OV_DAMAGED when the text
// has another length or another character.
enum ov_status ov_hex_read(struct ov_span text, uint8_t *ret_bytes, size_t size);

// Writes 2 * bytes.size lower-case digits and a NUL to `ret_text`.
void ov_hex_write(struct ov_span bytes, char *ret_text);
