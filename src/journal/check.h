// SPDX-License-Identifier: Apache-2.0
//
// What is demanded of a journal: docs/formats/journal.md, "What is demanded of a journal". Reads a
// journal's folder, changes nothing, and needs no secret.
#pragma once

#include "journal/entry.h"
#include "ledger/key.h"
#include "ledger/merkle.h"

#include <stddef.h>

enum { OV_CHECK_WHY_BYTES = 256 };

// One thing that does not hold.
struct ov_journal_problem {
    uint64_t seq;    // the entry, or UINT64_MAX when it is none's
    const char *why; // fit for terminals
};

struct ov_journal_report {
    struct ov_tree_head head; // what the checkpoint signs
    char origin[OV_KEY_NAME_BYTES_MAX + 1];
    uint64_t entry_count; // sealed and pending
    uint64_t epoch_count, run_count, file_count;
    uint64_t removed_count; // entries of which only the hash is left
    uint64_t problem_count;
    uint64_t open_count; // of these, runs that do not end
};

struct ov_journal_check {
    int folder;                      // of the journal
    const struct ov_key *first;      // the first epoch's key as the verifier knows it; NULL: the
                                     // journal's own word for it
    const struct ov_tree_head *kept; // a checkpoint that was kept elsewhere, or NULL
    void *arg;
    void (*on_problem)(void *arg, const struct ov_journal_problem *problem);
    // Each entry that has the form of one, before it is known whether all holds; may be NULL.
    void (*on_entry)(void *arg, const struct ov_entry *entry);
};

// Verifies the whole. OV_OK when it could be read, whatever was found: see problem_count. OV_SYSTEM
// (errno), OV_MEMORY; OV_END when there is no journal.
enum ov_status ov_journal_verify(const struct ov_journal_check *check,
                                 struct ov_journal_report *ret_report);

// What the checkpoint says, and how many entries there are with those that are pending: nothing is
// verified. OV_END when there is no journal, OV_DAMAGED, OV_SYSTEM (errno), OV_MEMORY.
enum ov_status ov_journal_glance(int folder, struct ov_tree_head *ret_head, uint64_t *ret_entries);
