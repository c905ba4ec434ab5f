// SPDX-License-Identifier: Apache-2.0
//
// Tries the sensors before anything is recorded: reads and sends by every route, and holds what was
// counted against what was done.
#pragma once

#include "watch/recorder.h"

// Runs all routes in a process of its own, and writes a record `selftest` for each. Files are made
// in `folder`, which must lie on a file system with a page cache, and are removed again. A route
// that was not seen makes the result incomplete; it is no failure of this call. OV_SYSTEM (errno),
// OV_MEMORY: they could not be run.
enum ov_status ov_selftest_run(struct ov_recorder *recorder, const char *folder);
