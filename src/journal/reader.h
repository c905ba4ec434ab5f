// SPDX-License-Identifier: Apache-2.0
//
// Single entries of a journal, as it stood at one moment; while others write, at a later one: then
// `head` and `count` grow, and what was read stands in both.
//
// What is given of the sealed entries is in the tree whose root the checkpoint has: each bundle is
// held against it. Whose checkpoint that is, and whether what the entries say can be, is not of
// this file: journal/check.h. Takes no lock; the folder's descriptor is borrowed.
#pragma once

#include "journal/snapshot.h"
#include "ledger/entries.h"

// About 100 KiB.
struct ov_journal_reader {
    struct ov_journal_snapshot snapshot;
    struct ov_tree_head head; // what the checkpoint says
    uint64_t count;           // entries, sealed and pending
    struct ov_span *pending;  // those after head.size
    struct ov_tile_reader tiles;
    uint64_t missing_count; // times that a bundle was not there
    bool has_bundle;
    uint64_t number; // of the bundle that was read last
    struct ov_buf bytes;
    struct ov_entries entries;
};

// OV_END when there is no journal, OV_DAMAGED, OV_SYSTEM (errno), OV_MEMORY. What is wrong with the
// end of the file `pending` is left out.
enum ov_status ov_journal_reader_open(int folder, struct ov_journal_reader **ret_reader);
void ov_journal_reader_free(struct ov_journal_reader *reader);

// The entry `seq`, until the next call; seq < count. OV_END when the file that it stood in is gone:
// whether that was written down, ov_journal_verify says. OV_DAMAGED when it is none, or not the one
// that the checkpoint has there; OV_SYSTEM (errno), OV_MEMORY.
enum ov_status ov_journal_reader_get(struct ov_journal_reader *reader, uint64_t seq,
                                     struct ov_entry *ret_entry);

// The root of the first `size` entries, at most those that are sealed. Statuses as above.
enum ov_status ov_journal_reader_root(struct ov_journal_reader *reader, uint64_t size,
                                      struct ov_tree_hash *ret_root);
