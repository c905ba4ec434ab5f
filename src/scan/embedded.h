// SPDX-License-Identifier: Apache-2.0
//
// The search for objects inside an object's own bytes, which runs while these are matched.
//
// A search lives as long as its subject is scanned; what it found is in the subject's arena.
#pragma once

#include "match/marks.h"
#include "scan/scanner_state.h"

struct ov_embedded_find {
    enum ov_filetype type;
    size_t at, bytes;
};

// A disc may have two file systems, and begin with a table of partitions.
enum { OV_EMBEDDED_ALSO_MAX = 4 };

struct ov_embedded_search {
    struct ov_mark_search marks; // for the matcher
    struct ov_subject *subject;
    struct ov_embedded_find *found;
    uint32_t count, room;
    enum ov_filetype also[OV_EMBEDDED_ALSO_MAX]; // what the object as a whole is as well
    uint32_t also_count;
    uint32_t open_counts[OV_FILETYPE_COUNT];
    size_t ends[OV_FILETYPE_COUNT]; // where the last one of a repeated type ends
    enum ov_status status;
};

// What the matcher has to look for in the subject; NULL when nothing can lie in it.
const struct ov_mark_search *ov_embedded_start(struct ov_embedded_search *ret_search,
                                               struct ov_subject *subject);

// Whether anything was found, in the object or of it as a whole.
bool ov_embedded_has_found(const struct ov_embedded_search *search);

// Scans what was found. Statuses as of ov_subject_scan(); OV_OK also when there is nothing.
enum ov_status ov_embedded_scan(struct ov_embedded_search *search);
