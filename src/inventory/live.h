// SPDX-License-Identifier: Apache-2.0
//
// The running machine: whose processes run, what they hold, and what the kernel runs for them.
//
// Only what the kernel tells is read: /proc, the list of eBPF programs, the audit's rules. No
// process is stopped or written to; of what is in one, its environment is searched for LD_PRELOAD
// and LD_AUDIT, and nothing else of it is kept.
#pragma once

#include "inventory/inventory.h"

// Tells it all. Products' processes become evidence and powers, those of nobody on the list who
// could do the same become holders. What could not be seen, for want of rights, becomes a problem.
void ov_live_collect(struct ov_inventory *inventory);
