// SPDX-License-Identifier: Apache-2.0
//
// From paths to commitments and back, by the journal's file of paths.
#pragma once

#include "index/query.h"
#include "journal/names.h"

// All commitments to a path, or to what stands below it, sorted for a query; free()d by the caller,
// NULL when there are none. OV_END when no paths are known; OV_SYSTEM (errno), OV_MEMORY.
enum ov_status ov_journal_paths_find(int folder, const char *path,
                                     struct ov_tree_hash **ret_commitments, size_t *ret_count);

// ---- back ---------------------------------------------------------------------------------------

struct ov_journal_path {
    struct ov_tree_hash commitment;
    struct ov_entry_run run;
    struct ov_span path; // into `names`; data is NULL when nobody knows it
};

struct ov_journal_paths {
    struct ov_journal_names names;
    bool has_names;
    struct ov_journal_path *paths; // sorted once they are known
    size_t count, room;
};

// Asks for the path of a commitment. OV_MEMORY.
enum ov_status ov_journal_paths_want(struct ov_journal_paths *paths,
                                     const struct ov_tree_hash *commitment,
                                     const struct ov_entry_run *run);

// Looks for all that were asked for; those of which nothing is known stay so. OV_SYSTEM (errno),
// OV_MEMORY.
enum ov_status ov_journal_paths_open(struct ov_journal_paths *paths, int folder);

// The path, or an empty span.
struct ov_span ov_journal_paths_get(const struct ov_journal_paths *paths,
                                    const struct ov_tree_hash *commitment);
void ov_journal_paths_close(struct ov_journal_paths *paths);
