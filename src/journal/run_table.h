// SPDX-License-Identifier: Apache-2.0
//
// The runs of a journal, as many as there are: which are open, and which have been.
//
// Whoever wrote the journal chose their names, so the table's places hang on a key that is drawn
// anew each time. Owns its memory; single-threaded.
#pragma once

#include "journal/entry.h"

struct ov_run_slot {
    struct ov_entry_run run;
    uint64_t seq;        // of its newest `start`
    uint64_t sent_bytes; // since then, as whoever reads its entries counts them
    bool is_used, is_open;
    bool is_cut;         // some of its entries may have been removed
    bool may_have_ended; // its last ones, too
};

// All zeros is an empty table.
struct ov_run_table {
    struct ov_run_slot *slots;
    size_t room; // a power of two, or 0
    size_t count, open_count;
    uint8_t key[16];
};

// The run's slot, or NULL when it was never added.
struct ov_run_slot *ov_run_table_find(const struct ov_run_table *table,
                                      const struct ov_entry_run *run);

// Adds a run that is not in it, open. OV_MEMORY. Slots that were found before are no longer there.
enum ov_status ov_run_table_add(struct ov_run_table *table, const struct ov_entry_run *run,
                                uint64_t seq);

// Opens it once more, or ends it.
void ov_run_table_reopen(struct ov_run_table *table, struct ov_run_slot *slot, uint64_t seq);
void ov_run_table_end(struct ov_run_table *table, struct ov_run_slot *slot);

// The seqs of all open runs, open_count of them, in order. The caller's, to be freed; NULL without
// memory, or without any.
uint64_t *ov_run_table_list_open(const struct ov_run_table *table);

void ov_run_table_release(struct ov_run_table *table);
