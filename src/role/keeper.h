// SPDX-License-Identifier: Apache-2.0
//
// The keeper: the one process that can add to the journal, and can do nothing else.
//
// Forked by the process whose acts are written down, and caged: the journal's folder, one channel,
// no network, no other path. What it is sent are the type and the body of entries; it gives each
// its head, puts it on disk, and says so. docs/formats/journal.md.
#pragma once

#include "journal/commitment.h"
#include "journal/entry.h"
#include "ledger/merkle.h"

#include <sys/types.h>

enum {
    OV_KEEPER_REASON_BYTES = 512,
    OV_KEEPER_DESK_BYTES = 1 << 20,
    OV_KEEPER_BODIES_MAX = 132,
};

// Where a body stands among the bytes that are handed over with it.
struct ov_keeper_body {
    uint32_t at;
    uint32_t size;
};

struct ov_keeper {
    pid_t pid; // 0: there is none
    int channel;
    uint8_t *desk; // memory that both sides see: what is handed over is copied here, and away again
    struct ov_entry_run run;             // of this command
    struct ov_salts salts;               // for commitments
    uint64_t name_count;                 // commitments made so far
    uint64_t size;                       // entries in the journal, as of the last answer
    struct ov_tree_head head;            // of the checkpoint, as of the last answer
    uint32_t missing_layers;             // OV_CAGE() bits that it should have had and had not
    char reason[OV_KEEPER_REASON_BYTES]; // of a failure, for people
};

// Opens the journal in this folder and starts its keeper. Statuses as ov_journal_open; the reason
// is in ret_keeper->reason then.
enum ov_status ov_keeper_start(const char *folder, struct ov_keeper *ret_keeper);

// Sends an entry, which is in the journal once ov_keeper_sync has returned OV_OK. OV_PEER: the
// keeper is gone.
enum ov_status ov_keeper_add(struct ov_keeper *keeper, enum ov_entry_type type,
                             struct ov_span body);

// Sends many entries of one type, OV_KEEPER_BODIES_MAX at most, and begins a sync. Their bodies
// stand in `bytes`.
enum ov_status ov_keeper_add_many(struct ov_keeper *keeper, enum ov_entry_type type,
                                  struct ov_span bytes, const struct ov_keeper_body *bodies,
                                  size_t count);

// Waits until all that was sent is on disk. OV_SYSTEM (errno), OV_INVALID, OV_PEER: it is not, and
// nothing more can be added; the reason is given.
enum ov_status ov_keeper_sync(struct ov_keeper *keeper);

// The same in two steps, so that the caller need not wait for the disk. In between nothing else is
// asked of the keeper.
enum ov_status ov_keeper_sync_begin(struct ov_keeper *keeper);
bool ov_keeper_has_answered(const struct ov_keeper *keeper); // then _end returns at once
enum ov_status ov_keeper_sync_end(struct ov_keeper *keeper);

// The same, and puts everything under a checkpoint.
enum ov_status ov_keeper_seal(struct ov_keeper *keeper);

// Seconds between two heartbeats: 600, or what OVERT_HEARTBEAT says, 1 to 600.
unsigned ov_keeper_heartbeat_seconds(void);

// Adds an entry `heartbeat`, with these lines behind its first (or none), and puts everything under
// a checkpoint. As ov_keeper_sync. Where nobody calls this, the keeper does so by itself a little
// later, so that a run never has a gap.
enum ov_status ov_keeper_beat(struct ov_keeper *keeper, struct ov_span lines);

// Puts everything under a checkpoint, and ends the keeper: nothing is left to release. As above.
enum ov_status ov_keeper_end(struct ov_keeper *keeper);

// The commitment to a path, with the next salt of this run; its number goes to *ret_number.
void ov_keeper_commit(struct ov_keeper *keeper, struct ov_span path,
                      struct ov_tree_hash *ret_commitment, uint64_t *ret_number);

// The same for two paths, whose numbers follow on one another; the first goes to *ret_number.
void ov_keeper_commit_two(struct ov_keeper *keeper, const struct ov_span paths[2],
                          struct ov_tree_hash ret_commitments[2], uint64_t *ret_number);
