// SPDX-License-Identifier: Apache-2.0
//
// What a ClamAV container (.cvd .cld .cud) is made of: a header of 512 bytes, then a tar file,
// mostly inside gzip.
//
// Unpacked in memory, member by member; what a member says, and who signed it, is the business of
// others. Names and bytes point into the archive and live until it is closed.
#pragma once

#include "base/span.h"
#include "base/status.h"

#include <stdint.h>

enum { OV_CLAMAV_HEADER_BYTES = 512 };

struct ov_clamav_member {
    struct ov_span name; // of a plain file: no slash, no dot at the start
    struct ov_span bytes;
};

struct ov_clamav_archive {
    struct ov_span tar;
    void *block;        // heap memory that holds it, or NULL; a caller may take it over
    size_t block_bytes; // its size
    size_t at;          // where the next member's head stands
    unsigned member_count;
    bool has_tail;   // something follows the gzip data
    const char *why; // a sentence without a full stop, when a call gave OV_DAMAGED or OV_LIMIT
};

// The version that stands in the header of a container, or 0 when there is none.
uint64_t ov_clamav_container_version(struct ov_span bytes);

// Unpacks a container, to `most_bytes` at most and never to more than 2 GiB. OV_DAMAGED, OV_LIMIT,
// OV_MEMORY: see why; nothing is to be closed then.
enum ov_status ov_clamav_archive_open(struct ov_span bytes, size_t most_bytes,
                                      struct ov_clamav_archive *ret_archive);

// The next member. OV_END after the last one. OV_DAMAGED: see why; those before it stand.
enum ov_status ov_clamav_archive_next(struct ov_clamav_archive *archive,
                                      struct ov_clamav_member *ret_member);

void ov_clamav_archive_close(struct ov_clamav_archive *archive);
