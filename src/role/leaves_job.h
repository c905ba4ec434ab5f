// SPDX-License-Identifier: Apache-2.0
//
// The rules of a release as a Merkle tree, and what changed between two: for whoever asks.
//
// The caged builder reads the files; no rule file's content is looked at in this process. A leaf's
// text and name are those of docs/formats/release.md.
#pragma once

#include "base/span.h"
#include "base/status.h"
#include "ledger/encoding.h"
#include "role/sources.h"

#include <stdint.h>

enum { OV_LEAVES_REASON_BYTES = 256 };

// A source that is a bundle stands for the files in it, by their names there; no prefix is taken
// off its own.

struct ov_leaves_request {
    const struct ov_sources *sources; // in any order: the tree has them by name
    const char *prefix;               // the folder that each path begins with, and its name does
                                      // not; NULL when each source has its name
    void *arg;
    void (*on_text)(void *arg, struct ov_span text); // pieces of the list of leaves, which are
                                                     // unchecked bytes; NULL for no list
    bool with_texts; // the list is that of the leaves themselves, each behind its length (u32be),
                     // and not of a line for each
};

// The number of leaves and the root of the tree. OV_OK; otherwise `ret_reason` says why, with the
// file's path: OV_SYSTEM a file cannot be read, OV_UNSUPPORTED it is none, OV_DAMAGED a container
// is damaged, OV_INVALID two have one name, or a name that no file of a release may have, OV_LIMIT
// a container is too large, OV_MEMORY, OV_PEER the builder died.
enum ov_status ov_leaves_run(const struct ov_leaves_request *request, uint64_t *ret_count,
                             struct ov_tree_hash *ret_root,
                             char ret_reason[OV_LEAVES_REASON_BYTES]);

struct ov_changes_request {
    const struct ov_sources *old_sources, *new_sources;
    const char *old_prefix, *new_prefix; // as above
    bool is_json;
    bool with_summary; // the counts as the last line; JSON always has them
    void *arg;
    void (*on_text)(void *arg, struct ov_span text); // pieces of the lines, which are unchecked
                                                     // bytes; NULL for none
};

// The rules that stand in one of the two sets alone, counted, and told line by line.
enum ov_status ov_changes_run(const struct ov_changes_request *request, uint64_t *ret_added_count,
                              uint64_t *ret_removed_count, char ret_reason[OV_LEAVES_REASON_BYTES]);
