// SPDX-License-Identifier: Apache-2.0
//
// Whether a database is what the vendor signed: header, body, list of members, members.
//
// A refusal is told in the report and is OV_DAMAGED; OV_MEMORY tells nothing of the database.
// Worker process only. docs/formats/clamav-feed.md has the order of the checks.
#pragma once

#include "base/database.h"
#include "rules/feed/info.h"
#include "rules/feed/sign.h"
#include "trust/vendor.h"

// The keys by which signatures are checked.
struct ov_feed_keys {
    const struct ov_rsa_key *by_id[OV_VENDOR_KEY_COUNT];
};

// The vendor's.
struct ov_feed_keys ov_feed_vendor_keys(void);

// A file of the feed: a database or an update, and its .sign file.
struct ov_feed_file {
    struct ov_span bytes;
    struct ov_span sign; // the content of its .sign file
    bool has_sign;
    bool is_local; // a .cld
};

struct ov_feed_policy {
    struct ov_feed_keys keys;
    const struct ov_feed_anchors *anchors; // certificates that the user trusts; NULL: none
    bool is_sign_demanded;
    size_t most_bytes; // that a body may unpack to
    int64_t now;       // seconds since 1970
};

// A database that was accepted, unpacked.
struct ov_feed_database {
    struct ov_feed_header header;
    struct ov_clamav_archive archive;
    struct ov_feed_members members; // borrow the archive, or the file when it is not packed
};

enum ov_status ov_feed_file_verify(const struct ov_feed_file *file,
                                   const struct ov_feed_policy *policy,
                                   struct ov_database_report *report,
                                   struct ov_feed_database *ret_database);

// Holds members against their list, and the list against its signature; fills in what the report
// says of the list. `header`: what the list must agree with.
enum ov_status ov_feed_members_verify(const struct ov_feed_members *members,
                                      const struct ov_feed_header *header,
                                      const struct ov_rsa_key *key,
                                      struct ov_database_report *report);

// The list of members, or NULL when there is not exactly one.
const struct ov_feed_member *ov_feed_members_info(const struct ov_feed_members *members);

// Checks the .sign file of a database or an update, as far as there is one and the policy asks.
enum ov_status ov_feed_sign_verify(const struct ov_feed_file *file,
                                   const struct ov_feed_policy *policy,
                                   struct ov_database_report *report);

void ov_feed_database_release(struct ov_feed_database *database);
