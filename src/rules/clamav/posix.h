// SPDX-License-Identifier: Apache-2.0
//
// POSIX extended regular expressions, as member names are matched with, written for PCRE2.
#pragma once

#include "rules/clamav/parser.h"

// Rewrites `text` so that PCRE2 matches with it what clamscan's POSIX matcher does, and tries to
// compile it. A leading `(?i)`, which clamscan knows, sets *ret_is_caseless. The text belongs to
// the set. OV_DAMAGED when it is no such expression; OV_MEMORY.
enum ov_status ov_clamav_posix_read(struct ov_parser *parser, struct ov_span text,
                                    struct ov_span *ret_text, bool *ret_is_caseless);
