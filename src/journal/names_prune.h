// SPDX-License-Identifier: Apache-2.0
//
// The file `names` (journal/names.h), opened for adding and written anew: who adds to it holds a
// shared lock on it, who writes it anew an exclusive one.
#pragma once

#include "base/status.h"

#include <stdint.h>

// Opens it for adding, in this folder; -1 when that cannot be. The lock is given up with the
// descriptor.
int ov_names_open(const char *folder);

// Writes it anew without the paths that no entry of the journal speaks of any more; how many those
// are goes to *ret_dropped. OV_PEER: somebody adds to it now, and it stays as it is. OV_SYSTEM
// (errno), OV_MEMORY, OV_DAMAGED.
enum ov_status ov_names_prune(int folder, uint64_t *ret_dropped);
