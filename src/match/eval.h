// SPDX-License-Identifier: Apache-2.0
//
// Decides a triggered rule: conditions on the object first, then its expression, searching only for
// what the expression still needs to know.
#pragma once

#include "match/matcher_state.h"

// Whether what is known without searching leaves the rule open. Adds the subsignatures that it
// would search for to the matcher's pending ones.
bool ov_rule_is_open(struct ov_matcher *matcher, const struct ov_touched *touched);

// Whether the rule's conditions on the object hold, icons left aside.
bool ov_rule_meets_limits(struct ov_matcher *matcher, const struct ov_image_rule *rule);

// Whether the rule matches the current object; the first match's place goes to *ret_match.
bool ov_rule_evaluate(struct ov_matcher *matcher, const struct ov_touched *touched,
                      struct ov_match *ret_match);
