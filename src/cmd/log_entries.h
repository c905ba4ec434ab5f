// SPDX-License-Identifier: Apache-2.0
//
// Going through the entries of a log's folder, the newest first.
#pragma once

#include "ledger/log.h"

// Shows the entries below `size` until one is it; its number goes to *ret_index. OV_END when none
// is; otherwise as ov_entries_load.
enum ov_status ov_log_entries_find(int folder, uint64_t size, void *arg,
                                   bool (*is_it)(void *arg, uint64_t index, struct ov_span entry),
                                   uint64_t *ret_index);
