// SPDX-License-Identifier: Apache-2.0
//
// The SHA-256 of the programs that run, for the journal: computed when a program is seen for the
// first time, and remembered beside the journal (docs/formats/journal.md, "programs") by device,
// inode, size and the times of its last changes.
//
// Is that as good as reading the megabytes at each start? The time of change (ctime) is set by the
// kernel at each write and cannot be set by a program, not even to what it was; nobody can write to
// a program while it runs; one that was changed less than two seconds ago is not remembered, since
// it could change again within the same tick of that clock. What is left is root with another clock
// or with the disk itself, and whoever can write to the journal's folder: both hold the key that
// signs the journal, and could have it say anything.
#pragma once

#include "base/digest.h"
#include "base/status.h"

// Of the program that is open at `fd`; `folder` is the journal's. OV_SYSTEM (errno),
// OV_UNSUPPORTED: it cannot be read.
enum ov_status ov_journal_program(const char *folder, int fd, uint8_t ret_sha256[OV_SHA256_BYTES]);
