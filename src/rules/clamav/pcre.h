// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions of rules are compiled once when the rules are read, to see that they can be.
#pragma once

#include "rules/clamav/parser.h"

// Compiles `regex` with PCRE2's `options`. OV_DAMAGED with PCRE2's reason when it cannot be, at
// `at`, or, when that is NULL, at the place in `regex` that PCRE2 names; OV_MEMORY.
enum ov_status ov_clamav_pcre_try(struct ov_parser *parser, struct ov_span regex, uint32_t options,
                                  const uint8_t *at);
