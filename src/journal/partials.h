// SPDX-License-Identifier: Apache-2.0
//
// Partial tiles and bundles of checkpoints that are no longer in place: each seal writes the last
// ones anew under another name, so without this a journal of many short runs would be many times
// its entries.
#pragma once

#include "ledger/tile.h"

// Removes those of the tree of `from` entries that the tree of `to` entries, whose checkpoint is in
// place and durable, does not need; and what a crash left beside them in tiles that are full now.
// Needs the journal's lock. A file that cannot be removed stays, which harms nothing.
void ov_partials_remove(int folder, uint64_t from, uint64_t to);

// Removes all partial bundles of a bundle that is full; OV_SYSTEM (errno) when one cannot be.
enum ov_status ov_partials_remove_bundle(int folder, uint64_t number);
