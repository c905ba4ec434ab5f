// SPDX-License-Identifier: Apache-2.0
//
// Which runs are under way: a file run-HEX in the journal's folder for each, locked by its keeper
// for as long as it lives. One that nobody holds any more was cut off, and the next who opens the
// journal says so.
#pragma once

#include "journal/journal.h"

// Needs the journal's lock. Makes the file of a run and locks it; the descriptor is the caller's.
enum ov_status ov_run_begin(struct ov_journal *journal, const struct ov_entry_run *run,
                            int *ret_fd);

// Removes the file of a run that has ended.
void ov_run_end(struct ov_journal *journal, const struct ov_entry_run *run);

// Needs the journal's lock. Adds an entry `crash` for each run that was cut off, and removes its
// file once that is on disk.
enum ov_status ov_run_bury(struct ov_journal *journal);

// How many runs are under way: whose files somebody holds.
enum ov_status ov_run_count(int folder, uint64_t *ret_count);

// For whoever reads, and has no lock: the runs that are under way, added to `runs`, OV_RUN_BYTES
// each; and whether this one is.
enum ov_status ov_run_list(int folder, struct ov_buf *runs);
bool ov_run_is_held(int folder, const struct ov_entry_run *run);
