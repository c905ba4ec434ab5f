// SPDX-License-Identifier: Apache-2.0
//
// The inside of a scanner, shared by the files of this room.
#pragma once

#include "base/arena.h"
#include "format/exe.h"
#include "match/digest_many.h"
#include "match/hashset.h"
#include "match/matcher.h"
#include "scan/finds.h"
#include "scan/scan.h"

struct ov_scanner {
    struct ov_scan_options options;
    struct ov_image image;
    struct ov_matcher *matcher;
    struct ov_hashset objects, sections, imports, allowed;
    bool has_objects, has_sections, has_imports, has_allowed;
    struct ov_arena arena; // of the current object
    struct ov_finds finds; // of the current object
    struct ov_budget budget;
    uint64_t object_count;                   // scanned so far
    uint64_t target_bytes[OV_IMAGE_TARGETS]; // matched so far, by target type
};

// One object on its way: its bytes, what it is, and what its headers say.
struct ov_subject {
    struct ov_scanner *scanner;
    struct ov_span bytes;
    uint32_t target;
    bool is_exe;
    struct ov_exe exe;
    bool has_versions;                  // exe.version_* have been read
    struct ov_anchor_section *sections; // the matcher's view of exe.sections
};

// Reads the headers of an executable and makes the matcher's view of them. OV_MEMORY.
enum ov_status ov_subject_open(struct ov_scanner *scanner, struct ov_span bytes,
                               struct ov_subject *ret_subject);

// What offsets relative to the headers mean in the subject. Borrows the subject.
struct ov_anchors ov_subject_anchors(struct ov_subject *subject);

// Looks up digests of the whole object that are already computed (`job`). hashes.c
void ov_subject_look_up(struct ov_subject *subject, const struct ov_digest_job *job);

// Hashes and looks up PE sections and imports. hashes.c
enum ov_status ov_subject_hash_parts(struct ov_subject *subject);

// Whether an allow rule names the object. hashes.c
bool ov_subject_is_allowed(struct ov_subject *subject);
