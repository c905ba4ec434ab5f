// SPDX-License-Identifier: Apache-2.0
//
// The rules of a set of files as one Merkle tree, and what changed between two sets.
//
// docs/formats/release.md gives names, texts and order. For the builder's cage.
#pragma once

#include "rules/report.h"
#include "rules/rule_text.h"

struct ov_rule_source {
    struct ov_span name; // within the release
    struct ov_span bytes;
    uint32_t number; // the caller's, for what is told of it
};

struct ov_rule_source_list {
    struct ov_rule_source *items;
    size_t count, room;
    struct ov_arena names; // of files in bundles
};

struct ov_rule_tree_work {
    struct ov_report *report;
    bool with_list;  // tree: a line for each leaf
    bool with_texts; // tree: each leaf, behind its length (u32be)
    void *arg;
    void (*on_reading)(void *arg, uint32_t number); // that source is read next
    const char *why; // after OV_DAMAGED, OV_INVALID and OV_LIMIT: what is wrong with the source
                     // that was read last; a sentence without a full stop
};

// Adds a file, or the files of a bundle. OV_MEMORY; OV_DAMAGED when it is no bundle.
enum ov_status ov_rule_source_list_add(struct ov_rule_source_list *list,
                                       const struct ov_rule_source *source);
enum ov_status ov_rule_source_list_add_bundle(struct ov_rule_source_list *list,
                                              struct ov_rule_tree_work *work,
                                              const struct ov_rule_source *bundle);
void ov_rule_source_list_release(struct ov_rule_source_list *list);

// Sorts the sources by name, and gives the tree of all their rules. Statuses as those of
// ov_rule_texts_next; OV_INVALID also when two sources have one name.
enum ov_status ov_rule_tree_make(struct ov_rule_tree_work *work, struct ov_rule_source_list sources,
                                 struct ov_tree_head *ret_head);

struct ov_rule_changes {
    uint64_t added_count, removed_count;
};

// Sorts the sources of both sets, and reports the rules that one of them alone has. A rule is the
// same when its leaf is, wherever in the file it stands; what stands twice counts twice.
enum ov_status ov_rule_changes_report(struct ov_rule_tree_work *work,
                                      struct ov_rule_source_list old_sources,
                                      struct ov_rule_source_list new_sources,
                                      struct ov_rule_changes *ret_changes);

// ---- shared by the two --------------------------------------------------------------------------

// Brings the sources into bytewise order of name. OV_INVALID when two have one name.
enum ov_status ov_rule_sources_sort(struct ov_rule_tree_work *work,
                                    struct ov_rule_source_list sources);

// Which of two names comes first: below zero, zero, above zero.
int ov_rule_name_compare(struct ov_span left, struct ov_span right);
