// SPDX-License-Identifier: Apache-2.0
//
// The body of an entry `load`: an image, and the sets of rules that it was made of.
// docs/formats/journal.md.
#pragma once

#include "catalog/names.h"
#include "feed/active.h"

// What is installed: each feed with its release's leaf, or as `unlogged`; and `local` when files of
// the administrator's are in it.
void ov_load_add_installed(struct ov_buf *body, const struct ov_rule_names *names,
                           const struct ov_active *active);

// The rules that come with the program.
void ov_load_add_built_in(struct ov_buf *body, const struct ov_rule_names *names);

// Rules that somebody gave: each file that the image names.
void ov_load_add_given(struct ov_buf *body, const struct ov_rule_names *names);
