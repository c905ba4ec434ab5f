// SPDX-License-Identifier: Apache-2.0
//
// The journal's files: appending entries so that a crash loses none that was answered, sealing them
// under a signed checkpoint, and the keys of its epochs. docs/formats/journal.md.
//
// Several processes may have the journal open; each takes the lock for a batch of entries and finds
// what the others added. Single-threaded in each.
#pragma once

#include "journal/commitment.h"
#include "journal/entry.h"
#include "ledger/log.h"
#include "ledger/key.h"

enum {
    OV_JOURNAL_REASON_BYTES = 512,
    OV_JOURNAL_SEAL_COUNT = 1024,     // entries that may wait for a checkpoint
    OV_JOURNAL_SEAL_SECONDS = 5 * 60, // after which nothing is added before what waits is sealed
    OV_JOURNAL_EPOCH_SECONDS = 24 * 3600, // after which a new key is made
};

struct ov_journal;

// Opens the journal in this folder, making it when it is missing, and puts right what a crash left.
// On failure `ret_reason` says why: OV_SYSTEM, OV_MEMORY; OV_DAMAGED when what is there is no
// journal of ours any more: nothing is added to such a one.
enum ov_status ov_journal_open(const char *path, struct ov_journal **ret_journal,
                               char ret_reason[OV_JOURNAL_REASON_BYTES]);
void ov_journal_free(struct ov_journal *journal);

// Takes the lock, and takes note of what others added; gives it back.
enum ov_status ov_journal_lock(struct ov_journal *journal);
void ov_journal_unlock(struct ov_journal *journal);

// Each of these needs the lock.
//
// Adds an entry of this body; its head is filled in. It is not on disk before ov_journal_sync.
// OV_INVALID when it is too long or not of its type's form. Its seq goes to *ret_seq.
enum ov_status ov_journal_add(struct ov_journal *journal, enum ov_entry_type type,
                              const struct ov_entry_run *run, struct ov_span body,
                              uint64_t *ret_seq);
// Puts all added entries on disk. OV_SYSTEM (errno): none of those added since the last sync is in
// the journal then.
enum ov_status ov_journal_sync(struct ov_journal *journal);
enum ov_seal {
    OV_SEAL_KEEP_EPOCH, // needs no randomness: for a process in a cage
    OV_SEAL_IF_OLD,     // begins a new epoch when it is time
    OV_SEAL_NEW_EPOCH,
};
// Puts all entries under a signed checkpoint.
enum ov_status ov_journal_seal(struct ov_journal *journal, enum ov_seal how);

// Entries that there are, synced or not; and why the last call failed, for people.
uint64_t ov_journal_size(const struct ov_journal *journal);
uint64_t ov_journal_unsealed(const struct ov_journal *journal);
// What the checkpoint signs.
void ov_journal_head(const struct ov_journal *journal, struct ov_tree_head *ret_head);
// The folder's descriptor, borrowed.
int ov_journal_folder(const struct ov_journal *journal);

// Moves what the journal has open to the descriptors first, first + 1 and first + 2, for a process
// that is going to be caged. OV_SYSTEM.
enum { OV_JOURNAL_DESCRIPTORS = 3 };
enum ov_status ov_journal_place(struct ov_journal *journal, int first);
const char *ov_journal_reason(const struct ov_journal *journal);
// The 32 bytes that salts are made of.
const uint8_t *ov_journal_names_key(const struct ov_journal *journal);
