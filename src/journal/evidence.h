// SPDX-License-Identifier: Apache-2.0
//
// A file of evidence: a range of a journal's entries, all that it takes to check them without the
// journal, and nothing of any document. docs/formats/evidence.md gives it to the byte.
//
// Spans lie in the bytes that were read. Nothing in it may be believed before ov_evidence_verify
// (evidence_check.h).
#pragma once

#include "journal/commitment.h"
#include "ledger/key.h"
#include "ledger/merkle.h"

enum {
    OV_EVIDENCE_RELEASES_MAX = 64,
    OV_EVIDENCE_RULES_MAX = 1024,
    OV_EVIDENCE_WATCHES_MAX = 16,
};

struct ov_evidence {
    struct ov_span about;      // for people; the same for all files of the same parts
    struct ov_span first_key;  // the vkey of epoch 0, as the file has it
    uint64_t from, to;         // the first and the last entry of the range
    uint64_t export_seq;       // the entry that says that this file was written
    struct ov_span checkpoint; // a signed note
    struct ov_span entries;    // framed as in entry bundles
    struct ov_span others;     // the same: entries outside of the range, of epochs and the export
    struct ov_span proof;      // range_proof.h
    struct ov_span follows;    // for each epoch after the first: that the tree before it is a
                               // beginning of the checkpoint's
    struct ov_span names;      // openings: salt, u16 length, path
    struct ov_span manifest;   // lines of text, or nothing
    struct ov_span witness;    // struct ov_evidence_witness, or nothing
    size_t release_count, list_count, rule_count, watch_count;
    struct ov_span releases[OV_EVIDENCE_RELEASES_MAX]; // tlog-proofs with their entries
    struct ov_span lists[OV_EVIDENCE_RELEASES_MAX];    // struct ov_evidence_list
    struct ov_span rules[OV_EVIDENCE_RULES_MAX];       // struct ov_evidence_rule
    struct ov_span watches[OV_EVIDENCE_WATCHES_MAX];   // traces (docs/formats/trace.md), whole
};

// Takes the file apart. OV_DAMAGED when anything in it is not in its place.
enum ov_status ov_evidence_read(struct ov_span bytes, struct ov_evidence *ret_evidence);

// Appends the file; `about` is written anew.
void ov_evidence_add(struct ov_buf *buf, const struct ov_evidence *evidence);

// The next entry of `entries` or `others`. OV_END, OV_DAMAGED.
enum ov_status ov_evidence_entry(struct ov_cursor *cursor, struct ov_span *ret_entry);

// The next consistency proof of `follows`, and writing one.
enum ov_status ov_evidence_follow(struct ov_cursor *cursor, struct ov_tree_proof *ret_proof);
void ov_evidence_follow_add(struct ov_buf *buf, const struct ov_tree_proof *proof);

// ---- names --------------------------------------------------------------------------------------

// A walk over the openings, beside one over the commitments of the entries, in their order.
struct ov_evidence_names {
    struct ov_cursor cursor;
    bool has_next;
    struct ov_tree_hash next; // the commitment that the next opening opens
    struct ov_span path;
    bool is_damaged;
};

void ov_evidence_names_init(struct ov_span names, struct ov_evidence_names *ret_names);

// The path behind the next commitment of the entries; OV_END when the file does not open it.
enum ov_status ov_evidence_names_take(struct ov_evidence_names *names,
                                      const struct ov_tree_hash *commitment,
                                      struct ov_span *ret_path);

// Whether each opening has found its commitment.
bool ov_evidence_names_are_all(const struct ov_evidence_names *names);

// Appends an opening. Paths of more than 65,535 bytes have none.
void ov_evidence_name_add(struct ov_buf *buf, const struct ov_salt *salt, struct ov_span path);

// The next commitment in the lines of an entry, and the line it stands in; OV_END at their end.
enum ov_status ov_evidence_commitment(struct ov_cursor *body, struct ov_span *ret_line,
                                      struct ov_tree_hash *ret_commitment);
