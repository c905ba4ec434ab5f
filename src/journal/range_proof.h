// SPDX-License-Identifier: Apache-2.0
//
// That some entries stand at their places of a tree: the hashes that, with those of these entries,
// lead to its root, and no more. docs/formats/evidence.md, "proof".
#pragma once

#include "ledger/merkle.h"

// Entries of a tree: their indices, ascending, and the hash of each. Borrowed.
struct ov_range_leaves {
    const uint64_t *indices;
    const struct ov_tree_hash *hashes;
    size_t count;
};

// Appends the hashes (32 bytes each). `leaves->hashes` is not looked at. A failure of the source is
// handed up; OV_INVALID when an index is beyond the tree.
enum ov_status ov_range_prove(const struct ov_tree_source *source, uint64_t size,
                              const struct ov_range_leaves *leaves, struct ov_buf *ret_proof);

// The root that leaves and proof lead to. OV_DAMAGED when the proof has too many hashes or too few,
// or the indices are not ascending and below `size`.
enum ov_status ov_range_root(uint64_t size, const struct ov_range_leaves *leaves,
                             struct ov_span proof, struct ov_tree_hash *ret_root);
