// SPDX-License-Identifier: Apache-2.0
//
// What every command that is written down begins with.
#pragma once

#include "journal/names.h"
#include "role/keeper.h"

#include <stddef.h>

// The folder of the journal: STATE/journal. Statuses as ov_state_folder.
enum ov_status ov_journal_folder_path(char *ret_path, size_t size);

// Starts the keeper and writes the entry `start`: who asked for what, with which programs; from
// then on what our processes do goes there, too (role/acts.h), until the run ends. The file of
// paths is opened for adding; -1 when that cannot be. On failure the error was printed.
enum ov_status ov_journal_run_begin(const char *command, struct ov_keeper *ret_keeper,
                                    int *ret_names);

// The commitment to a path, with the next salt of the run; the path goes to `names`, for
// ov_names_write().
void ov_journal_commit(struct ov_keeper *keeper, struct ov_span path, struct ov_names_batch *names,
                       struct ov_tree_hash *ret_commitment);

// What a command came to.
struct ov_run_end {
    int code; // its exit code
    uint64_t files, found, errors, limited, read_bytes;
};

// Writes the entry `stop`, seals the journal, and ends the keeper. On failure the error was
// printed.
enum ov_status ov_journal_run_end(struct ov_keeper *keeper, const struct ov_run_end *end);
