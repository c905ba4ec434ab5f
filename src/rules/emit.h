// SPDX-License-Identifier: Apache-2.0
//
// Compiles a rule set into an image (docs/formats/image.md).
//
// Deterministic: the same sources in the same order give the same bytes, on every machine.
#pragma once

#include "base/buf.h"
#include "rules/tree.h"

struct ov_build_options {
    // Told what is being done and how far it is, 0 to 100; may be NULL.
    void (*progress)(void *arg, const char *stage, unsigned percent);
    void *progress_arg;
    bool with_costs; // fill ov_build_report.costs
};

enum ov_cost_kind {
    OV_COST_WINDOW, // its best window is common: frequency is expected windows per byte
    OV_COST_TAIL,   // no gram serves it: one of the tail
    OV_COST_ALWAYS, // evaluated for every object of its target
    OV_COST_HASHES, // a hash of any size: every object must be hashed
};

struct ov_rule_cost {
    uint32_t rule; // index into ov_ruleset.rules, or of the hash rule for OV_COST_HASHES
    enum ov_cost_kind kind;
    double frequency;
};

struct ov_build_report {
    uint32_t rule_count, hash_rule_count;
    uint32_t trigger_count, tail_count, always_count, probe_count;
    uint32_t any_size_hashes; // rules that force hashing of every object
    size_t cost_count;
    struct ov_rule_cost *costs; // costliest first; free with ov_build_report_release
};

void ov_build_report_release(struct ov_build_report *report);

// Compiles `set`; the image goes to *ret_image (initialised by the caller, who releases it).
// OV_MEMORY, or OV_LIMIT when the set is larger than an image can be. `ret_report` may be NULL.
enum ov_status ov_image_build(const struct ov_ruleset *set, const struct ov_build_options *options,
                              struct ov_buf *ret_image, struct ov_build_report *ret_report);
