// SPDX-License-Identifier: Apache-2.0
//
// An index of a journal for quick queries: a SQLite database beside it, made from its sealed
// entries. No part of the journal's format, worth nothing as evidence, and never believed: what it
// names is read from the journal and held against the query again. At worst it leaves rows out.
//
// It says which tree it was made of. When the journal does not begin with that tree, when the index
// is missing, damaged, or of another version, it is made again from nothing. Single-threaded.
#pragma once

#include "index/query.h"

#define OV_INDEX_FILE "index.db"

struct ov_index;

// Opens the index in the journal's folder, whose path is `path`, and brings it up to what `reader`
// has sealed. OV_DENIED: the folder is another user's, or cannot be written to. Any other failure:
// there is no index now. In each case ov_query_read knows the answer.
enum ov_status ov_index_open(int folder, const char *path, struct ov_journal_reader *reader,
                             struct ov_index **ret_index);
void ov_index_close(struct ov_index *index);

// All rows among the sealed entries, in the wanted order; each was looked up in the journal. Any
// failure: as above.
enum ov_status ov_index_find(struct ov_index *index, const struct ov_query *query,
                             struct ov_query_rows *rows);
