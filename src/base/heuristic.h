// SPDX-License-Identifier: Apache-2.0
//
// Detections that no rule makes: their names, their numbers, and the switches that ask for them.
//
// They are clamscan's heuristic alerts, under clamscan's names. In verdicts they have the rule
// numbers from OV_HEURISTIC_FIRST on, which no image reaches, so that worker and broker need no
// other word for them. Constant; any process.
#pragma once

#include "base/budget.h"

// Switches, bits. Options of `overt scan` (cmd/scan_options.c) with clamscan's names and defaults.
enum {
    OV_ALERT_HEURISTICS = 1 << 0, // what is told unless switched off
    OV_ALERT_ENCRYPTED_ARCHIVE = 1 << 1,
    OV_ALERT_ENCRYPTED_DOC = 1 << 2,
    OV_ALERT_MACROS = 1 << 3,
    OV_ALERT_BROKEN = 1 << 4,
    OV_ALERT_EXCEEDS_MAX = 1 << 5,
    OV_ALERT_PRECEDENCE = 1 << 6, // no alert of its own: heuristics and PUA count as strong
    OV_ALERT_ALL = (1 << 7) - 1,
};

enum ov_heuristic {
    OV_HEURISTIC_ENCRYPTED_ZIP = 0,
    OV_HEURISTIC_ENCRYPTED_RAR,
    OV_HEURISTIC_ENCRYPTED_7ZIP,
    OV_HEURISTIC_ENCRYPTED_EGG,
    OV_HEURISTIC_ENCRYPTED_PDF,
    OV_HEURISTIC_ENCRYPTED_OLE2,
    OV_HEURISTIC_MACROS_VBA,
    OV_HEURISTIC_MACROS_XLM,
    OV_HEURISTIC_BROKEN_EXECUTABLE,
    OV_HEURISTIC_ZIP_OVERLAPPING,
    OV_HEURISTIC_PDF_OBFUSCATED,
    OV_HEURISTIC_LIMIT_FILE_SIZE,
    OV_HEURISTIC_LIMIT_SCAN_SIZE,
    OV_HEURISTIC_LIMIT_RECURSION,
    OV_HEURISTIC_LIMIT_FILES,
    OV_HEURISTIC_LIMIT_SCAN_TIME,
    OV_HEURISTIC_COUNT,
    OV_HEURISTIC_NONE = OV_HEURISTIC_COUNT,
};

#define OV_HEURISTIC_FIRST 0xffffff00u // rule number of the first; those of images lie below

// The rule number of a heuristic.
uint32_t ov_heuristic_rule(enum ov_heuristic heuristic);

// The heuristic behind a rule number; OV_HEURISTIC_NONE for the number of a rule, or of nothing.
enum ov_heuristic ov_heuristic_of_rule(uint32_t rule);

// What is told when that limit was hit, or OV_HEURISTIC_NONE where clamscan has no such limit.
enum ov_heuristic ov_heuristic_of_limit(enum ov_limit limit);

// The name, as clamscan prints it; "?" for OV_HEURISTIC_NONE.
const char *ov_heuristic_name(enum ov_heuristic heuristic);

// Whether it is told under these switches (OV_ALERT_*). Never for OV_HEURISTIC_NONE.
bool ov_heuristic_is_on(enum ov_heuristic heuristic, uint32_t alerts);
