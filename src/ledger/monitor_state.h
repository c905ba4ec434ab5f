// SPDX-License-Identifier: Apache-2.0
//
// What a monitor has seen of a log: how far, the checkpoint that was signed for it, and the
// releases in it; and its text, which is one file (docs/formats/monitor.md).
//
// Owns its lists. The text is ours; whatever else is in it makes it damaged.
#pragma once

#include "ledger/merkle.h"
#include "ledger/policy.h"
#include "ledger/release.h"

struct ov_monitor_release {
    uint64_t index, seq; // in the log; in its feed
    struct ov_feed_name feed;
    struct ov_tree_hash leaf;
    uint8_t sha256[OV_SHA256_BYTES]; // of the bundle
    uint64_t bundle_bytes;
    bool is_open; // its bundle could not be had yet, or was wrong
};

struct ov_monitor_state {
    struct ov_tree_head head;                        // what the mirror has
    struct ov_buf note;                              // the checkpoint that was signed for it
    uint64_t audited;                                // entries that were read and told
    uint64_t next_check;                             // of what was seen before: where to go on
    uint64_t log_size;                               // that the log has shown
    uint64_t witness_sizes[OV_POLICY_WITNESSES_MAX]; // that each witness has shown
    struct ov_monitor_release *releases;             // in the order of the log
    size_t release_count, release_room;
};

// Reads the whole text of a state of this log. OV_DAMAGED, OV_DENIED for that of another log,
// OV_MEMORY. What is in *ret_state is to be released in any case.
enum ov_status ov_monitor_state_read(struct ov_span text, const char *origin,
                                     const struct ov_policy *policy,
                                     struct ov_monitor_state *ret_state);
void ov_monitor_state_add(struct ov_buf *buf, const char *origin, const struct ov_policy *policy,
                          const struct ov_monitor_state *state);
void ov_monitor_state_release(struct ov_monitor_state *state);

enum ov_status ov_monitor_release_add(struct ov_monitor_state *state,
                                      const struct ov_monitor_release *release);

// The release of this feed that stands last among the first `count`, or NULL.
const struct ov_monitor_release *ov_monitor_release_last(const struct ov_monitor_state *state,
                                                         size_t count, const char *feed);
