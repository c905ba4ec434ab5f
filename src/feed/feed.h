// SPDX-License-Identifier: Apache-2.0
//
// Feeds that were added: where their rules come from, and whom they are believed from.
//
// STATE/rules/feeds/NAME/ holds `source` (a URL or an absolute path, one line), `log.policy` and
// `overt.trust` (copies of what the administrator gave, and what rotations made of them; a ClamAV
// mirror has neither), and a folder for each set that is kept. While a rotation puts both in their
// places, `rotation.pending` has the two together, and counts in their stead.
#pragma once

#include "feed/active.h"

#include <limits.h>

#define OV_FEED_POLICY "log.policy"
#define OV_FEED_TRUST  "overt.trust"

enum { OV_FEED_REASON_BYTES = 1024, OV_FEED_SOURCE_BYTES = 2048 };

struct ov_feed {
    enum ov_feed_kind kind;
    struct ov_feed_name name;
    char source[OV_FEED_SOURCE_BYTES];
    struct ov_buf policy; // texts
    struct ov_buf trust;
    bool is_pending; // they are those of a rotation that was cut off, and not yet in their places
};

void ov_feed_release(struct ov_feed *feed);

// The folder of a feed, below STATE/rules: "feeds/NAME", and of what is in it.
struct ov_feed_path {
    char text[OV_FEED_BYTES + OV_ACTIVE_NAME_BYTES + 64];
};
struct ov_feed_path ov_feed_path_of(const char *name, const char *rest);

// Reads one that was added. OV_END when there is none of that name; OV_SYSTEM, OV_DAMAGED.
enum ov_status ov_feed_load(int rules_folder, const char *name, struct ov_feed *ret_feed);

// Writes it down, durably; what an older feed of this name left is gone. OV_SYSTEM.
enum ov_status ov_feed_save(int rules_folder, const struct ov_feed *feed);

// Puts new texts, which were verified, in the place of both, durably, and into `feed`: all of it or
// nothing, whenever it is cut off. The set that is active keeps those by which it was verified:
// they are put into its folder (empty name: there is none). OV_SYSTEM, OV_MEMORY.
enum ov_status ov_feed_rotate(int rules_folder, struct ov_feed *feed, const char *set,
                              struct ov_span policy, struct ov_span trust);

// Ends what was cut off: puts the texts of a pending rotation in their places. OV_SYSTEM.
enum ov_status ov_feed_settle(int rules_folder, struct ov_feed *feed);

// Removes its folder with all sets.
void ov_feed_remove(int rules_folder, const char *name);

// Removes a folder or file below an open folder, and all that is in it; follows no link.
void ov_feed_remove_tree(int folder, const char *path);

// Opens STATE/rules, which is made when it is missing, and takes its lock: one writer at a time.
// OV_SYSTEM (errno); OV_PEER when another process has the lock.
enum ov_status ov_rules_folder_open(const char *state, bool is_writer, int *ret_folder,
                                    int *ret_lock);
