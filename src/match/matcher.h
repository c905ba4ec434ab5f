// SPDX-License-Identifier: Apache-2.0
//
// Which rules of an image match one object? Filter, exact match, then the expressions of triggered
// rules alone.
//
// A matcher borrows the image and owns its scratch memory; one belongs to one thread. The image is
// not believed: damage met on the way ends the run with OV_DAMAGED, never with "no match".
#pragma once

#include "base/budget.h"
#include "base/icon.h"
#include "match/image.h"
#include "match/kernels.h"
#include "match/marks.h"

struct ov_matcher;

struct ov_anchor_section {
    uint64_t raw_offset, raw_bytes;
};

// What offsets relative to an executable's headers mean in one object.
struct ov_anchors {
    bool is_disabled; // the headers should be there and are not readable: no relative offset holds
    bool has_entry;
    uint64_t entry; // file offset of the entry point
    uint32_t section_count;
    const struct ov_anchor_section *sections;
    // The VersionInfo starts and the icons, read only when a rule asks for them.
    const uint64_t *(*versions)(void *arg, uint32_t *ret_count);
    const struct ov_icon *(*icons)(void *arg, uint32_t *ret_count);
    // The perceptual hash, likewise; false when the object is no picture or has none.
    bool (*picture)(void *arg, uint64_t *ret_hash);
    void *arg; // of all three
};

struct ov_object {
    struct ov_span bytes;
    uint32_t target; // ClamAV target type, 0 to 14
    // What it lies in: enum ov_filetype, the innermost first; a view is no container.
    uint32_t container_count;
    const uint16_t *containers;
    uint32_t layer_count; // containers, and one more for a view that clamscan counts
    struct ov_anchors anchors;
    struct ov_budget *budget;
    const struct ov_mark_search *marks; // or NULL
};

struct ov_match {
    uint32_t rule;
    uint64_t start, end; // of the first match in the object
};

struct ov_match_stats {
    uint64_t windows;   // windows that the filter told of
    uint64_t triggered; // rules that were evaluated
    uint64_t searches;  // lazy searches over the object
    uint64_t sweeps;    // passes for many strings at once
};

// OV_DAMAGED with a reason of at most OV_IMAGE_REASON_BYTES, OV_MEMORY.
enum ov_status ov_matcher_new(const struct ov_image *image, const struct ov_kernels *kernels,
                              char *ret_reason, struct ov_matcher **ret_matcher);
void ov_matcher_free(struct ov_matcher *matcher);

// Finds all matching rules, in rule order, each once. The array is the matcher's, valid until the
// next run. OV_LIMIT when the budget's time or a
// search's memory ran out (what was found so far stands; the budget says which), OV_DAMAGED,
// OV_MEMORY.
enum ov_status ov_matcher_run(struct ov_matcher *matcher, const struct ov_object *object,
                              const struct ov_match **ret_matches, size_t *ret_count);

// Looks for the object's marks alone, which must not be NULL, and for no rule.
void ov_matcher_look(struct ov_matcher *matcher, const struct ov_object *object);

// The numbers of the last run, for benches and profiles.
struct ov_match_stats ov_matcher_stats(const struct ov_matcher *matcher);

// The type (enum ov_filetype) as which the rule wants objects scanned again, or 0.
uint16_t ov_matcher_handler(const struct ov_matcher *matcher, uint32_t rule);

// The rule's record, or NULL when the number is not a body or logical rule.
const struct ov_image_rule *ov_matcher_rule(const struct ov_matcher *matcher, uint32_t rule);
