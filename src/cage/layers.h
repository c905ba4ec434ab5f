// SPDX-License-Identifier: Apache-2.0
//
// The single layers of a cage, each 0 or an errno. For the files of this room alone.
#pragma once

#include "cage/cage.h"

// The namespaces that are not yet ours, one by one; each sets its bit or its errno.
void ov_cage_namespaces(uint32_t layers, struct ov_cage_report *report);

int ov_cage_root(const struct ov_cage_spec *spec);
int ov_cage_change_user(const struct ov_cage_spec *spec);

// Nothing can be gained any more; then, when the user was changed, nothing is left.
int ov_cage_bound_capabilities(void);
int ov_cage_drop_capabilities(void);

int ov_cage_landlock(const struct ov_cage_spec *spec);
int ov_cage_limits(const struct ov_cage_spec *spec);
int ov_cage_close_descriptors(int first);
int ov_cage_seccomp(const struct ov_cage_spec *spec);

// The rules for the words beyond TALK and WRITE, into `filter` (a scmp_filter_ctx).
int ov_cage_allow_words(void *filter, uint32_t calls);
