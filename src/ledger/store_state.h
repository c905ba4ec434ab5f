// SPDX-License-Identifier: Apache-2.0
//
// What a publisher must not forget between two runs: the file `state` of a log's private folder.
//
//     overt-log-state/v1
//     size N                        entries that stand in the tiles, signed or not
//     root B64
//     newest none|INDEX SEQ B64     the newest release: where it stands, and its leaf hash
//     current none|INDEX SEQ        the newest one that is not withdrawn
//     rotation none|INDEX           an entry overt-policy/v1 whose files are not yet in their place
//     batch none|COUNT B64          what was appended last, before whoever asked for it was told
//
// The batch is how many entries, none of them of ours, and SHA-256 of their leaf hashes: when that
// run was cut off and the same is asked again, nothing is added twice.
//
// A plain value that owns nothing.
#pragma once

#include "ledger/merkle.h"

enum { OV_STORE_STATE_BYTES_MAX = 4096 };

struct ov_store_state {
    struct ov_tree_head head;
    bool has_newest;
    uint64_t newest_index, newest_seq;
    struct ov_tree_hash newest_leaf;
    bool has_current;
    uint64_t current_index, current_seq;
    bool has_rotation;
    uint64_t rotation_index;
    bool has_batch;
    uint64_t batch_count;
    struct ov_tree_hash batch;
};

// The state of a log without entries.
void ov_store_state_init(struct ov_store_state *ret_state);

// The whole text. OV_DAMAGED for anything that ov_store_state_add would not have written.
enum ov_status ov_store_state_read(struct ov_span text, struct ov_store_state *ret_state);
void ov_store_state_add(struct ov_buf *buf, const struct ov_store_state *state);
