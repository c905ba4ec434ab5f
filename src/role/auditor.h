// SPDX-License-Identifier: Apache-2.0
//
// What a monitor asks of a log's texts: checkpoints, entries and bundles that were fetched, each
// read by a process of its own, a caged fork.
//
// What comes back is of fixed size and sound as a value: numbers, flags that are 0 or 1, texts that
// end. Whether it is true rests on that process; so none of them reads bytes of two kinds.
#pragma once

#include "ledger/checkpoint.h"
#include "ledger/trust.h"

enum { OV_AUDITOR_WHY_BYTES = 256 };

// ---- checkpoints --------------------------------------------------------------------------------

struct ov_auditor_head {
    enum ov_status status; // as ov_checkpoint_open; OV_DENIED for that of another log, too
    struct ov_tree_head head;
    uint64_t witnesses; // bit i: witness i has cosigned
    uint64_t times[OV_POLICY_WITNESSES_MAX];
    uint8_t is_quorum_met;
    uint64_t quorum_time;
    char why[OV_AUDITOR_WHY_BYTES]; // of a status other than OV_OK

    // Of a proof alone.
    uint64_t checkpoint_at; // where in the proof its checkpoint begins
    uint64_t index;         // of the entry that is proven
    struct ov_tree_hash leaf;
};

// Opens a checkpoint of the log `origin`. OV_OK when there was an answer, whatever it is;
// otherwise OV_SYSTEM (errno), or OV_PEER when the process died.
enum ov_status ov_auditor_open(struct ov_span note, const struct ov_policy *policy,
                               const char *origin, struct ov_auditor_head *ret_head);

// The same for what a feed hands out (feed/NAME/latest.tlog-proof): that its entry, which is the
// line `extra`, stands in the tree, and that the quorum is met; statuses as ov_proof_check.
enum ov_status ov_auditor_open_proof(struct ov_span proof, const struct ov_policy *policy,
                                     const char *origin, struct ov_auditor_head *ret_head);

// ---- entries ------------------------------------------------------------------------------------

enum ov_auditor_signatures {
    OV_SIGNATURES_UNASKED, // there is no trust file, or it is about another feed
    OV_SIGNATURES_MET,
    OV_SIGNATURES_UNMET,
    OV_SIGNATURES_COUNT,
};

struct ov_auditor_entry {
    enum ov_leaf_kind kind;
    enum ov_status form; // OV_OK, or OV_DAMAGED: it is not what it says to be
    enum ov_auditor_signatures signatures;
    struct ov_feed_name feed;             // but of an engine
    uint64_t seq;                         // of a release, or of the one that is withdrawn
    uint64_t time;                        // what the signers say
    uint64_t version;                     // of a rotation: the number of the new trust file
    uint64_t file_count;                  // of an engine
    struct ov_version engine;             // of an engine
    struct ov_release release;            // of a release; its has_previous is not to be asked
    char reason[OV_REASON_BYTES_MAX + 1]; // of a withdrawal
    char why[OV_AUDITOR_WHY_BYTES];       // what is wrong with form or signatures
};

// Reads `count` entries; `trust` may be NULL. Statuses as above.
enum ov_status ov_auditor_read(const struct ov_span *entries, size_t count,
                               const struct ov_trust *trust, struct ov_auditor_entry *ret_entries);

// ---- bundles ------------------------------------------------------------------------------------

// That these bytes are the bundle that the release names, by size, SHA-256 and form: *ret_status as
// ov_update_check_bundle, and `ret_why` (OV_AUDITOR_WHY_BYTES) says why not. Statuses as above.
enum ov_status ov_auditor_check_bundle(const struct ov_release *release, struct ov_span bundle,
                                       enum ov_status *ret_status, char *ret_why);
