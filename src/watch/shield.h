// SPDX-License-Identifier: Apache-2.0
//
// Makes files read-only for this process and all that come from it, whoever they are: a mount of
// each onto itself, in a mount namespace of its own. Nobody in there can write to them, cut,
// remove, rename or replace them by their path; mounts are refused by the envelope. A file's handle
// (open_by_handle_at) leads around it; the sentinel (watch/sentinel.h) sees who writes by that.
#pragma once

#include "base/status.h"

// Paths are absolute, up to a NULL. OV_SYSTEM (errno).
enum ov_status ov_shield_enter(const char *const *paths);
