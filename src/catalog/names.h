// SPDX-License-Identifier: Apache-2.0
//
// Rule numbers back to names: reads the name and source sections of an image.
//
// For the broker, which prints names and knows no other section. Every length is checked where it
// is used; a damaged section gives empty names. docs/formats/image.md, "Names".
#pragma once

#include "base/span.h"
#include "base/status.h"
#include "match/layout.h"

enum {
    OV_NAME_BLOCK = 16,      // names in a block; the first is whole, the others share its beginning
    OV_NAME_BYTES_MAX = 255, // of a name as it stands in its rule
    OV_NAME_TEXT_BYTES = 272, // room for a name as printed, with ".UNOFFICIAL" and a NUL
};

struct ov_rule_names {
    struct ov_span names, sources; // sections
    uint32_t count;                // rules of both kinds
    uint8_t digest[32];            // of the image: what "image" is in reports
};

// OV_DAMAGED when the bytes are no image whose table and sections lie within it.
enum ov_status ov_rule_names_open(struct ov_span image, struct ov_rule_names *ret_names);

// The name as clamscan prints it, that of a heuristic (base/heuristic.h) as well; false, and "?",
// when the number or the section is damaged.
bool ov_rule_names_get(const struct ov_rule_names *names, uint32_t rule,
                       char ret_text[OV_NAME_TEXT_BYTES]);

// The file that the rule came from ("daily.cvd!daily.ldb"), borrowed; "heuristics" for those; empty
// when damaged.
struct ov_span ov_rule_names_source(const struct ov_rule_names *names, uint32_t rule);

// The same for each entry of the source section, in order; OV_END behind the last. A file of rules
// may have several.
enum ov_status ov_rule_names_source_at(const struct ov_rule_names *names, uint32_t index,
                                       struct ov_span *ret_source);

// The head of the name section.
struct ov_image_names {
    uint32_t count;       // names
    uint32_t block_count; // uint32_t offsets of blocks follow, then the blocks
};

// An entry of the source section: all rules from `rule_first` on, up to the next entry's.
struct ov_image_source {
    uint32_t rule_first;
    uint32_t text_at, text_bytes; // from the start of the section
    uint32_t zero;
};

struct ov_image_sources {
    uint32_t count; // struct ov_image_source that follow
    uint32_t zero[3];
};
