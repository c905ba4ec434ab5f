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

// Where the lines of a system-call list go: into the filter, or to whoever asks what they are.
struct ov_cage_list {
    void *filter; // a scmp_filter_ctx, or NULL
    void (*each)(void *arg, const struct ov_cage_rule *rule);
    void *arg;
};

// Adds one line; `error` as in ov_cage_rule. Gives 0 or an errno.
int ov_cage_list_add(const struct ov_cage_list *list, int call, int error,
                     const struct ov_cage_condition *conditions, size_t condition_count);

// The lines for the words beyond TALK and WRITE.
int ov_cage_allow_words(const struct ov_cage_list *list, uint32_t calls);
