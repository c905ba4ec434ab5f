// SPDX-License-Identifier: Apache-2.0
//
// Evidence that the names of files give by themselves: units, kernel modules, modules of SELinux's
// policy, and files of cron, sudo and the audit daemon. None of them is opened.
#pragma once

#include "inventory/paths.h"

void ov_listing_collect(const struct ov_paths_place *at);
