// SPDX-License-Identifier: Apache-2.0
//
// Looks for the paths of the table of products below a root, and for what these programs are
// allowed by their mode and their capabilities.
#pragma once

#include "inventory/inventory.h"
#include "inventory/root.h"

// Where is looked, and who is told.
struct ov_paths_place {
    const struct ov_root *tree;
    const char *place; // as in ov_sight; "" for the root itself
    struct ov_inventory *inventory;
    size_t most; // paths that one pattern may give; 0: as many as products need
};

// All paths of the table become evidence; programs there that have more rights than who starts them
// become powers.
void ov_paths_collect(const struct ov_paths_place *at);

// Calls `tell` for each path that a pattern means, in order: '*', '?' and '[...]' do not match '/'.
// What cannot be read becomes a problem. Gives how many there were.
size_t ov_paths_expand(const struct ov_paths_place *at, const char *pattern,
                       void (*tell)(void *arg, const char *path), void *arg);

// Tells why a path could not be looked at, by errno; of one that nobody may look into, the folder
// is named.
void ov_paths_add_problem(const struct ov_paths_place *at, const char *path);
