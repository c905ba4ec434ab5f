// SPDX-License-Identifier: Apache-2.0
//
// What stands in the journal for a path: a hash that nobody can guess the path from, and that
// whoever is given path and salt can check. docs/formats/journal.md, "Commitments".
#pragma once

#include "journal/entry.h"

enum { OV_SALT_BYTES = 16, OV_NAMES_KEY_BYTES = 32 };

struct ov_salt {
    uint8_t bytes[OV_SALT_BYTES];
};

// The salt of the commitment with this number in a run.
void ov_salt_of(const uint8_t names_key[OV_NAMES_KEY_BYTES], const struct ov_entry_run *run,
                uint64_t number, struct ov_salt *ret_salt);

void ov_commitment_of(const struct ov_salt *salt, struct ov_span path,
                      struct ov_tree_hash *ret_commitment);
