// SPDX-License-Identifier: Apache-2.0
//
// The index's database; for the files of this room alone.
#pragma once

#include "index/sqlite.h"
#include "index/store.h"

struct ov_index {
    sqlite3 *database;
    struct ov_journal_reader *reader; // borrowed
};

// A statement that is finalised at the end of its scope.
#define OV_AUTO_STATEMENT OV_CLEANUP(ov_index_finalize) sqlite3_stmt
void ov_index_finalize(sqlite3_stmt **statement);

// OV_SYSTEM for whatever SQLite says.
enum ov_status ov_index_run(struct ov_index *index, const char *sql);
enum ov_status ov_index_prepare(struct ov_index *index, const char *sql,
                                sqlite3_stmt **ret_statement);
// For statements that give no row.
enum ov_status ov_index_step(sqlite3_stmt *statement);

// The first eight bytes of a commitment; whoever looks one up sees in the journal whether it is it.
int64_t ov_index_short(const struct ov_tree_hash *commitment);

// Adds the entries from `begin` to `end`, and notes that the index is of this tree.
enum ov_status ov_index_update(struct ov_index *index, uint64_t begin,
                               const struct ov_tree_head *head);
