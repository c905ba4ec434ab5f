// SPDX-License-Identifier: Apache-2.0
//
// What the scanner may say about one file: a fixed-size record and nothing else.
#pragma once

#include "base/budget.h"

#include <stdint.h>

enum {
    OV_MEMBER_DEPTH = 17,      // clamscan's recursion limit
    OV_DETECTIONS_MAX = 64,    // told for one file, even with --all-matches
    OV_MEMBER_NAME_BYTES = 255 // the one string, for whoever asked for the scan
};

enum ov_verdict_kind {
    OV_VERDICT_ERROR = 0, // the zero value: a verdict that nobody filled in is an error
    OV_VERDICT_CLEAN,
    OV_VERDICT_FOUND,
    OV_VERDICT_LIMITED, // nothing found, and not everything was looked at
};

// Why a verdict is an error.
enum ov_scan_error {
    OV_SCAN_NO_ANSWER = 0, // the worker said nothing: it crashed, hung or was killed
    OV_SCAN_NONE,
    OV_SCAN_READ_FAILED, // the file could not be read, or shrank while it was read
    OV_SCAN_NO_MEMORY,
    OV_SCAN_BAD_IMAGE, // the rule image is damaged
};

struct ov_detection {
    uint32_t rule;                     // index into the image's rule table
    uint32_t depth;                    // numbers used in members
    uint64_t offset;                   // of the match in the innermost object
    uint32_t members[OV_MEMBER_DEPTH]; // member number in each layer, outermost first
    uint8_t name_bytes;                // of the innermost member that has a name; 0: none has
    uint8_t name[OV_MEMBER_NAME_BYTES];
};

struct ov_verdict {
    enum ov_verdict_kind kind;
    enum ov_scan_error error;
    enum ov_limit limit; // LIMITED, or FOUND with something left unscanned
    uint32_t count;      // detections; FOUND has at least one
    bool has_strong;     // one of them is no unwanted-program or heuristic name
    struct ov_detection detections[OV_DETECTIONS_MAX];
};
