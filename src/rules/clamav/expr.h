// SPDX-License-Identifier: Apache-2.0
//
// Logical expressions over subsignatures: indices, parentheses, `&` `|` and counts `=n >n <n`.
//
// As clamscan evaluates them, not as the documentation says: there is no precedence. The leftmost
// `&` or `|` outside parentheses splits, and what stands to its right is one whole.
#pragma once

#include "rules/clamav/parser.h"

// Reads the expression; the highest index that it names goes to *ret_highest.
enum ov_status ov_clamav_expr_read(struct ov_parser *parser, struct ov_span text,
                                   const struct ov_expr **ret_expr, uint32_t *ret_highest);
