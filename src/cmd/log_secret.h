// SPDX-License-Identifier: Apache-2.0
//
// Secret keys in files of their own (0600), in the form of ledger/key.h.
#pragma once

#include "ledger/key.h"

// Writes a new file, durably; its folder is there. OV_SYSTEM (errno; EEXIST: a key is never
// overwritten), OV_LIMIT, OV_MEMORY.
enum ov_status ov_log_secret_save(const char *path, const struct ov_signer *signer);

// Reads one. OV_SYSTEM (errno), OV_DENIED when others may read the file, OV_DAMAGED or
// OV_UNSUPPORTED when it is no key.
enum ov_status ov_log_secret_load(const char *path, struct ov_signer *ret_signer);

// Prints what was wrong with a key's file.
void ov_log_secret_say(const char *path, enum ov_status status);
