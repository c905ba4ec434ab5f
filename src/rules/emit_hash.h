// SPDX-License-Identifier: Apache-2.0
//
// Writes hash rules into an image, as docs/formats/image-hashes.md says.
//
// Deterministic: the same rules in the same order give the same bytes. Millions of rules take about
// a second; memory is 32 bytes a rule beside the sections themselves.
#pragma once

#include "rules/image_writer.h"
#include "rules/tree.h"

// What the rules cost every scan, by scope and kind. One rule without a size in a scope that is
// about whole objects (OBJECT, ALLOW) makes every file be hashed by its kind.
struct ov_hash_report {
    size_t rule_count[OV_HASH_SCOPES][OV_HASH_KINDS];
    size_t any_size_count[OV_HASH_SCOPES][OV_HASH_KINDS]; // of them, without a size
    size_t size_count[OV_HASH_SCOPES][OV_HASH_KINDS];     // distinct sizes of the others
    size_t section_bytes[OV_HASH_SCOPES][OV_HASH_KINDS];
};

// Adds a section for every scope and kind that has rules. Rule i gets number rule_base + i.
// OV_LIMIT when the numbers do not suffice or the writer is full, OV_INVALID when a rule's scope or
// kind is unknown, OV_MEMORY. After a failure the writer is fit for release only.
enum ov_status ov_emit_hashes(const struct ov_hash_rule *hashes, size_t count, uint32_t rule_base,
                              struct ov_image_writer *writer, struct ov_hash_report *ret_report);
