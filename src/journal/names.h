// SPDX-License-Identifier: Apache-2.0
//
// The file `names`: the paths that commitments stand for. For ourselves; no claim rests on it, and
// it may have been removed. docs/formats/journal.md, "Commitments".
#pragma once

#include "base/cursor.h"
#include "base/fd.h"
#include "journal/commitment.h"

struct ov_journal_names {
    struct ov_file_map map;
    struct ov_cursor cursor; // where ov_journal_names_next goes on
    uint8_t key[OV_NAMES_KEY_BYTES];
};

struct ov_journal_name {
    struct ov_entry_run run;
    uint64_t number;     // of the commitment in its run
    struct ov_span path; // into the file
};

// OV_END when there are no names, or no key to open commitments with; OV_SYSTEM (errno).
enum ov_status ov_journal_names_open(int folder, struct ov_journal_names *ret_names);
void ov_journal_names_close(struct ov_journal_names *names);

// The next one, from the beginning; OV_END when there is no further whole one.
enum ov_status ov_journal_names_next(struct ov_journal_names *names,
                                     struct ov_journal_name *ret_name);
void ov_journal_names_rewind(struct ov_journal_names *names);

// What stands in the journal for it.
void ov_journal_names_commitment(const struct ov_journal_names *names,
                                 const struct ov_journal_name *name,
                                 struct ov_tree_hash *ret_commitment);
