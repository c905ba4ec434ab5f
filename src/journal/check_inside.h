// SPDX-License-Identifier: Apache-2.0
//
// A journal that is being verified, for check.c and check_entry.c alone.
#pragma once

#include "journal/check.h"
#include "journal/ranges.h"
#include "journal/run_table.h"
#include "journal/snapshot.h"

#define OV_CHECK_GAP_NS (11 * 60 * 1000000000ull) // longest that nothing is written, or sealed

// Problems that are not told before it is known that all is of one moment.
enum { OV_CHECK_HELD_MAX = 1024 };

struct ov_check_held {
    uint64_t seq;
    char why[OV_CHECK_WHY_BYTES];
};

struct ov_checking {
    const struct ov_journal_check *check;
    struct ov_journal_report *report;
    struct ov_entry last;
    struct ov_key newest; // of the epoch
    uint64_t epoch;
    uint64_t latest_ns; // of this boot so far
    struct ov_run_table runs;
    struct ov_buf under_way; // runs that were when a snapshot was taken, OV_RUN_BYTES each
    struct ov_journal_snapshot snapshot;
    struct ov_check_held held[OV_CHECK_HELD_MAX]; // problems
    size_t held_count;
    enum ov_status status; // of the first failure of ours
    bool has_first_pending;
    struct ov_entry first_pending; // that the checkpoint does not cover
    struct ov_tree tree;           // of the entries before the one that is looked at
    bool has_kept_root;
    struct ov_tree_hash kept_root; // of as many entries
    struct ov_ranges missing;      // entries of which there are hashes alone
    struct ov_ranges removed;      // and those that an entry says were removed
    bool is_behind_missing;        // the next entry is the first behind some
    size_t faded_count;            // open runs that may have ended in them
};

// Says that something does not hold, of an entry or, with UINT64_MAX, of none. Held back at first:
// it may be that somebody wrote between two looks of ours.
void ov_check_tell(struct ov_checking *checking, uint64_t seq, const char *why);

// Holds the next entry, sealed or pending, against those before it, and counts it.
void ov_check_entry(struct ov_checking *checking, uint64_t seq, struct ov_span bytes);
