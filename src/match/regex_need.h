// SPDX-License-Identifier: Apache-2.0
//
// What every match of an expression holds: pieces of it that are looked for alone, before it is
// tried.
//
// PCRE2 tries an expression wherever its first byte stands; a string of it is found, or not, many
// times as fast. And one with several gaps (`a.*?b[^}]*c`) tries all their lengths in every text
// that has its beginning. A piece between two gaps, or from a group with a name to the last place
// that means the same bytes again, is found, or not, in one pass. Where one is not, the expression
// cannot match either.
#pragma once

#include "base/span.h"
#include "match/kernels.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct ov_regex_need;

// The pieces of an expression that compiles with those options of PCRE2. NULL when there is nothing
// worth looking for, or the expression has anything that is not understood here, or no memory is
// left: then it is just tried.
struct ov_regex_need *ov_regex_need_new(struct ov_span text, uint32_t options);

void ov_regex_need_free(struct ov_regex_need *need);

// Whether the text may hold a match. False is certain.
bool ov_regex_need_holds(const struct ov_regex_need *need, const struct ov_kernels *kernels,
                         struct ov_span text, pcre2_match_data *data, pcre2_match_context *context);
