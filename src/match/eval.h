// SPDX-License-Identifier: Apache-2.0
//
// Decides a triggered rule: conditions on the object first, then its expression, searching only for
// what the expression still needs to know.
#pragma once

#include "match/matcher_state.h"

// Whether the rule matches the current object; the first match's place goes to *ret_match. `seen`
// has a bit for each subsignature of which a trigger was met.
bool ov_rule_evaluate(struct ov_matcher *matcher, uint32_t rule, uint64_t seen,
                      struct ov_match *ret_match);
