// SPDX-License-Identifier: Apache-2.0
//
// A scan's entries in the journal: what was asked before the first file is opened, and every file's
// verdict before anybody is told of it.
//
// Results are held back until the keeper has said that their entry is on disk, and are then handed
// on, in their order. A scan that cannot be written down ends.
#pragma once

#include "base/arena.h"
#include "cmd/journal_action.h"
#include "cmd/journal_beat.h"
#include "cmd/scan_options.h"
#include "cmd/scan_output.h"
#include "journal/names.h"
#include "role/keeper.h"
#include "role/scan_job.h"

#include <signal.h>

enum { OV_SCAN_ENTRIES = 128 }; // that are put on disk at once

// Results that are held back, and what is to be written of them: bodies of entries, one behind
// another, the last of which may still be growing.
struct ov_scan_held {
    struct ov_arena arena;
    struct ov_scan_result *results;
    size_t count;
    struct ov_buf body;
    struct ov_keeper_body entries[OV_SCAN_ENTRIES + 4]; // in `body`; a pair may end two
    unsigned entry_count;
    size_t open_at; // where the one that grows begins
    unsigned open_files;
    const struct ov_scan_result *single; // one whose lines wait for the next one's, or NULL
    struct ov_names_batch names;         // for the file of paths
};

struct ov_scan_journal {
    bool is_on;
    struct ov_keeper keeper;
    int names; // the file of paths; -1 when it is not kept
    const struct ov_scan_image *image;
    void (*deliver)(void *arg, const struct ov_scan_result *result);
    void *arg;
    volatile sig_atomic_t *is_stopped; // set when nothing more can be written down
    struct ov_scan_held held[2];
    struct ov_scan_held *filling;
    struct ov_scan_held *sent; // of which the keeper has not said that it is on disk, or NULL
    uint64_t first_ns;         // when the first of those that fill came
    uint64_t waiting_since_ns; // that of our own processes something is to be told; 0: no more
    enum ov_status status;     // of the first failure
    struct ov_journal_beat beat;
};

// Opens the journal, unless --no-journal was given. On failure the error was printed.
enum ov_status ov_scan_journal_open(const struct ov_scan_arguments *args,
                                    struct ov_scan_journal *ret_journal);

// Writes down with which rules (the body of an entry `load`) what is to be scanned; `image` is set.
// On failure the error was printed.
enum ov_status ov_scan_journal_begin(struct ov_scan_journal *journal,
                                     const struct ov_scan_arguments *args, struct ov_span load);
// Or, in its stead, why there are no rules: the body of an entry `refuse`; empty: by a fault of
// ours.
enum ov_status ov_scan_journal_refuse(struct ov_scan_journal *journal, struct ov_span refusal);

// Takes a result: handed on at once without a journal.
void ov_scan_journal_take(struct ov_scan_journal *journal, const struct ov_scan_result *result);

// That a found file is going to quarantine, on disk when this is OV_OK; ov_action_end() says what
// came of it. To be called from `deliver`.
enum ov_status ov_scan_journal_intend(struct ov_scan_journal *journal,
                                      const struct ov_scan_result *result,
                                      struct ov_action *ret_action);

// A worker was lost over this file, or, with an empty path, over one of several: that is on disk
// when this returns.
void ov_scan_journal_crash(struct ov_scan_journal *journal, struct ov_span path, const char *why);

// Hands on what has waited long enough, and beats when it is time.
void ov_scan_journal_tick(struct ov_scan_journal *journal);

// Hands on everything.
enum ov_status ov_scan_journal_flush(struct ov_scan_journal *journal);

// Looks at ourselves once more, before it is known how the scan ends. True when our own processes
// are not what they should be: now, or at any look before.
bool ov_scan_journal_is_odd(struct ov_scan_journal *journal);

// Writes down how it ended, and seals the journal.
enum ov_status ov_scan_journal_close(struct ov_scan_journal *journal,
                                     const struct ov_scan_totals *totals, int code);
void ov_scan_journal_release(struct ov_scan_journal *journal);
