// SPDX-License-Identifier: Apache-2.0
//
// The journal of a plan that is carried out: each act is on disk before it is done.
//
// A file of its own: what it stands on calls other things a tree than the inventory does.
#pragma once

#include "base/status.h"

#include <stdbool.h>

struct ov_plan_journal;

// Starts the keeper. On failure the error was printed.
enum ov_status ov_plan_journal_begin(struct ov_plan_journal **ret_journal);

// An entry `action`: on disk with OV_OK; on failure the error was printed, and nothing is to be
// done. Without a journal (NULL) nothing is written.
enum ov_status ov_plan_journal_intend(struct ov_plan_journal *journal, const char *word,
                                      const char *what);
// What came of the last one.
void ov_plan_journal_tell(struct ov_plan_journal *journal, bool is_done);

// Ends the run with this exit code. On failure the error was printed.
enum ov_status ov_plan_journal_end(struct ov_plan_journal *journal, int code);
