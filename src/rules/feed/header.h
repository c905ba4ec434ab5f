// SPDX-License-Identifier: Apache-2.0
//
// The line with which a database and its list of members begin: ClamAV-VDB: and eight fields.
//
// Borrows the bytes. Worker process only. docs/formats/clamav-feed.md.
#pragma once

#include "base/span.h"
#include "base/status.h"

enum { OV_FEED_HEADER_BYTES = 512 };

struct ov_feed_header {
    uint64_t version;
    uint64_t rule_count;
    uint64_t level;
    uint64_t time;            // in seconds since 1970; 0 in very old ones, which do not have it
    struct ov_span md5;       // 32 digits, or something else when there is none
    struct ov_span signature; // of it, as text; one letter, or nothing, when there is none
};

// Reads the line, without what follows it. OV_UNSUPPORTED: it begins otherwise; OV_DAMAGED.
enum ov_status ov_feed_header_read(struct ov_span line, struct ov_feed_header *ret_header);

// The line at the start of a database, without the blanks that fill it up to 512 bytes.
struct ov_span ov_feed_header_trim(struct ov_span block);

// Whether both are of the same version of a database.
bool ov_feed_header_is_same(const struct ov_feed_header *a, const struct ov_feed_header *b);
