// SPDX-License-Identifier: Apache-2.0
//
// What is installed: the one file STATE/rules/active, which names the compiled image and, for each
// feed, the set that it was built from and what was seen of its log.
//
// It is replaced as a whole, so an update has happened or it has not. docs/formats/release.md
// ("What a client keeps") gives its lines. Everything in it is ours; whatever else is in the file
// makes it damaged, and is never taken for "nothing is installed".
#pragma once

#include "ledger/update.h"

enum {
    OV_ACTIVE_FEEDS_MAX = 32,
    OV_ACTIVE_NAME_BYTES = 80, // of an image, of a set's folder
};

enum ov_feed_kind {
    OV_FEED_LOG,    // releases in a public log
    OV_FEED_CLAMAV, // databases of a ClamAV mirror: signed by their maker, in no log
};

struct ov_active_feed {
    enum ov_feed_kind kind;
    struct ov_feed_name name;       // here; a folder in STATE/rules/feeds
    char set[OV_ACTIVE_NAME_BYTES]; // the folder of its files, in the feed's
    uint64_t updated;               // when the last update went well: POSIX seconds, ours
    struct ov_feed_state state;     // of OV_FEED_LOG
    uint64_t rule_count;            // of OV_FEED_LOG
    uint64_t witness_count;         // that have cosigned; of OV_FEED_LOG
    uint64_t warn_age_days;         // of its trust file; 0: never
    bool is_withdrawn;              // the active release was, by a later entry
};

struct ov_active {
    char image[OV_ACTIVE_NAME_BYTES]; // a file in STATE/rules; empty: none
    size_t feed_count;
    struct ov_active_feed feeds[OV_ACTIVE_FEEDS_MAX];
};

// The whole text. OV_DAMAGED for anything else.
enum ov_status ov_active_read(struct ov_span text, struct ov_active *ret_active);
void ov_active_add(struct ov_buf *buf, const struct ov_active *active);

// The feed of that name, or NULL.
struct ov_active_feed *ov_active_find(struct ov_active *active, const char *name);

// Reads the file in the open folder STATE/rules. One that is not there: nothing is installed.
// OV_DAMAGED, OV_SYSTEM.
enum ov_status ov_active_load(int rules_folder, struct ov_active *ret_active);
// Puts it in its place, durably: from then on it counts.
enum ov_status ov_active_save(int rules_folder, const struct ov_active *active);
