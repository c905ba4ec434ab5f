// SPDX-License-Identifier: Apache-2.0
//
// How tiles come about while entries are added, for the writer and the audit of a log alone.
#pragma once

#include "ledger/log.h"

// A tile that is complete, or as complete as it will be.
struct ov_log_tile {
    uint64_t number;
    unsigned level;
    unsigned width;
    struct ov_span bytes; // of its file; into the edge, until the next change
};

// Where tiles go: to be written, or compared.
struct ov_log_sink {
    void *arg;
    enum ov_status (*put)(void *arg, const struct ov_log_tile *tile);
};

// Adds the hash of one entry, and puts each tile that it fills. The edge is of no use after a
// failure, which is the sink's, or OV_LIMIT for a tree of OV_NUMBER_MAX entries.
enum ov_status ov_log_edge_push(struct ov_log_edge *edge, const struct ov_tree_hash *leaf_hash,
                                const struct ov_log_sink *sink);

// Puts the partial tiles that are others than those of `old_size`. The edge stays as it is.
enum ov_status ov_log_edge_put_partial(const struct ov_log_edge *edge, uint64_t old_size,
                                       const struct ov_log_sink *sink);
