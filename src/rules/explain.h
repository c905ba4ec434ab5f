// SPDX-License-Identifier: Apache-2.0
//
// Says in words and printable text what a rule asks for, for people and for audits.
#pragma once

#include "base/buf.h"
#include "rules/tree.h"

// Adds several lines: kind, target, conditions, each subsignature, the expression.
void ov_rule_explain(const struct ov_rule *rule, struct ov_buf *out);

// "body", "logical" or "metadata".
const char *ov_rule_kind_text(const struct ov_rule *rule);

// Adds one pattern on one line: text in quotes, other bytes in hex, distances in braces.
void ov_pattern_explain(const struct ov_pattern *pattern, struct ov_buf *out);

// Adds an offset: "anywhere", "at 5", "at entry point + 3 to 9".
void ov_offset_explain(const struct ov_offset *offset, struct ov_buf *out);

// Adds an expression, each operator in its own parentheses.
void ov_expr_explain(const struct ov_expr *expr, struct ov_buf *out);

// The name of a ClamAV target ("PE"); "unknown" above 14.
const char *ov_target_name(uint32_t target);

// Bytes that others wrote, safe for a terminal: what is not printable ASCII becomes \xNN.
void ov_text_add_printable(struct ov_buf *out, struct ov_span text);
