// SPDX-License-Identifier: Apache-2.0
//
// Verifies and updates the vendor's databases, for whoever asks: paths in, a report out.
//
// The caged builder does it; no byte of a database is looked at in this process.
// docs/formats/clamav-feed.md says what is checked, in what order.
#pragma once

#include "base/database.h"
#include "base/status.h"

#include <stddef.h>

enum { OV_DATABASE_REASON_BYTES = 768 };

struct ov_database_file {
    const char *path;
    const char *sign; // its .sign file, or NULL when there is none
};

struct ov_database_policy {
    const char *certificates; // a file of PEM, or a folder of .pem and .crt; NULL: none
    bool is_sign_demanded;    // else a .sign file may be missing, as with clamscan
};

// Verifies a .cvd or .cld (told apart by the ending of the path, as clamscan does). OV_OK: it is
// accepted, and the report tells how. Otherwise it is refused, and `ret_reason` says why, with the
// path before it: OV_DAMAGED: the report's refusal; OV_SYSTEM a file cannot be read; OV_MEMORY,
// OV_PEER. The report is filled in with OV_OK and OV_DAMAGED.
enum ov_status ov_database_verify(const struct ov_database_file *file,
                                  const struct ov_database_policy *policy,
                                  struct ov_database_report *ret_report,
                                  char ret_reason[OV_DATABASE_REASON_BYTES]);

struct ov_database_patch {
    struct ov_database_file old;           // .cvd or .cld; verified first
    const struct ov_database_file *cdiffs; // in their order
    size_t cdiff_count;
    int out; // an empty file open for writing, which becomes the .cld
};

// Applies updates, and verifies what came out; the report is of that. Statuses and reasons as
// above; after a failure, what was written is worth nothing.
enum ov_status ov_database_patch(const struct ov_database_patch *patch,
                                 const struct ov_database_policy *policy,
                                 struct ov_database_report *ret_report,
                                 char ret_reason[OV_DATABASE_REASON_BYTES]);
