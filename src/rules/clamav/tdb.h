// SPDX-License-Identifier: Apache-2.0
//
// The target description block of a logical rule: which objects it is for.
#pragma once

#include "rules/clamav/parser.h"

// Reads `Engine:81-255,Target:1,...` into the rule. OV_UNSUPPORTED when the rule is for another
// functionality level, or names a target, attribute or file type that we do not know; clamscan
// leaves such rules out as well.
enum ov_status ov_clamav_tdb_read(struct ov_parser *parser, struct ov_span text,
                                  struct ov_rule *rule);
