// SPDX-License-Identifier: Apache-2.0
//
// Scanning engines inside of other products: programs, libraries and files that look like databases
// are scanned with rules of our own (inventory/engines.ldb), by our engine in its caged workers.
#pragma once

#include "inventory/inventory.h"

#include <stdbool.h>

// Looks below a folder, or into one image file. Hits become evidence (OV_INDICATOR_ENGINE), and
// what could not be looked at becomes problems.
void ov_inventory_engines(const char *root, bool has_progress, struct ov_inventory *inventory);
