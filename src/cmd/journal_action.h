// SPDX-License-Identifier: Apache-2.0
//
// What is done to files, in the journal: that it is intended, on disk before it is done, and what
// came of it.
#pragma once

#include "role/keeper.h"

struct ov_action {
    struct ov_keeper *keeper; // without a process: nothing is written
    int names;                // the file of paths, or -1
    const char *word;         // "quarantine", "restore", "delete"
    struct ov_span path;      // of the file
    const uint8_t *sha256;    // of its content, or NULL
    struct ov_tree_hash commitment;
};

// Entry `action`, `result intended`: on disk when this is OV_OK; it is not to be done otherwise.
enum ov_status ov_action_intend(struct ov_action *action);
// The same with `result done` or `result failed`: with the next entries.
void ov_action_end(const struct ov_action *action, bool is_done);
