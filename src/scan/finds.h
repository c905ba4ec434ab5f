// SPDX-License-Identifier: Apache-2.0
//
// What was found in one object, and in which order clamscan would have told of it.
//
// clamscan stops at the first detection, so its order decides which name people see. Within one
// object: body rules window by window (those of the object's own target before those of any, plain
// ones before others), then hashes of the object, logical rules of its target, logical rules of
// any, then section and import hashes. ASCII text and unknown data are first scanned with the rules
// for any target alone: all of these come before those of their own target.
#pragma once

#include "base/heuristic.h"
#include "match/image.h"
#include "match/matcher.h"
#include "scan/verdict.h"

enum { OV_FIND_KEYS = 4 };

enum { OV_FINDS_MAX = 4096 }; // of one object; further ones, by rule number, are dropped

struct ov_find {
    uint64_t order[OV_FIND_KEYS]; // compared from the first on
    uint32_t rule;
    bool is_pua;
    uint64_t offset;
};

struct ov_finds {
    bool has_late;       // rules for text and for unknown data come in a second pass
    bool has_precedence; // what is unwanted by name counts as strong
    uint32_t count;
    struct ov_find items[OV_FINDS_MAX];
};

enum ov_find_stage {
    OV_FIND_BODY,
    OV_FIND_HASH,
    OV_FIND_LOGICAL_OWN,
    OV_FIND_LOGICAL_ANY,
    OV_FIND_LATE_BODY,    // of the object's own target, when that comes in a second pass
    OV_FIND_LATE_LOGICAL, // likewise
    OV_FIND_SECTION,
    OV_FIND_IMPORTS,
};

// Adds a match of a body or logical rule. `overlap` is the image's window_overlap.
void ov_finds_add_match(struct ov_finds *finds, const struct ov_image_rule *rule,
                        const struct ov_match *match, uint32_t overlap);

// Adds a hash rule; `number` counts them within their stage. PUA hash rules are told by nothing in
// the image: they count as strong, as their databases are loaded on request only.
void ov_finds_add_hash(struct ov_finds *finds, enum ov_find_stage stage, uint32_t rule,
                       uint64_t number);

// Adds a metadata rule; `number` counts them in the order in which clamscan tells them.
void ov_finds_add_metadata(struct ov_finds *finds, uint32_t rule, uint32_t number, bool is_pua);

// Adds a heuristic.
void ov_finds_add_heuristic(struct ov_finds *finds, enum ov_heuristic heuristic);

// Brings them into that order.
void ov_finds_sort(struct ov_finds *finds);

// Adds what was found in the object at `place` (depth, members and name; the rest is ignored) to
// the verdict: the first strong one, which is then the only one, else the last unwanted one; with
// `is_all` every rule once for each object, in order.
void ov_finds_report(struct ov_finds *finds, bool is_all, const struct ov_detection *place,
                     struct ov_verdict *verdict);
