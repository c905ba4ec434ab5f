// SPDX-License-Identifier: Apache-2.0
//
// What somebody wants to see of a journal, and which rows of it that are.
//
// A row is an entry, or one file of an entry of files. Which rows answer a query is decided here
// alone; the index (index/store.h) only says where to look.
#pragma once

#include "journal/reader.h"

#define OV_QUERY_WHOLE_ENTRY UINT32_MAX

struct ov_query {
    uint64_t since_ns; // from this time on
    uint64_t until_ns; // and before this one
    bool has_type, has_run, has_verdict, has_paths;
    enum ov_entry_type type;
    struct ov_entry_run run;
    enum ov_entry_verdict verdict;
    struct ov_span rule; // in lower case: what the name of a rule has to have; empty: any
    const struct ov_tree_hash *commitments; // of the wanted paths, sorted by ov_query_sort
    size_t commitment_count;
    uint64_t limit; // rows
    bool is_oldest_first;
};

// Everything, newest first.
void ov_query_init(struct ov_query *ret_query);

// Sorts commitments for a query, and takes out those that are there twice; the new count.
size_t ov_query_sort(struct ov_tree_hash *commitments, size_t count);

// Makes A to Z small, in names of rules and in what is looked for in them.
void ov_query_lower(struct ov_buf *text);

// Whether its rows are files and not whole entries.
bool ov_query_is_of_files(const struct ov_query *query);

// Whether it asks for anything but a number of rows.
bool ov_query_is_narrow(const struct ov_query *query);

// ---- rows ---------------------------------------------------------------------------------------

struct ov_query_row {
    uint64_t seq;
    uint32_t place; // of the file in its entry, from 0; or OV_QUERY_WHOLE_ENTRY
};

// In the order in which they are wanted. Release with _release.
struct ov_query_rows {
    struct ov_query_row *rows;
    size_t count, room;
};

enum ov_status ov_query_rows_add(struct ov_query_rows *rows, uint64_t seq, uint32_t place);
void ov_query_rows_reverse(struct ov_query_rows *rows);
void ov_query_rows_release(struct ov_query_rows *rows);

// Adds the rows of one entry, in their order in it. OV_MEMORY.
enum ov_status ov_query_match(const struct ov_query *query, const struct ov_entry *entry,
                              struct ov_query_rows *rows);

// ---- without an index ---------------------------------------------------------------------------

// All rows, by reading the entries from `begin` on up to `end`, in the wanted order. Statuses as
// ov_journal_reader_get; *ret_seq: the entry that could not be read.
enum ov_status ov_query_read(const struct ov_query *query, struct ov_journal_reader *reader,
                             uint64_t begin, uint64_t end, struct ov_query_rows *rows,
                             uint64_t *ret_seq);
