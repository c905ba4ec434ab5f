// SPDX-License-Identifier: Apache-2.0
//
// A log as its publisher keeps it: entries go in, signed heads come out, and nothing that was
// signed is ever contradicted.
//
// Two folders. The public one is what any web server hands out. The private one (0700) has the
// secret keys and what must not be lost: `state`, what stands in the tiles, and `head`, what was
// signed last (ledger/log_names.h). `lock` in it is held by the one process that works on the log.
//
// In this order, each step durable before the next (base/durable.h):
//     append      bundle and tiles, then `state`
//     checkpoint  signature, then `head`; then witnesses are asked; then the public `checkpoint`,
//                 and only when the quorum has cosigned; then the feed's proof
// A crash anywhere leaves a log that the next run goes on with. Opening refuses folders that do not
// fit each other, as after one was restored from a backup: going on would be a fork.
//
// Nothing here speaks HTTP, starts processes or reads rules.
#pragma once

#include "base/fd.h"
#include "ledger/checkpoint.h"
#include "ledger/log.h"
#include "ledger/store_state.h"
#include "ledger/trust.h"

enum { OV_STORE_TEXT_BYTES = 256, OV_STORE_ANSWER_BYTES = 1 << 16 };

// Why something was refused, for people.
struct ov_store_error {
    char what[OV_STORE_TEXT_BYTES]; // a file or a witness
    char why[OV_STORE_TEXT_BYTES];
    bool is_set_back; // the folders, or what others have seen, do not fit each other
};

// About 350 KiB: on the heap.
struct ov_store {
    int folder; // public; -1 when there is none, as the next two
    int private_folder;
    int lock;
    struct ov_buf policy_text, trust_text, next_policy_text, next_trust_text;
    struct ov_policy policy;
    struct ov_trust trust;
    struct ov_policy next_policy; // of a rotation that is logged and not yet in its place
    uint64_t next_version;        // of its trust file
    struct ov_store_state state;  // with what was added
    struct ov_store_state saved;  // as the file has it
    struct ov_digest batch;       // of what was added
    uint64_t batch_count;
    bool has_own; // an entry of ours was added
    bool has_writer;
    struct ov_log_writer writer;
    bool must_search; // a release was withdrawn: which is the newest now?
    struct ov_tile_reader reader;
    struct ov_buf head_note; // as in `head`; empty when nothing was signed yet
    struct ov_tree_head head;
    uint64_t known_size;     // of the head when the log was opened: no witness has seen more
    uint64_t published_size; // 0 when nothing was
    struct ov_buf cosignatures;
    uint64_t witnesses;          // bit i: witness i of `policy` has cosigned
    uint64_t next_witnesses;     // the same of `next_policy`
    struct ov_store_error error; // of the last call that did not give OV_OK
};

// ---- opening ------------------------------------------------------------------------------------

// OV_DENIED when there is a log already in one of the two folders.
enum ov_status ov_store_check_new(int folder, int private_folder, struct ov_store_error *ret_error);

// Makes the first state of a log whose public files and keys are in their places, and with it the
// log. Checks as above.
enum ov_status ov_store_create(int folder, int private_folder, struct ov_store_error *ret_error);

void ov_store_init(struct ov_store *ret_store);

// Opens both folders for this process alone, and checks that everything fits: that the tiles hash
// to the appended root, to the head signed last and to the published one, and that neither is
// newer than what the private folder knows. OV_DENIED: it does not, or another process works on
// the log. OV_SYSTEM, OV_DAMAGED: a file cannot be read, or is none of ours.
enum ov_status ov_store_open(struct ov_store *store, const char *path, const char *private_path);
void ov_store_close(struct ov_store *store);

// ---- appending ----------------------------------------------------------------------------------

// Adds an entry; its number goes to *ret_index. One of ours (ledger/release.h) must be well formed,
// be signed by the threshold of the trust file, and fit those before it: the next release of the
// feed, with its bundle in place; the withdrawal of a release that there is. OV_DENIED or
// OV_DAMAGED when not, OV_INVALID when it is too long: nothing was added then.
enum ov_status ov_store_add(struct ov_store *store, struct ov_span entry, uint64_t *ret_index);

// What was added is in the log from now on, and will be signed. OV_END: a run that was cut off has
// added exactly this as the last entries of the log, and nothing is added again; the store is good
// for nothing but closing then.
enum ov_status ov_store_commit(struct ov_store *store);

// Whoever asked for it was told: the same may be added again.
enum ov_status ov_store_finish(struct ov_store *store);

// ---- signing and publishing ---------------------------------------------------------------------

// Whether ov_store_sign would sign something new, which contradicts what others have seen if this
// log was set back: ask the witnesses first what they have seen.
bool ov_store_has_news(const struct ov_store *store);

// Signs the appended tree with the log's key and keeps it as `head`, unless it was signed before:
// then the text stays, and only gets fresh cosignatures. Those of another text are dropped.
enum ov_status ov_store_sign(struct ov_store *store, const struct ov_signer *signer);

// Appends the body of add-checkpoint for a witness that has cosigned `old_size` entries.
// OV_DENIED when that was never signed here: this log was set back, and would fork.
enum ov_status ov_store_request(struct ov_store *store, uint64_t old_size, struct ov_buf *body);

// Takes the cosignatures of known witnesses out of signature lines; those of others, and further
// ones of the same witness, are left out. *ret_count: how many were new. OV_DAMAGED: no signature
// lines. OV_DENIED: a false signature of a known witness.
enum ov_status ov_store_take(struct ov_store *store, struct ov_span lines, unsigned *ret_count);

// Whether the quorum has cosigned; during a rotation, that of both policies.
bool ov_store_is_witnessed(const struct ov_store *store);

// Publishes the checkpoint with its cosignatures, then what follows from it: the proof of the
// newest release, and the proof and the files of a rotation. OV_DENIED without a quorum.
enum ov_status ov_store_publish(struct ov_store *store);

// ---- reading ------------------------------------------------------------------------------------

// Loads one entry of a tree of `size` entries below the open folder into `bytes`. OV_SYSTEM,
// OV_DAMAGED, OV_INVALID (no such entry).
enum ov_status ov_store_entry(int folder, uint64_t index, uint64_t size, struct ov_buf *bytes,
                              struct ov_span *ret_entry);

// Appends the tlog-proof of one entry of the tree `head`, which this checkpoint signs, with the
// entry as the line `extra`. OV_DAMAGED when the files below `folder` do not lead to the head.
enum ov_status ov_store_prove(int folder, uint64_t index, const struct ov_tree_head *head,
                              struct ov_span checkpoint, struct ov_buf *buf);
