// SPDX-License-Identifier: Apache-2.0
//
// Finds some short byte strings in an object, all of them at once, while it is matched anyway.
//
// A set of marks is constant once it is made; it borrows the strings. Worker process only.
#pragma once

#include "base/span.h"
#include "match/kernels.h"

enum {
    OV_MARKS_MAX = 64,
    OV_MARK_MIN_BYTES = 2, // shorter ones stand everywhere
};

struct ov_marks {
    struct ov_mark_table table;
    struct ov_span marks[OV_MARKS_MAX];
    uint64_t of_first[256]; // bits of the marks that begin with the byte
    uint32_t count;
};

// Adds a string of at least OV_MARK_MIN_BYTES; its number is the count before. False: no room.
bool ov_marks_add(struct ov_marks *marks, struct ov_span mark);

// Makes the tables, after the last string was added.
void ov_marks_finish(struct ov_marks *marks);

// Told of a mark and where it stands.
typedef void ov_mark_sink(void *arg, uint32_t mark, size_t at);

// What a run of a matcher looks for beside its rules.
struct ov_mark_search {
    const struct ov_marks *marks;
    ov_mark_sink *sink; // must not run the matcher
    void *sink_arg;
};

// A piece of an object: where it begins, and how much of it to look at. Readable with the slack
// that kernels need.
struct ov_mark_piece {
    size_t at;
    const uint8_t *data;
    uint32_t size;
};

// Tells of the marks that begin in the piece, in ascending order. `scratch` is for positions.
void ov_marks_look(const struct ov_mark_search *search, const struct ov_kernels *kernels,
                   struct ov_span object, const struct ov_mark_piece *piece, uint32_t *scratch);
