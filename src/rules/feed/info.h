// SPDX-License-Identifier: Apache-2.0
//
// A database's list of its members, the member NAME.info: what each must be, signed by the vendor.
//
// Borrows the bytes. Worker process only. docs/formats/clamav-feed.md.
#pragma once

#include "base/digest.h"
#include "rules/feed/header.h"
#include "rules/feed/members.h"
#include "trust/rsa.h"

struct ov_feed_info {
    struct ov_feed_header header;
    struct ov_span line;      // of the header
    struct ov_span entries;   // lines, each NAME:BYTES:SHA256
    struct ov_span text;      // all that is signed
    struct ov_span signature; // as text
};

struct ov_feed_entry {
    struct ov_span name;
    uint64_t bytes;
    uint8_t sha256[OV_SHA256_BYTES];
};

// Finds the parts; entries are read one by one. OV_DAMAGED.
enum ov_status ov_feed_info_read(struct ov_span bytes, struct ov_feed_info *ret_info);

// Takes the next entry off `entries`. OV_END, OV_DAMAGED.
enum ov_status ov_feed_entry_next(struct ov_span *entries, struct ov_feed_entry *ret_entry);

// Whether the vendor signed it.
bool ov_feed_info_is_signed(const struct ov_feed_info *info, const struct ov_rsa_key *key);
