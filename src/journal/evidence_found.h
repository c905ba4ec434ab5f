// SPDX-License-Identifier: Apache-2.0
//
// Which rule of which release a line `found` names: docs/formats/evidence.md, "The rule of a line
// found".
#pragma once

#include "journal/entry.h"

// The entries `load` that have been passed, by their runs.
struct ov_evidence_loads {
    struct ov_buf items;      // struct ov_entry
    struct ov_entry_run last; // that was asked for, and the place behind its entry; 0: it has none
    size_t last_place;
    bool has_last;
};

// Takes note of an entry, whatever it is; entries must come in order. OV_MEMORY.
enum ov_status ov_evidence_loads_take(struct ov_evidence_loads *loads,
                                      const struct ov_entry *entry);
void ov_evidence_loads_release(struct ov_evidence_loads *loads);

struct ov_evidence_found {
    struct ov_span rule, set;    // as they stand
    struct ov_span where;        // what follows them
    struct ov_tree_hash release; // the leaf hash of its entry
    struct ov_span file;         // in the release
};

// The words of a line `found` of an entry of this run. OV_OK: all is filled. Else rule, set and
// where are: OV_END when no `load` of the run was passed, OV_UNSUPPORTED when the set is in no
// public log.
enum ov_status ov_evidence_found_read(struct ov_evidence_loads *loads,
                                      const struct ov_entry_run *run, struct ov_span words,
                                      struct ov_evidence_found *ret_found);
