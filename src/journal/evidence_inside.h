// SPDX-License-Identifier: Apache-2.0
//
// What the files that check evidence share. For evidence_*.c alone.
#pragma once

#include "journal/evidence_check.h"
#include "journal/evidence_parts.h"
#include "ledger/checkpoint.h"
#include "ledger/proof.h"
#include "ledger/release.h"

struct ov_evidence_keys {
    uint64_t count;
    struct ov_key newest;
    bool is_known;      // the verifier's key is one of them
    bool is_first_told; // the file says the same of the first
    bool is_chain;      // each signed by the one before
};

// A part `release`.
struct ov_evidence_known {
    struct ov_tree_hash leaf;
    bool is_readable; // it is a proof with an entry
    bool is_loaded;   // an entry names it
    bool is_proven;
    uint64_t loaded_ns;   // when it was first loaded
    uint64_t quorum_time; // of its proof; 0 for none
    bool has_release;     // it is proven, and the entry is that of a release of rules
    struct ov_release release;
};

// A part `rule`.
struct ov_evidence_known_rule {
    struct ov_tree_hash release;
    struct ov_span file, text;
    bool is_proven;
};

struct ov_evidence_checking {
    const struct ov_evidence *evidence;
    const struct ov_evidence_check *check;
    struct ov_evidence_report *report;
    uint64_t *indices; // of all entries that the file has
    struct ov_tree_hash *hashes;
    struct ov_span *entries;
    size_t count, room;
    struct ov_evidence_keys keys;
    struct ov_note note;
    struct ov_checkpoint checkpoint;
    struct ov_proof_checked proof;
    struct ov_evidence_known releases[OV_EVIDENCE_RELEASES_MAX];
    struct ov_evidence_known_rule *rules; // one for each part
};

void ov_evidence_step(const struct ov_evidence_checking *checking, const char *what,
                      enum ov_proven result, const char *why);
// The same of a rule set, or of a rule.
void ov_evidence_step_of(const struct ov_evidence_checking *checking, const char *what,
                         enum ov_proven result, const char *why, struct ov_span name);

// The n-th entry that the file has; false when it is none, or stands outside of the range.
bool ov_evidence_get(const struct ov_evidence_checking *checking, size_t n,
                     struct ov_entry *ret_entry);

// How many epochs' keys have signed this note. A false signature of one counts none.
size_t ov_evidence_count_epochs(const struct ov_evidence_checking *checking,
                                const struct ov_note *note);

// The claims of evidence.md by their numbers: 7; 8; 9; 10 and 11. OV_MEMORY.
void ov_evidence_check_export(struct ov_evidence_checking *checking);
void ov_evidence_check_witness(struct ov_evidence_checking *checking);
enum ov_status ov_evidence_check_releases(struct ov_evidence_checking *checking);
enum ov_status ov_evidence_check_rules(struct ov_evidence_checking *checking);
