// SPDX-License-Identifier: Apache-2.0
//
// The inside of a scanner, shared by the files of this room.
#pragma once

#include "base/arena.h"
#include "base/heuristic.h"
#include "format/exe.h"
#include "format/walk.h"
#include "match/digest_many.h"
#include "match/hashset.h"
#include "match/links.h"
#include "match/matcher.h"
#include "match/metadata.h"
#include "scan/finds.h"
#include "scan/magics.h"
#include "scan/scan.h"
#include "scan/trusted.h"

struct ov_scanner {
    struct ov_scan_options options;
    struct ov_image image;
    struct ov_matcher *matcher;
    struct ov_metadata_rules *metadata; // NULL: the image has none
    struct ov_magics *magics;           // likewise
    struct ov_link_lists *links;        // likewise
    struct ov_hashset objects, sections, imports, allowed;
    struct ov_trusted trusted;
    bool has_objects, has_sections, has_imports, has_allowed;
    struct ov_arena arena; // of the outermost object
    struct ov_finds finds; // of the object that is being matched
    struct ov_budget budget;
    struct ov_verdict *verdict;              // of the file on its way
    uint64_t object_count;                   // scanned so far
    uint64_t target_bytes[OV_IMAGE_TARGETS]; // matched so far, by target type
};

// One object on its way: its bytes, where it was found, what it is, and what its headers say.
enum { OV_SUBJECT_WALKED_MAX = 8 };

struct ov_subject {
    struct ov_scanner *scanner;
    struct ov_arena *arena; // of this object
    struct ov_span bytes;
    struct ov_subject *container; // what it is a member of; NULL: it is the file itself
    uint32_t depth;               // containers around it
    uint32_t number;              // of this member in its container, from 1 on
    uint32_t member_count;        // of its own members so far
    bool is_embedded;             // found among the container's bytes, not told by a walker
    bool is_retyped;              // its container once more, as the type that a rule asked for
    struct ov_span name;          // as its container tells it
    enum ov_filetype type;
    uint32_t facts;                                  // bits of enum ov_fact
    uint64_t alerts[(OV_HEURISTIC_COUNT + 63) / 64]; // bits of enum ov_heuristic
    uint32_t view_count;
    uint32_t walked_count;
    ov_walker *walked[OV_SUBJECT_WALKED_MAX]; // what it was walked by, the first few
    uint32_t target;
    bool is_exe;
    struct ov_exe exe;
    bool has_versions;           // exe.version_* have been read
    bool has_icons;              // likewise
    const struct ov_icon *icons; // in the arena
    uint32_t icon_count;
    bool has_picture; // it was tried to compute picture_hash
    bool is_picture;  // and it has one
    uint64_t picture_hash;
    struct ov_anchor_section *sections; // the matcher's view of exe.sections
    const struct ov_digest_job *hashed; // digests of sections that are computed already, all or
    size_t hashed_count;                // none of them
};

// Finds out what the object is unless `type` says so, reads the headers of an executable and makes
// the matcher's view of them. `subject` has its scanner, arena and bytes. OV_MEMORY.
enum ov_status ov_subject_open(struct ov_subject *subject, enum ov_filetype type);

// What offsets relative to the headers mean in the subject. Borrows the subject.
struct ov_anchors ov_subject_anchors(struct ov_subject *subject);

// Looks up digests of the whole object that are already computed (`job`). hashes.c
void ov_subject_look_up(struct ov_subject *subject, const struct ov_digest_job *job);

// Lists the sections of a file that hash rules may know, for them to be hashed side by side with
// those of other files. Returns how many: none as well when there is no room for all, and when they
// overlap, since a crafted file could have them hashed many times before its time is taken.
// hashes.c
size_t ov_sections_list(struct ov_scanner *scanner, struct ov_span file, size_t room,
                        struct ov_digest_job *ret_jobs);

// Hashes and looks up PE sections and imports. hashes.c
enum ov_status ov_subject_hash_parts(struct ov_subject *subject);

// Whether an allow rule names the object or something that contains it. hashes.c
bool ov_subject_is_allowed(struct ov_subject *subject);

// Looks at the signature of a program, if the rules have something to say about signatures. A
// trusted one clears it of all rules. OV_OK; OV_END: one was blocked, and the verdict is final;
// OV_LIMIT, OV_MEMORY. trusted.c
enum ov_status ov_subject_check_signature(struct ov_subject *subject, bool *ret_is_trusted);

// Whether a catalog lists the whole object. trusted.c
bool ov_subject_is_listed(struct ov_subject *subject);

// Looks at the whole object: its parts, then its own bytes, and adds what was found to the
// scanner's verdict. `digests` are those of the object that are computed already, or NULL.
// OV_OK; OV_END: the verdict is final; OV_LIMIT; OV_MEMORY or OV_DAMAGED: not all was done. layer.c
enum ov_status ov_subject_scan(struct ov_subject *subject, const struct ov_digest_job *digests);

// Adds a heuristic to the verdict, if it is asked for and no allow rule names the object. alert.c
void ov_subject_alert(struct ov_subject *subject, enum ov_heuristic heuristic);

// Adds what a walker noticed, as far as there is a name for it in objects of this type. alert.c
void ov_subject_alert_fact(struct ov_subject *subject, enum ov_fact fact);

// Whether links of mails are looked at. links.c
bool ov_scanner_wants_links(const struct ov_scanner *scanner);

// Judges a link in a mail, and adds to the verdict what it is. OV_OK, OV_END, OV_LIMIT, OV_MEMORY,
// OV_DAMAGED. links.c
enum ov_status ov_subject_judge_link(struct ov_subject *mail, const struct ov_link *link);

// Holds the member that was counted last against the rules on what containers say. OV_OK,
// OV_MEMORY, OV_DAMAGED. metadata.c
enum ov_status ov_subject_match_member(struct ov_subject *container, const struct ov_child *child);

// Adds what was found in the object to the verdict. layer.c
void ov_subject_report(struct ov_subject *subject);

// Adds what was found in the object to the verdict; `seen` is the object as the type by which it
// was looked at. A rule that asks for another handler has it scanned once more, as that type.
// Statuses as above, of which none keeps anything from being told. handler.c
enum ov_status ov_subject_tell(struct ov_subject *subject, struct ov_subject *seen);

// Whether nothing that is still to come could change the verdict. layer.c
bool ov_scanner_is_final(const struct ov_scanner *scanner);

// Scans an object that is ready but for its arena and headers, if the budget allows it. Statuses as
// above. layer.c
enum ov_status ov_subject_scan_part(struct ov_subject *member, enum ov_filetype type);

// The walker of a type, or NULL, and whether the object's own bytes come before its parts.
ov_walker *ov_walker_of(enum ov_filetype type, bool *ret_is_late);

// Walks the object with a walker of its type, or of one that it also has. Statuses as above.
// layer.c
enum ov_status ov_subject_walk(struct ov_subject *subject, ov_walker *walker,
                               enum ov_filetype type);

// Walks the object once more as a type that it also has, unless the same walker did so already;
// its parts count as parts of that type.
enum ov_status ov_subject_walk_as(struct ov_subject *subject, enum ov_filetype type);

// Scans a member of the object, one layer deeper. Statuses as above. layer.c
enum ov_status ov_subject_scan_member(struct ov_subject *container, const struct ov_child *child,
                                      bool is_embedded);
