// SPDX-License-Identifier: Apache-2.0
//
// One feed's update, from its log: fetched, verified, unpacked, and laid down beside the active
// set. Nothing is active before ov_active_save(): whatever fails, the old rules stay. New release
// keys and another policy (a rotation) come first, and count from the moment they are laid down.
//
// The order of the checks is that of docs/formats/release.md, "What a client checks".
#pragma once

#include "feed/feed.h"

// New release keys and another policy: the texts of both files.
struct ov_refresh_rotation {
    const char *feed;
    uint64_t version, index; // of the trust file; of the entry in the log
    struct ov_span trust, policy;
};

struct ov_refresh_request {
    int rules_folder;         // STATE/rules, locked
    const char *rules_path;   // the same, as an absolute path
    struct ov_feed *feed;     // a rotation changes its policy and trust file
    const char *source;       // instead of feed->source, or NULL
    const char *proxy;        // as in role/fetch_job.h
    const char *certificates; // of a ClamAV mirror's .sign files, or NULL
    bool with_tiles;          // show that the log only grew from its tiles, too
    bool is_full;             // of a mirror: fetch the databases whole
    uint64_t now;             // POSIX seconds
    void *arg;
    void (*on_step)(void *arg, const char *step); // what is being done; may be NULL
    // Before it counts; with another status than OV_OK it does not. May be NULL.
    enum ov_status (*on_rotation)(void *arg, const struct ov_refresh_rotation *rotation);
};

struct ov_fetch_get;
struct ov_stage;

struct ov_refresh_result {
    struct ov_update update; // when the status is OV_OK
    bool has_set;            // a new set lies in the feed's folder
    uint64_t trust_version;  // of the trust file that a rotation brought; 0: none did
    uint64_t fetched_bytes;
    uint32_t missing_layers;           // OV_CAGE() bits that fetching or verifying went without
    char reason[OV_FEED_REASON_BYTES]; // of a refusal or failure
};

// Brings `entry` up to date: its state, and its set when there is a new release. OV_OK; else the
// entry is as it was (though there may be new keys already: trust_version), and the reason says
// what was refused: statuses as ov_update_check, and of fetching OV_END, OV_PEER, OV_LIMIT,
// OV_SYSTEM.
enum ov_status ov_feed_refresh(const struct ov_refresh_request *request,
                               struct ov_active_feed *entry, struct ov_refresh_result *ret_result);

// Brings files of the feed here, by its source, and counts them in the result.
enum ov_status ov_refresh_bring(const struct ov_refresh_request *request,
                                const struct ov_fetch_get *wants, size_t count,
                                struct ov_stage *ret_stage, struct ov_refresh_result *result);

// Verifies the active set of a log's feed again, from what was kept on disk: proof, release,
// bundle, files, rules. As above; fetches nothing.
enum ov_status ov_feed_verify(const struct ov_refresh_request *request,
                              const struct ov_active_feed *entry,
                              struct ov_refresh_result *ret_result);
