// SPDX-License-Identifier: Apache-2.0
//
// What an open journal holds; for the files of this room alone.
#pragma once

#include "journal/journal.h"

#define OV_JOURNAL_FILE_CHECKPOINT "checkpoint"
#define OV_JOURNAL_FILE_PENDING    "pending"
#define OV_JOURNAL_FILE_VKEY       "journal.vkey"
#define OV_JOURNAL_FILE_POLICY     "log.policy"
#define OV_JOURNAL_FILE_KEY        "key"
#define OV_JOURNAL_FILE_KEY_NEXT   "key.next"
#define OV_JOURNAL_FILE_NAMES_KEY  "names.key"
#define OV_JOURNAL_FILE_LOCK       "lock"
#define OV_JOURNAL_FILE_EPOCH      "epoch"

struct ov_journal {
    int folder, lock, pending;
    struct ov_signer signer; // of the newest epoch
    uint8_t names_key[OV_NAMES_KEY_BYTES];
    struct ov_log_writer writer; // of what is sealed, and of what is on disk since
    bool has_writer;
    int writer_error;           // errno of its first failure
    struct ov_tree_head sealed; // what the checkpoint signs
    uint64_t epoch;             // its number
    uint64_t epoch_began_ns;    // when
    bool has_pending_epoch;     // an entry that begins one is not sealed yet
    bool is_lost;               // what the writer had of `pending`: all of it is to be read again
    // What the writer has not been given: frames that are on disk, then those that are only added.
    struct ov_buf frames;
    uint64_t first_mono_ns; // of the first of them
    uint8_t first_boot[OV_BOOT_BYTES];
    size_t synced_bytes;
    uint64_t size; // entries, all of them
    uint64_t last_time_ns, last_mono_ns;
    uint8_t last_boot[OV_BOOT_BYTES];
    uint8_t boot[OV_BOOT_BYTES];
    uint64_t seen_mark;     // of `checkpoint`, as we left it
    uint64_t pending_bytes; // of `pending`, that were read or written
    char reason[OV_JOURNAL_REASON_BYTES];
};

enum ov_status ov_journal_fail(struct ov_journal *journal, enum ov_status status, const char *what);

// Reads `pending` from where we were; what a crash left of a write that nobody was told of is cut
// off, and its bytes go to *ret_lost.
enum ov_status ov_journal_read_pending(struct ov_journal *journal, uint64_t *ret_lost);

// Gives the writer what is on disk. On failure it wants nothing more, which the seal will tell: the
// entries are in `pending` all the same.
void ov_journal_feed(struct ov_journal *journal);

// Takes note of an entry that counts: its time, and its key when it begins an epoch.
void ov_journal_note(struct ov_journal *journal, const struct ov_entry *entry);

// Writes log.policy for the keys of all epochs; for people and other programs.
enum ov_status ov_journal_write_policy(struct ov_journal *journal, const struct ov_key *newest);

// Signs and writes the checkpoint of the writer's head; `second` signs as well, or is NULL.
enum ov_status ov_journal_write_checkpoint(struct ov_journal *journal,
                                           const struct ov_signer *second);

// Reads `checkpoint`, and checks it against the tiles and the keys; the writer stands at its size.
// OV_END when there is none yet.
enum ov_status ov_journal_read_checkpoint(struct ov_journal *journal);

// Takes note of the last entry that is sealed; there is one at least.
enum ov_status ov_journal_note_last(struct ov_journal *journal);

// Makes the files of a new journal, and its first entry.
enum ov_status ov_journal_create(struct ov_journal *journal);

// Reads the secret keys, finishing a change of epochs that a crash cut short.
enum ov_status ov_journal_read_keys(struct ov_journal *journal);
