// SPDX-License-Identifier: Apache-2.0
//
// Work on rules, for whoever asks for it: sources by path in, text or an image out.
//
// This is the broker's door to the builder. It opens files and hands them to one caged process; no
// rule file's content is interpreted here. What comes back is text of unchecked bytes, an image
// that nobody has looked at, and numbers.
#pragma once

#include "base/span.h"
#include "base/status.h"
#include "role/sources.h"
#include "wire/rules.h"

enum { OV_RULES_REASON_BYTES = 256 };

struct ov_rules_request {
    struct ov_wire_request words; // source_count is filled in here
    const struct ov_sources *sources;
    int image; // for words with an image: an empty file open for writing; else -1
    void *arg;
    void (*on_text)(void *arg, struct ov_span text);
    void (*on_problem)(void *arg, struct ov_span line); // SCAN, LEAVES, DIFF
    void (*on_reading)(void *arg, size_t source);       // may be NULL
    void (*on_stage)(void *arg, struct ov_span stage, unsigned percent);
};

enum ov_rules_end {
    OV_RULES_DONE,     // see the counts
    OV_RULES_START,    // the builder could not be started; see reason
    OV_RULES_SOURCE,   // this source could not be opened or read; see status and error
    OV_RULES_BUILDING, // the sources were read, but not what they add up to; see status
    OV_RULES_DIED,     // the builder crashed, or broke the protocol; see reason and source
};

struct ov_rules_result {
    enum ov_rules_end end;
    enum ov_status status;
    int error;     // errno, with OV_SYSTEM
    size_t source; // the one that was read last; SIZE_MAX for none
    bool is_reading;
    uint64_t rule_count, fault_count, skip_count; // see struct ov_wire_report
    uint64_t shown_count;
    bool has_root;
    uint8_t root[OV_WIRE_ROOT_BYTES]; // LEAVES
    bool has_database;                // VERIFY, PATCH: it was told
    struct ov_database_report database;
    char reason[OV_RULES_REASON_BYTES];
};

// Runs one request to its end, in a process of its own.
void ov_rules_run(const struct ov_rules_request *request, struct ov_rules_result *ret_result);
