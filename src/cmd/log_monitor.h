// SPDX-License-Identifier: Apache-2.0
//
// A monitor: what it was told to watch, what it has seen before, and the steps of a round.
//
// It keeps a folder: `state`, the one commit point, and `log`, a mirror of the log's entries, tiles
// and bundles; evidence/ has signed checkpoints that contradict each other
// (docs/formats/monitor.md). Checkpoints, entries and bundles are read by caged forks
// (role/auditor.h). This process takes bundles of entries apart by their lengths, and hashes.
#pragma once

#include "base/json.h"
#include "cmd/log_store.h"
#include "feed/stage.h"
#include "ledger/log.h"
#include "ledger/monitor_state.h"
#include "role/auditor.h"

#include <limits.h>

// ---- what is to be watched ----------------------------------------------------------------------

struct ov_monitor_options {
    const char *source; // as it was given
    const char *policy, *trust, *state, *origin;
    const char *places[OV_POLICY_WITNESSES_MAX]; // NAME=URL
    size_t place_count;
    uint64_t every_seconds; // 0: one round
    bool is_json, is_full;
    bool is_unjournaled; // --no-journal
};

// ---- a round ------------------------------------------------------------------------------------

enum {
    OV_MONITOR_SOURCES_MAX = 2 + OV_POLICY_WITNESSES_MAX,
    OV_MONITOR_TEXT_BYTES = 1024,
    OV_MONITOR_PATH_BYTES = 64
};

// A checkpoint of the log (number 0), of witness i (number i + 1), or, last, of the proof that the
// feed of the trust file hands out: what clients are given.
struct ov_monitor_head {
    bool is_there;    // opened, and signed by whom it should be
    bool is_missing;  // the witness answered, and has none
    bool is_settled;  // it was held against the others, or cannot be
    bool is_right;    // its tree is the one that is mirrored, or the beginning of it
    bool is_mirrored; // the mirror has all files of this size
    struct ov_auditor_head opened;
    struct ov_buf note;
};

struct ov_monitor {
    struct ov_monitor_options options;
    struct ov_policy *policy;
    struct ov_buf policy_text;
    struct ov_trust *trust; // NULL when there is no trust file
    const char *origin;
    char source[PATH_MAX];     // a URL, or an absolute path
    char state_path[PATH_MAX]; // the folder
    int folder, mirror, lock;
    struct ov_monitor_state state;
    uint64_t now;
    struct ov_monitor_head heads[OV_MONITOR_SOURCES_MAX];
    struct ov_buf proof; // of the feed, as it was fetched
    uint64_t old_size;   // of the mirror when the round began
    uint64_t finding_count, error_count;
};

// Each step tells what it finds by the functions below. OV_OK as long as the round can go on; a
// failure has been told.

// Fetches and opens all checkpoints, and compares those of one size.
enum ov_status ov_monitor_take_heads(struct ov_monitor *monitor);
// How old the cosignatures are, and who has gone back.
void ov_monitor_check_heads(struct ov_monitor *monitor);
// Holds every checkpoint against one tree, which is mirrored as far as it was signed.
enum ov_status ov_monitor_grow(struct ov_monitor *monitor);
// Fetches what is mirrored once more, as much as one round may, and compares.
enum ov_status ov_monitor_check_again(struct ov_monitor *monitor);
// Reads the entries that no round has read, and checks releases whose bundles were not there.
enum ov_status ov_monitor_audit(struct ov_monitor *monitor);

// Checks the bundle of a release, keeps it, and tells what has changed since `last`, or all when
// that is NULL. OV_OK, or OV_DENIED: a finding, told; OV_PEER: an error, told.
enum ov_status ov_monitor_check_release(struct ov_monitor *monitor,
                                        const struct ov_release *release,
                                        const struct ov_monitor_release *last);

// Puts the state in its place. OV_SYSTEM, told.
enum ov_status ov_monitor_commit(struct ov_monitor *monitor);

// Brings files of the log. A file that the log does not have is -1 in *ret_stage. A failure was
// told as an error.
enum ov_status ov_monitor_bring(struct ov_monitor *monitor, const struct ov_fetch_get *wants,
                                size_t count, struct ov_stage *ret_stage);

// Whether what was fetched, packed, is that bundle: unpacks it into `out`, an empty file. OV_DENIED
// with `ret_why` (OV_MONITOR_TEXT_BYTES) when it is not; OV_PEER when that could not be found out.
enum ov_status ov_monitor_unpack(int packed, const struct ov_release *release, int out,
                                 char *ret_why);

// Keeps a signed checkpoint in evidence/; its path below the state's folder goes to `ret_path`.
void ov_monitor_keep(struct ov_monitor *monitor, struct ov_span note, char *ret_path, size_t size);

// Two checkpoints that cannot both be true: keeps them, and tells.
void ov_monitor_tell_split(struct ov_monitor *monitor, struct ov_span note, struct ov_span other,
                           const char *what, const char *why);

// Whether what the feed hands out is the newest release; and keeps it beside the mirror's files.
enum ov_status ov_monitor_check_feed(struct ov_monitor *monitor);

// How many of `heads` there are: the last is that of the feed, when there is a trust file.
size_t ov_monitor_source_count(const struct ov_monitor *monitor);
// "the log", "witness NAME" or "feed NAME"; valid until the next call.
const char *ov_monitor_source_name(const struct ov_monitor *monitor, size_t number);

// ---- telling ------------------------------------------------------------------------------------

// Something does not hold: `kind` is a constant word of docs/formats/monitor.md.
void ov_monitor_find(struct ov_monitor *monitor, const char *kind, const char *what,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
// Something could not be done.
void ov_monitor_fail(struct ov_monitor *monitor, const char *what, const char *why);

// An event. In JSON the object is begun and the caller adds its members; as text the caller writes
// a line without its end. Then it is told.
struct ov_monitor_event {
    struct ov_buf out;
    struct ov_json json;
};
void ov_monitor_begin(const struct ov_monitor *monitor, const char *event,
                      struct ov_monitor_event *ret_event);
void ov_monitor_tell(const struct ov_monitor *monitor, struct ov_monitor_event *event);
