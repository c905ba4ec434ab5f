// SPDX-License-Identifier: Apache-2.0
//
// From sets to what scans use: all active sets and the local rules, compiled into one image, and
// the moment from which it counts.
//
// Local rules are files in STATE/rules itself, put there by whoever may write to it; they are
// labelled "local:NAME" wherever rules are named, those of a feed "FEED:NAME".
#pragma once

#include "feed/feed.h"
#include "role/sources.h"

// A feed cannot have this name.
#define OV_FEED_LOCAL "local"

// The files of all active sets in the order of their feeds, then the local ones. OV_SYSTEM when a
// set is not there.
enum ov_status ov_active_add_sources(const char *rules_path, const struct ov_active *active,
                                     struct ov_sources *sources);

// How many local rule files there are. OV_SYSTEM.
enum ov_status ov_local_count(const char *rules_path, size_t *ret_count);

struct ov_activation {
    int rules_folder; // STATE/rules, locked
    const char *rules_path;
    bool with_pua;
    void *arg;
    void (*on_stage)(void *arg, struct ov_span stage, unsigned percent); // may be NULL
    // What is about to count, its image included: for the journal. Unless this is OV_OK nothing
    // becomes of it. May be NULL.
    enum ov_status (*on_ready)(void *arg, const struct ov_active *next);
    uint64_t rule_count, problem_count; // what came out
    char reason[OV_FEED_REASON_BYTES];  // of a failure
};

// Compiles the image and makes `active`, with its name, what is installed; then removes what is
// used no more. On failure what was installed stays so, and the reason is given.
enum ov_status ov_active_install(struct ov_activation *activation, struct ov_active *active);
