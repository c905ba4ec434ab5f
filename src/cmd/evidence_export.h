// SPDX-License-Identifier: Apache-2.0
//
// What the files that write evidence share. For evidence_*.c alone.
#pragma once

#include "base/fd.h"
#include "cmd/evidence.h"
#include "journal/evidence_parts.h"
#include "journal/names.h"
#include "ledger/log.h"

// A line of the file of names, by what it opens.
struct ov_evidence_name {
    struct ov_tree_hash commitment;
    struct ov_salt salt;
    struct ov_span path;
};

struct ov_evidence_work {
    const struct ov_evidence_options *options;
    int folder; // of the journal
    struct ov_evidence evidence;
    struct ov_tree_head head;
    struct ov_buf checkpoint, kept_checkpoint, first_key, entries, others, proof, follows, names,
        indices, manifest, witness;
    struct ov_journal_names names_file;
    struct ov_evidence_name *known;
    size_t known_count;
    struct ov_tile_reader reader;
    struct ov_buf releases[OV_EVIDENCE_RELEASES_MAX];
    char sets[OV_EVIDENCE_RELEASES_MAX][NAME_MAX + 1];       // the folder of each in its feed's
    char feeds[OV_EVIDENCE_RELEASES_MAX][OV_FEED_BYTES + 1]; // the folder of that
    struct ov_buf lists[OV_EVIDENCE_RELEASES_MAX];
    struct ov_buf rules[OV_EVIDENCE_RULES_MAX];
    struct ov_buf watches[OV_EVIDENCE_WATCHES_MAX];
    char reason[512];
    const char *why; // for people, with a status of failure; or NULL
};

enum ov_status ov_evidence_fail(struct ov_evidence_work *work, enum ov_status status,
                                const char *why);

// The whole of a file. OV_SYSTEM (errno), OV_LIMIT, OV_MEMORY.
enum ov_status ov_evidence_load_file(int folder, const char *path, size_t most,
                                     struct ov_buf *ret_bytes);

// Names: reads all that may be shown; opens those that an entry has.
enum ov_status ov_evidence_read_names(struct ov_evidence_work *work);
void ov_evidence_open_names(struct ov_evidence_work *work, const struct ov_entry *entry);

// Releases that an entry `load` names; then the rules of all of them.
enum ov_status ov_evidence_add_releases(struct ov_evidence_work *work,
                                        const struct ov_entry *entry);
enum ov_status ov_evidence_add_rules(struct ov_evidence_work *work);

// The traces that were asked for; each is looked at before, in a cage.
enum ov_status ov_evidence_add_watches(struct ov_evidence_work *work);

// The manifest of this machine, as text. OV_SYSTEM, OV_MEMORY.
enum ov_status ov_evidence_manifest(struct ov_buf *ret_manifest);
