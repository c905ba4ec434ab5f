// SPDX-License-Identifier: Apache-2.0
//
// Where the journal of this machine stands, without verifying it.
#pragma once

#include "base/json.h"
#include "ledger/merkle.h"

#include <limits.h>

struct ov_journal_place {
    char folder[PATH_MAX]; // empty: none is known
    enum ov_status status; // OV_END: there is none yet
    int error;             // of OV_SYSTEM
    uint64_t entries;      // sealed and pending
    struct ov_tree_head head;
};

// Reads the checkpoint, and counts what is pending; changes nothing.
void ov_journal_place_read(struct ov_journal_place *ret_place);

void ov_journal_place_print(const struct ov_journal_place *place);
// The member "journal".
void ov_journal_place_add(struct ov_json *json, const struct ov_journal_place *place);
