// SPDX-License-Identifier: Apache-2.0
//
// What the files store*.c share; for them alone.
#pragma once

#include "ledger/store.h"

// Notes why, for people; NULL stands for what errno says. Gives `status`.
enum ov_status ov_store_refuse(struct ov_store_error *error, enum ov_status status,
                               const char *what, const char *why);

// The same for folders that do not fit: OV_DENIED.
enum ov_status ov_store_refuse_set_back(struct ov_store_error *error, const char *what,
                                        const char *why);

// The whole of a small file, in place of what `buf` held. OV_LIMIT when it is larger than `most`.
enum ov_status ov_store_load(int folder, const char *name, size_t most, struct ov_buf *buf);

// Takes the two files out of the entry overt-policy/v1 that state->rotation_index names.
enum ov_status ov_store_load_rotation(struct ov_store *store);

// Writes the private file `state`.
enum ov_status ov_store_save(struct ov_store *store, const struct ov_store_state *state);
