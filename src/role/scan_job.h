// SPDX-License-Identifier: Apache-2.0
//
// A whole scan, for whoever asks for one: rules and paths in, one result for every path out.
//
// This is the broker's door. It walks and opens files, hands them to caged workers and holds every
// answer against what it knows; no file's content is interpreted in this process. One scan at a
// time in a process; callbacks run in it.
#pragma once

#include "base/budget.h"
#include "base/digest.h"
#include "base/fd.h"
#include "base/status.h"
#include "cage/cage.h"
#include "catalog/names.h"
#include "wire/message.h"

#include <signal.h>
#include <sys/types.h>

enum { OV_SCAN_REASON_BYTES = 256, OV_IMAGE_ID_BYTES = 72 };

// ---- rule images ------------------------------------------------------------------------------

// A compiled rule image, opened once and shared by all workers.
struct ov_scan_image {
    int fd;
    struct ov_file_map map;
    struct ov_rule_names names;
    char id[OV_IMAGE_ID_BYTES]; // "sha256:" and 64 digits
};

// Opens the image at `path`, or takes over `fd`. A file that another user could change is copied
// first. On failure `ret_reason` says why.
enum ov_status ov_scan_image_open(const char *path, struct ov_scan_image *ret_image,
                                  char ret_reason[OV_SCAN_REASON_BYTES]);
enum ov_status ov_scan_image_adopt(int fd, struct ov_scan_image *ret_image,
                                   char ret_reason[OV_SCAN_REASON_BYTES]);
void ov_scan_image_close(struct ov_scan_image *image);

struct ov_build_request {
    const char *const *sources; // rule files and folders, loaded in this order
    size_t source_count;
    bool with_pua;
    void *arg;
    void (*on_problem)(void *arg, struct ov_span line); // a rule that cannot be read
    void (*on_progress)(void *arg, struct ov_span stage, unsigned percent);
};

// Compiles rule sources into an image in memory. They are opened here and read in a caged process
// (role "builder", role/rules_job.h); its words come back as lines of unchecked bytes. On failure
// `ret_reason` says why.
enum ov_status ov_scan_image_build(const struct ov_build_request *request,
                                   struct ov_scan_image *ret_image,
                                   char ret_reason[OV_SCAN_REASON_BYTES]);

// ---- results ----------------------------------------------------------------------------------

enum ov_result_kind {
    OV_RESULT_ERROR,
    OV_RESULT_CLEAN,
    OV_RESULT_FOUND,
    OV_RESULT_LIMITED,
    OV_RESULT_SKIPPED,   // no regular file, or excluded
    OV_RESULT_UNCHANGED, // known clean under the same rules
};

// What tells one state of a file from another.
struct ov_file_key {
    uint64_t device;
    uint64_t inode;
    uint64_t size; // bytes
    int64_t mtime_ns;
    int64_t ctime_ns;
};

struct ov_scan_result {
    enum ov_result_kind kind;
    struct ov_span path; // as a person would write it
    // ERROR, SKIPPED: a phrase; LIMITED: the limit's name, FOUND: likewise, or NULL; else NULL.
    const char *reason;
    uint64_t bytes;         // scanned
    struct ov_file_key key; // all zero when the file was not opened
    bool has_sha256;
    uint8_t sha256[OV_SHA256_BYTES]; // of the bytes that a worker was given, computed here
    uint32_t detection_count;
    const struct ov_wire_detection *detections; // FOUND; sorted by rule with all matches
};

enum ov_scan_digests { OV_DIGESTS_NONE, OV_DIGESTS_FOUND, OV_DIGESTS_ALL };

struct ov_scan_request {
    const pid_t *processes; // whose memory is scanned before the paths
    size_t process_count;
    bool with_all_processes; // of everybody whom this user may look at
    const char *const *paths;
    size_t path_count;
    const char *const *includes; // file name patterns
    size_t include_count;
    const char *const *excludes;
    size_t exclude_count;
    const struct ov_scan_image *image;
    struct ov_limits limits;
    unsigned worker_count;      // 0 = one for each processor
    const char *worker_program; // NULL = the installed one
    bool is_all_matches;
    uint32_t alerts; // OV_ALERT_* (base/heuristic.h)
    bool with_member_names;
    enum ov_scan_digests digests;            // of which results
    uint32_t required_layers;                // OV_CAGE() bits without which nothing is scanned
    const volatile sig_atomic_t *is_stopped; // set by a signal handler: finish early; may be NULL
    void *arg;
    void (*on_result)(void *arg, const struct ov_scan_result *result);
    // A worker was lost over this file, or (an empty path) over one of several: before another
    // takes its place; may be NULL.
    void (*on_crash)(void *arg, struct ov_span path, const char *why);
    bool (*is_known)(void *arg, const struct ov_file_key *key); // may be NULL
    void (*on_tick)(void *arg); // a few times a second, for progress; may be NULL
};

// What the scan as a whole came to.
struct ov_scan_outcome {
    uint32_t enforced;                // layers that every worker had; 0 when none started
    uint8_t refusals[OV_LAYER_COUNT]; // errno of the others
    unsigned workers_started;
    unsigned workers_lost;             // crashed, hung, or broke the protocol
    char reason[OV_SCAN_REASON_BYTES]; // when the status is not OV_OK
};

// Scans. OV_OK when every path got its result; OV_END when stopped; else nothing more could be
// scanned and the outcome's reason says why (files already taken up are still told, as errors).
enum ov_status ov_scan_run(const struct ov_scan_request *request,
                           struct ov_scan_outcome *ret_outcome);
