// SPDX-License-Identifier: Apache-2.0
//
// Names of rules that the owner wants left out: ClamAV's .ign and .ign2 lists.
//
// Names are borrowed from the sources that the set holds; the table itself is on the heap.
#pragma once

#include "base/span.h"
#include "base/status.h"

struct ov_ignore_entry {
    struct ov_span name;
    bool has_digest;
    uint8_t md5[16]; // of the whole line of the rule that is meant
};

struct ov_ignore {
    size_t count;
    size_t room; // slots, a power of two, or 0
    struct ov_ignore_entry *slots;
    bool has_grown; // since it was last applied
};

void ov_ignore_release(struct ov_ignore *ignore);

// Adds a name; `md5` may be NULL, which means every rule of that name.
enum ov_status ov_ignore_add(struct ov_ignore *ignore, struct ov_span name, const uint8_t *md5);

// Whether the rule of this name, written as `line`, is to be left out.
bool ov_ignore_has(const struct ov_ignore *ignore, struct ov_span name, struct ov_span line);
