// SPDX-License-Identifier: Apache-2.0
//
// Roots inside a root: layers of containers as container programs keep them on disk, and whole
// systems in folders. Each is a place of its own.
#pragma once

#include "inventory/paths.h"

// Calls `tell` for each, opened and with the name of its place; gives how many there were. What
// cannot be opened becomes a problem.
size_t ov_layers_each(const struct ov_paths_place *at,
                      void (*tell)(void *arg, struct ov_paths_place *layer), void *arg);
