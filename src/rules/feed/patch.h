// SPDX-License-Identifier: Apache-2.0
//
// A database and its updates, and the database that comes out of them.
//
// The old one is verified before, each update is, and so is what comes out, so that nothing that
// the vendor did not sign is ever written. Worker process only. docs/formats/clamav-feed.md.
#pragma once

#include "rules/feed/verify.h"

struct ov_feed_patch {
    const struct ov_feed_file *files; // the database, then updates in their order
    uint32_t file_count;              // at least 2
    uint32_t at;                      // the file that was refused
};

// Applies the updates, and writes the new database (.cld). OV_DAMAGED: the report says why;
// OV_MEMORY.
enum ov_status ov_feed_patch(struct ov_feed_patch *patch, const struct ov_feed_policy *policy,
                             struct ov_database_report *report, struct ov_buf *out);
