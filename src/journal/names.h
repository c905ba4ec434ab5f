// SPDX-License-Identifier: Apache-2.0
//
// The file `names`: the paths that commitments stand for. For ourselves; no claim rests on it, and
// it may have been removed. docs/formats/journal.md, "Commitments".
//
// What was cut short, by a full disk or a crash, garbles nothing that was written behind it.
#pragma once

#include "base/cursor.h"
#include "base/fd.h"
#include "journal/commitment.h"

// ---- reading ------------------------------------------------------------------------------------

struct ov_journal_names {
    struct ov_file_map map;
    struct ov_cursor cursor; // where ov_journal_names_next goes on
    uint8_t key[OV_NAMES_KEY_BYTES];
    bool is_run_due; // the next text names a run
    bool has_run;    // whose path comes next
    struct ov_entry_run run;
    uint64_t number;
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

// The salt of its commitment, and what stands in the journal for it.
void ov_journal_names_salt(const struct ov_journal_names *names, const struct ov_journal_name *name,
                           struct ov_salt *ret_salt);
void ov_journal_names_commitment(const struct ov_journal_names *names,
                                 const struct ov_journal_name *name,
                                 struct ov_tree_hash *ret_commitment);

// ---- writing ------------------------------------------------------------------------------------

// Names that are going to be written in one piece. All zero to begin with.
struct ov_names_batch {
    struct ov_buf bytes;
    struct ov_entry_run run; // of the last one
    uint64_t next;           // the number that needs no word of its own
};

// A path that is empty, or has a zero byte, as none of a file has, is left out.
void ov_names_batch_add(struct ov_names_batch *batch, const struct ov_entry_run *run,
                        uint64_t number, struct ov_span path);
void ov_names_batch_reset(struct ov_names_batch *batch);
void ov_names_batch_release(struct ov_names_batch *batch);

// Adds them to the file, which ov_names_open has opened; -1: nothing happens. For ourselves: that
// it fails is no failure.
void ov_names_write(int names, const struct ov_names_batch *batch);
