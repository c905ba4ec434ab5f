// SPDX-License-Identifier: Apache-2.0
//
// What stands in a journal's folder at one moment, though others write to it meanwhile: the
// checkpoint, and the entries that came after it.
//
// Takes no lock and changes nothing, so that a journal can be read from a medium that nobody can
// write to, and no reader holds up a scan. The tiles of a checkpoint are never changed by later
// ones (ledger/log.h); what must fit together is `checkpoint` and `pending`.
#pragma once

#include "journal/entry.h"
#include "ledger/merkle.h"

struct ov_journal_snapshot {
    struct ov_buf checkpoint; // the bytes of the file; nothing of it is believed yet
    struct ov_buf pending;
};

// Reads both until they are of one moment, or until it is plain that they do not fit although
// nobody writes: then they are given as they are. OV_END when there is no checkpoint; OV_SYSTEM
// (errno), OV_MEMORY; OV_DAMAGED when one of them is too large to be of a journal.
enum ov_status ov_journal_snapshot_take(int folder, struct ov_journal_snapshot *ret_snapshot);
void ov_journal_snapshot_release(struct ov_journal_snapshot *snapshot);

// What the checkpoint says. OV_DAMAGED.
enum ov_status ov_journal_snapshot_head(const struct ov_journal_snapshot *snapshot,
                                        struct ov_tree_head *ret_head);

// Whether another checkpoint stands there by now.
bool ov_journal_snapshot_is_old(int folder, const struct ov_journal_snapshot *snapshot);
