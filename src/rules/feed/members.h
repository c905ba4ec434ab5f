// SPDX-License-Identifier: Apache-2.0
//
// The members of a database, by name; they can be changed one by one.
//
// Unchanged ones borrow the bytes that they were read from. Worker process only.
#pragma once

#include "base/buf.h"
#include "rules/clamav/archive.h"
#include "rules/feed/tar.h"

enum { OV_FEED_MEMBERS_MAX = 4096 };

struct ov_feed_member {
    char name[OV_TAR_NAME_BYTES];
    struct ov_span bytes;
    struct ov_buf own; // what `bytes` is, once it was changed
};

struct ov_feed_members {
    struct ov_feed_member *items; // by name
    uint32_t count;
};

// Whether it can be the name of a member: letters, digits and . _ - and no dot at the start.
bool ov_feed_name_is_sound(struct ov_span name);

// Reads them out of an archive, in which nothing else may be; they borrow it. OV_DAMAGED,
// OV_MEMORY.
enum ov_status ov_feed_members_read(struct ov_clamav_archive *archive,
                                    struct ov_feed_members *ret_members);

// NULL: there is none of that name.
struct ov_feed_member *ov_feed_members_find(const struct ov_feed_members *members,
                                            struct ov_span name);

// Adds an empty one, whose name is sound and not there yet. OV_LIMIT: there are too many.
enum ov_status ov_feed_members_add(struct ov_feed_members *members, struct ov_span name,
                                   struct ov_feed_member **ret_member);

void ov_feed_members_remove(struct ov_feed_members *members, struct ov_feed_member *member);

// Puts other bytes in the place of its own, and takes them over.
void ov_feed_member_set(struct ov_feed_member *member, struct ov_buf *bytes);

void ov_feed_members_release(struct ov_feed_members *members);
