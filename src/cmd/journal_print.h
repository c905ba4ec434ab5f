// SPDX-License-Identifier: Apache-2.0
//
// Entries of the journal, and files of them, one line each: for people, or as JSON.
#pragma once

#include "cmd/journal_paths.h"
#include "journal/entry_files.h"

#include <stdio.h>

void ov_journal_print_entry(FILE *out, bool is_json, const struct ov_entry *entry);

struct ov_journal_file_row {
    const struct ov_entry *entry;
    uint32_t place;
    struct ov_entry_file file;
    struct ov_span found_lines;
    struct ov_span path; // empty when it is not known
};

void ov_journal_print_file(FILE *out, bool is_json, const struct ov_journal_file_row *row);
