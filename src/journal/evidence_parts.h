// SPDX-License-Identifier: Apache-2.0
//
// The parts of a file of evidence that are about rules and witnesses, one by one.
// docs/formats/evidence.md: witness, rules, rule.
//
// Spans lie in the bytes that were read. What is read has its form, and is not believed yet.
#pragma once

#include "journal/evidence.h"

// ---- a rule of a release ------------------------------------------------------------------------

struct ov_evidence_rule {
    struct ov_tree_hash release; // the leaf hash of the release's entry
    uint64_t index;
    struct ov_tree_proof path;
    struct ov_span entry;      // the leaf: the file's name, LF, the text
    struct ov_span file, text; // in `entry`
};

enum ov_status ov_evidence_rule_read(struct ov_span part, struct ov_evidence_rule *ret_rule);
// `file` and `text` are not looked at.
void ov_evidence_rule_add(struct ov_buf *buf, const struct ov_evidence_rule *rule);

// Takes the leaf of a rule apart. OV_DAMAGED when there is no LF in it.
enum ov_status ov_evidence_leaf_read(struct ov_span entry, struct ov_span *ret_file,
                                     struct ov_span *ret_text);

// Whether the rule with this text, in a file of this name, is one that the words RULE and FILE of a
// line `found` name.
bool ov_evidence_rule_is(struct ov_span file, struct ov_span text, struct ov_span found_rule,
                         struct ov_span found_file);

// ---- all rules of a release ---------------------------------------------------------------------

struct ov_evidence_list {
    struct ov_tree_hash release;
    struct ov_cursor cursor; // over the leaves
};

enum ov_status ov_evidence_list_read(struct ov_span part, struct ov_evidence_list *ret_list);
// The next leaf. OV_END, OV_DAMAGED.
enum ov_status ov_evidence_list_next(struct ov_evidence_list *list, struct ov_span *ret_entry);
// Begins a list; the leaves follow, each behind its length.
void ov_evidence_list_add(struct ov_buf *buf, const struct ov_tree_hash *release);

// ---- releases -----------------------------------------------------------------------------------

// The release of a set's line `set NAME LEAF`: OV_END when the file has none of this leaf hash. Its
// entry is appended to `ret_entry`.
enum ov_status ov_evidence_release(const struct ov_evidence *evidence,
                                   const struct ov_tree_hash *leaf, struct ov_buf *ret_entry,
                                   size_t *ret_index);

// ---- a checkpoint that witnesses have seen ------------------------------------------------------

struct ov_evidence_witness {
    struct ov_tree_proof proof; // of consistency with the file's checkpoint
    struct ov_span note;
};

enum ov_status ov_evidence_witness_read(struct ov_span part,
                                        struct ov_evidence_witness *ret_witness);
void ov_evidence_witness_add(struct ov_buf *buf, const struct ov_evidence_witness *witness);
