// SPDX-License-Identifier: Apache-2.0
//
// What became of updates: one line each in STATE/rules/history, for people.
//
//     2026-11-22T10:00:00Z load FEED release 7 ...
//     2026-11-22T10:30:00Z rotate FEED version 2 of the trust file, ...
//     2026-11-22T11:00:00Z refuse FEED rollback: ...
#pragma once

#include "base/status.h"

#include <stdint.h>

// Appends a line, synced. `word` is "load", "rotate", "refuse", "fail" or "remove"; controls in
// `text` become
// '?'. OV_SYSTEM.
enum ov_status ov_history_add(int rules_folder, uint64_t now, const char *word, const char *feed,
                              const char *text);
