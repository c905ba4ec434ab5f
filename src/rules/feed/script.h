// SPDX-License-Identifier: Apache-2.0
//
// The script of an update: commands, one a line, that change the members of a database.
//
//   OPEN NAME                        lines of this member change, or it is a new one
//   ADD TEXT                         a line at its end
//   DEL LINE START                   a line goes, which begins so
//   XCHG LINE START TEXT             a line is replaced, which begins so
//   CLOSE                            does what was said since OPEN; numbers are of lines before
//   that MOVE FROM TO LINE START LINE START   a run of lines goes to the end of another member
//   UNLINK NAME                      a member goes
//
// As ClamAV's (libclamav_rust/src/cdiff.rs), and where that is lenient, strict. Worker process
// only.
#pragma once

#include "base/database.h"
#include "rules/feed/members.h"

struct ov_script_end {
    enum ov_database_refusal refusal;
    uint32_t line; // of the script, from 1
};

// Runs a script over the members, which may not hold more than `most_bytes` in all. OV_DAMAGED:
// *ret_end says why, and the members are worth nothing; OV_MEMORY.
enum ov_status ov_script_run(struct ov_span script, size_t most_bytes,
                             struct ov_feed_members *members, struct ov_script_end *ret_end);
