// SPDX-License-Identifier: Apache-2.0
//
// A log's word on its tree: origin, size and root, signed by the log and cosigned by witnesses
// (C2SP tlog-checkpoint, tlog-cosignature).
//
//     ORIGIN LF
//     SIZE LF
//     base64(ROOT) LF
//
// as the text of a signed note. Extension lines may follow in the specification. They are read, and
// ov_checkpoint_open refuses them: nobody can audit them, so they could mark one client's copy.
#pragma once

#include "ledger/merkle.h"
#include "ledger/note.h"
#include "ledger/policy.h"

struct ov_checkpoint {
    struct ov_span origin; // in the bytes it was read from
    struct ov_tree_head head;
    struct ov_span extensions; // the lines after the root; empty as a rule
};

// Reads the text of a note. OV_DAMAGED when it is no checkpoint's.
enum ov_status ov_checkpoint_read(struct ov_span text, struct ov_checkpoint *ret_checkpoint);

// Appends the text of a checkpoint, its extensions included.
void ov_checkpoint_add(struct ov_buf *buf, const struct ov_checkpoint *checkpoint);

// A checkpoint that a log of the policy has signed, and which witnesses did.
struct ov_checkpoint_opened {
    struct ov_note note;
    struct ov_checkpoint checkpoint;
    size_t log_index;                        // in the policy: the first whose key has signed
    uint64_t witnesses;                      // bit i: witness i has cosigned
    uint64_t times[OV_POLICY_WITNESSES_MAX]; // when it says it did; 0 for the others
    bool is_quorum_met;
    uint64_t quorum_time; // ov_policy_quorum_time
};

// Opens a whole note. OV_DAMAGED: no checkpoint. OV_UNSUPPORTED: it has extension lines.
// OV_DENIED: no log of the policy has this origin and has signed; or a line of a known log or
// witness is a false signature. Whether the quorum is met is the caller's to ask: OV_OK says that
// the log has signed, no more. *ret_why is a constant phrase for people, set on failure alone.
enum ov_status ov_checkpoint_open(struct ov_span bytes, const struct ov_policy *policy,
                                  struct ov_checkpoint_opened *ret_opened, const char **ret_why);

// The same, and the quorum is demanded: OV_DENIED when it is not met.
enum ov_status ov_checkpoint_open_witnessed(struct ov_span bytes, const struct ov_policy *policy,
                                            struct ov_checkpoint_opened *ret_opened,
                                            const char **ret_why);
