// SPDX-License-Identifier: Apache-2.0
//
// Programs of a product that run with more rights than who starts them: set-user-id, set-group-id,
// and capabilities of files.
#pragma once

#include "inventory/paths.h"

// Looks at a file, or at all files below a folder, that belong to a product. `left` is how many
// names may still be looked at; what was not is a problem.
void ov_rights_collect(const struct ov_paths_place *at, const struct ov_product *product,
                       const char *path, size_t *left);
