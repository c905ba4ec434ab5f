// SPDX-License-Identifier: Apache-2.0
//
// What every command that is written down begins with.
#pragma once

#include "role/keeper.h"

#include <stddef.h>

// The folder of the journal: STATE/journal. Statuses as ov_state_folder.
enum ov_status ov_journal_folder_path(char *ret_path, size_t size);

// Starts the keeper and writes the entry `start`: who asked for what, with which programs; from
// then on what our processes do goes there, too (role/acts.h), until the run ends. The file of
// paths is opened for adding; -1 when that cannot be. On failure the error was printed.
enum ov_status ov_journal_run_begin(const char *command, struct ov_keeper *ret_keeper,
                                    int *ret_names);

// The commitment to a path, with the next salt of the run; what is to stand in the file of paths is
// added to `lines`. And writes that: for ourselves, so that it fails is no failure.
void ov_journal_commit(struct ov_keeper *keeper, struct ov_span path, struct ov_buf *lines,
                       struct ov_tree_hash *ret_commitment);

// The line of the path alone, for a commitment that was made with this number.
void ov_journal_add_name(const struct ov_keeper *keeper, struct ov_span path, uint64_t number,
                         struct ov_buf *lines);
void ov_journal_write_names(int names, const struct ov_buf *lines);

// What a command came to.
struct ov_run_end {
    int code; // its exit code
    uint64_t files, found, errors, limited, read_bytes;
};

// Writes the entry `stop`, seals the journal, and ends the keeper. On failure the error was
// printed.
enum ov_status ov_journal_run_end(struct ov_keeper *keeper, const struct ov_run_end *end);
