// SPDX-License-Identifier: Apache-2.0
//
// What the words of `overt rules` that are about installed sets share: add, remove, update, verify,
// and list without sources.
#pragma once

#include "cmd/command.h"
#include "feed/activate.h"
#include "feed/refresh.h"
#include "role/keeper.h"

struct ov_feeds_options {
    const char *policy;       // --policy FILE
    const char *trust;        // --trust FILE
    const char *name;         // --name NAME
    const char *from;         // --from URL|DIR
    const char *proxy;        // --proxy URL
    const char *certificates; // --certificates FILE|DIR
    bool with_tiles;          // --tiles
    bool is_full;             // --full
    bool is_rebuild;          // --rebuild
    bool is_json;             // --json
    bool is_quiet;            // --quiet
    int argument_count;
    char **arguments;
};

// Reads the options of these words; gives an exit code when the run ends here, else -1.
int ov_feeds_read_options(int argc, char **argv, struct ov_feeds_options *ret_options);

// A URL as it is, without slashes at its end; a folder as its absolute path. OV_OK, or the error
// was printed.
enum ov_status ov_feeds_read_source(const char *given, char ret_source[OV_FEED_SOURCE_BYTES]);

// STATE/rules, open, and what is installed.
struct ov_feeds_session {
    const struct ov_feeds_options *options;
    char path[PATH_MAX];
    int folder, lock;
    uint64_t now;
    bool has_progress; // and something of it stands on the terminal
    bool is_drawn;
    struct ov_active active;
    struct ov_keeper keeper;           // of a writer: what it does is written down
    uint64_t error_count;              // that were told
    char source[OV_FEED_SOURCE_BYTES]; // of the feed that was asked for last
};

// Opens it, with the lock when `is_writer`. OV_OK, or the error was printed. OV_END for a reader:
// nothing was ever installed.
enum ov_status ov_feeds_open(const struct ov_feeds_options *options, bool is_writer,
                             struct ov_feeds_session *ret_session);
void ov_feeds_close(struct ov_feeds_session *session);

// A refresh request for this feed, with progress on the terminal, and rotations in the journal.
struct ov_refresh_request ov_feeds_request(struct ov_feeds_session *session, struct ov_feed *feed);
// Takes the line of progress away.
void ov_feeds_erase(struct ov_feeds_session *session);

// Compiles and commits; prints the error when it fails.
enum ov_status ov_feeds_install(struct ov_feeds_session *session, struct ov_active *active);

// Records and prints that a feed's update was refused or failed; gives OV_EXIT_ERROR.
int ov_feeds_say_refusal(struct ov_feeds_session *session, const char *feed, enum ov_status status,
                         const char *reason);

// Prints what is installed of a feed now. `what` is "added", "updated", "up to date".
void ov_feeds_say_set(struct ov_feeds_session *session, const struct ov_active_feed *feed,
                      const char *what, const struct ov_refresh_result *result);

// The age of a feed's rules in days, and whether that is to be said aloud.
uint64_t ov_feeds_age_days(const struct ov_active_feed *feed, uint64_t now, bool *ret_is_stale);

int ov_rules_add(int argc, char **argv);
int ov_rules_remove(int argc, char **argv);
int ov_rules_update(int argc, char **argv);
int ov_rules_verify(int argc, char **argv);
// overt rules list without sources.
int ov_rules_sets(bool is_json);
