// SPDX-License-Identifier: Apache-2.0
//
// Retention: bundles of old entries are removed, and their hashes stay, so that the tree still
// verifies. What is to be removed is written down (entry `removed`) and sealed before.
#pragma once

#include "base/status.h"

#include <stdint.h>

struct ov_prune_plan {
    uint64_t from, to;     // entries, whole bundles; nothing is removed when they are equal
    uint64_t bundle_count; // that go: those with an entry `epoch` stay, for the chain of keys
};

// Looks which leading bundles have entries of before this time alone. Verifies the journal on the
// way: OV_DAMAGED when it does not hold, runs that are under way aside. OV_SYSTEM (errno),
// OV_MEMORY, OV_END when there is no journal.
enum ov_status ov_prune_find(int folder, uint64_t before_ns, struct ov_prune_plan *ret_plan);

// Removes them. The entry `removed` of this range must be sealed. Can be done again after a crash.
// OV_SYSTEM (errno), OV_DAMAGED, OV_MEMORY.
enum ov_status ov_prune_remove(int folder, const struct ov_prune_plan *plan);
