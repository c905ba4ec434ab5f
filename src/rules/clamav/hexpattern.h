// SPDX-License-Identifier: Apache-2.0
//
// ClamAV's hex language: bytes, wildcards, distances, alternates and character classes.
//
// Source: the signature documentation of ClamAV, and clamscan 1.4.6 where that says otherwise.
#pragma once

#include "rules/clamav/parser.h"

// What stands after `::` in a logical rule's subsignature.
enum {
    OV_HEX_NOCASE = 1 << 0,   // i: letters of either case
    OV_HEX_WIDE = 1 << 1,     // w: a zero byte after every byte
    OV_HEX_FULLWORD = 1 << 2, // f: no letter or digit just before or after
    OV_HEX_ASCII = 1 << 3,    // a: with w, the narrow form as well
};

// Reads the pattern into one, or with `wa` two, patterns in the set's memory.
enum ov_status ov_clamav_hex_read(struct ov_parser *parser, struct ov_span text, unsigned modifiers,
                                  const struct ov_pattern **ret_patterns, uint32_t *ret_count);

// Reads the letters of modifiers; an unknown one fails.
enum ov_status ov_clamav_modifiers_read(struct ov_parser *parser, struct ov_span text,
                                        unsigned *ret_modifiers);
