// SPDX-License-Identifier: Apache-2.0
//
// The files of an entry `files`, one after another, each with what was found in it.
#pragma once

#include "base/cursor.h"
#include "journal/entry.h"

struct ov_entry_files {
    struct ov_cursor cursor;
};

struct ov_entry_found {
    struct ov_span rule, set, members, offset; // as they are written
};

// Of an entry that was read (journal/entry.h).
struct ov_entry_files ov_entry_files_of(const struct ov_entry *entry);

// The next file, and the lines `found` behind it. OV_END after the last.
enum ov_status ov_entry_files_next(struct ov_entry_files *files, struct ov_entry_file *ret_file,
                                   struct ov_span *ret_found_lines);

// Takes the first of these lines. OV_END when there is none.
enum ov_status ov_entry_found_take(struct ov_span *lines, struct ov_entry_found *ret_found);

// Appends a text of others (RULE, SET, WHY ...) as it was before it was written.
void ov_entry_text_decode(struct ov_buf *buf, struct ov_span text);
