// SPDX-License-Identifier: Apache-2.0
//
// Times as people write them: a date, a date and time, or how long ago.
#pragma once

#include "base/span.h"
#include "base/status.h"

// Reads `2026-11-22`, `2026-11-22 10:30`, `2026-11-22T10:30:05`, with or without a `Z` behind (all
// in UTC), or `90s`, `5m`, `2h`, `3d`, `4w` before `now_ns`, into nanoseconds since 1970.
// OV_INVALID for anything else, and for days that there are not.
enum ov_status ov_journal_time_read(const char *text, uint64_t now_ns, uint64_t *ret_ns);
