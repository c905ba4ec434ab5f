// SPDX-License-Identifier: Apache-2.0
//
// The bodies of entries about rules: `load`, an image and the sets that it was made of; `refuse`;
// `rotate`. docs/formats/journal.md.
#pragma once

#include "catalog/names.h"
#include "feed/active.h"
#include "feed/refresh.h"

// What is installed: each feed with its release's leaf, or as `unlogged`; and `local` when files of
// the administrator's are in it.
void ov_load_add_installed(struct ov_buf *body, const struct ov_rule_names *names,
                           const struct ov_active *active);

// The rules that come with the program.
void ov_load_add_built_in(struct ov_buf *body, const struct ov_rule_names *names);

// Rules that somebody gave: each file that the image names.
void ov_load_add_given(struct ov_buf *body, const struct ov_rule_names *names);

// That a set was refused. A path of this machine does not stand in the journal: those of `paths`
// (ended by NULL), and what else looks like one from the root, are left out of the reason.
void ov_refuse_add(struct ov_buf *body, struct ov_span set, struct ov_span why,
                   const char *const *paths);

// That a feed's release keys and policy are going to be replaced.
void ov_rotate_add(struct ov_buf *body, const struct ov_refresh_rotation *rotation);
