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

// The salts of one run: what stands before their numbers is hashed once. As secret as the key.
struct ov_salts {
    struct ov_digest start;  // before the number
    struct ov_digest behind; // and behind its first two bytes, where a block ends, if they are zero
};

void ov_salts_init(const uint8_t names_key[OV_NAMES_KEY_BYTES], const struct ov_entry_run *run,
                   struct ov_salts *ret_salts);

// The salt of the commitment with this number.
void ov_salts_get(const struct ov_salts *salts, uint64_t number, struct ov_salt *ret_salt);

// Both in one.
void ov_salt_of(const uint8_t names_key[OV_NAMES_KEY_BYTES], const struct ov_entry_run *run,
                uint64_t number, struct ov_salt *ret_salt);

void ov_commitment_of(const struct ov_salt *salt, struct ov_span path,
                      struct ov_tree_hash *ret_commitment);

// The commitments with the numbers `first` and `first` + 1, faster than one after the other.
void ov_commitment_of_two(const struct ov_salts *salts, uint64_t first,
                          const struct ov_span paths[2], struct ov_tree_hash ret_commitments[2]);
