// SPDX-License-Identifier: Apache-2.0
//
// A set: the rules of one release on disk, in STATE/rules/feeds/FEED/SET/: the bundle as it was
// verified, its files, and the proof. SET is the SHA-256 of the bundle.
#pragma once

#include "feed/feed.h"
#include "role/sources.h"

#define OV_SET_BUNDLE "bundle.tar"
#define OV_SET_PROOF  "release.tlog-proof"
#define OV_SET_FILES  "files"

struct ov_set {
    int rules_folder;
    const char *rules_path;
    const char *feed;
    const char *name;
    char *reason; // OV_FEED_REASON_BYTES: why a function failed
};

struct ov_set_path {
    char text[PATH_MAX];
};

// The absolute path of something in a set.
struct ov_set_path ov_set_path_of(const char *rules_path, const char *feed, const char *set,
                                  const char *rest);

// Lays a set down: the bundle (an open nameless file, verified), what is in it, and the proof.
// Durable when it returns. What lay there under this name is replaced: no set that is active.
enum ov_status ov_set_make(const struct ov_set *set, int bundle, struct ov_span proof);

// That the files on disk are those of the bundle, and no others. OV_DENIED names the first that
// differs.
enum ov_status ov_set_check_files(const struct ov_set *set, struct ov_span bundle);

// That the rules in the files are, one by one, those whose number and root the release names.
enum ov_status ov_set_check_rules(const struct ov_set *set, const struct ov_release *release);

// Adds the files of a set in order of name, each labelled "FEED:NAME".
enum ov_status ov_set_add_sources(const char *rules_path, const char *feed, const char *set,
                                  struct ov_sources *sources);
