// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions of rules, by PCRE2 (pcre2api(3)): compiled when first needed, without JIT,
// with ClamAV's match limits.
#pragma once

#include "match/search.h"

// Compiled expressions of one matcher. NULL is an empty cache; ov_regex_cache_free takes it.
void ov_regex_cache_free(struct ov_regex_cache *cache);

// Counts the matches of a REGEX subsignature; its trigger has been seen to hold. Damage and
// exhaustion set the matcher's flags; a match that ran into PCRE2's
// limits does not count, and is told as a limit.
struct ov_found ov_regex_search(struct ov_matcher *matcher, const struct ov_image_sub *sub,
                                const struct ov_image_regex *regex, struct ov_span text);
