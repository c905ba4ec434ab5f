// SPDX-License-Identifier: Apache-2.0
//
// The rules of a file as text, each of which is a leaf in the tree of a release
// (docs/formats/release.md gives it to the byte).
//
// How a file is split hangs on its name's ending and on its bytes, never on whether this engine can
// read its rules: an older and a newer engine give the same texts. So the endings are fixed with
// the format, and are not those of rules/load.c.
#pragma once

#include "base/arena.h"
#include "base/span.h"
#include "base/status.h"
#include "ledger/merkle.h"
#include "rules/clamav/archive.h"
#include "rules/reader.h"
#include "rules/yara_text.h"

struct ov_rule_text {
    struct ov_span name; // of the file, and of the member: "main.cvd!main.ndb"
    struct ov_span text;
    uint32_t line; // where it begins, from 1; 1 for what is told by its digest
};

enum ov_rule_text_kind {
    OV_RULE_TEXT_LINES,
    OV_RULE_TEXT_YARA,
    OV_RULE_TEXT_DIGEST, // of the whole
    OV_RULE_TEXT_CONTAINER,
};

// One file in the course of being split. What is given lives until it is closed, the file's name
// and bytes, which are borrowed, as well.
struct ov_rule_texts {
    struct ov_span name;
    bool is_container;
    struct ov_clamav_archive archive;
    struct ov_arena made;       // names of members, texts of digests
    struct ov_span member_name; // of what is read now
    struct ov_span member_bytes;
    enum ov_rule_text_kind kind;
    bool is_begun; // there is something that is read now
    struct ov_lines lines;
    struct ov_yara_text yara;
    const char *why; // with OV_DAMAGED, OV_LIMIT and OV_INVALID: a sentence without a full stop
};

// How a file of that name is split.
enum ov_rule_text_kind ov_rule_text_kind_of(struct ov_span name);

// Begins; a container may unpack to `most_bytes`. OV_INVALID when no file of a release may have
// that name; OV_DAMAGED, OV_LIMIT: see why. To be closed in any case.
enum ov_status ov_rule_texts_open(struct ov_span name, struct ov_span bytes, size_t most_bytes,
                                  struct ov_rule_texts *ret_texts);

// The next rule, in order of place. OV_END after the last one; OV_DAMAGED, OV_INVALID: see why;
// OV_MEMORY.
enum ov_status ov_rule_texts_next(struct ov_rule_texts *texts, struct ov_rule_text *ret_text);

void ov_rule_texts_close(struct ov_rule_texts *texts);

// The hash of the leaf: of name, LF and text. `entry` is room to put these together.
enum ov_status ov_rule_text_hash(const struct ov_rule_text *text, struct ov_buf *entry,
                                 struct ov_tree_hash *ret_hash);
