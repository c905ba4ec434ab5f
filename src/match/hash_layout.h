// SPDX-License-Identifier: Apache-2.0
//
// The bytes of a hash table in an image: docs/formats/image-hashes.md in C.
//
// One section for each scope and kind that has rules. The section holds a head and seven columns,
// each starting at a multiple of OV_HASH_ALIGN; where they start follows from the head's counts,
// so that there are no offsets to believe. Written by rules/emit_hash.c, read by match/hashset.c.
#pragma once

#include "base/hash_kind.h"
#include "match/layout.h"

enum {
    OV_SECTION_HASH = OV_SECTION_HASH_FIRST,
    OV_HASH_ALIGN = 64,
    OV_HASH_RUN = 512,             // sizes that share one count in `ranks`
    OV_HASH_COVERED_MAX = 1 << 24, // sizes from here on are searched, not looked up in the bitmap
    OV_HASH_COVERED_PER_GROUP = 2048, // the bitmap takes at most 256 bytes for each distinct size
    OV_HASH_HIGH_BYTES = 8,           // of the digest, in a column of their own
};

// The variant of a table's section.
static inline uint32_t ov_hash_variant(enum ov_hash_scope scope, enum ov_hash_kind kind) {
    return (uint32_t)scope << 8 | (uint32_t)kind;
}

struct ov_image_hash_head {
    uint32_t entry_count;   // all entries
    uint32_t any_count;     // the last of them: those for things of any size
    uint32_t group_count;   // distinct sizes of the others
    uint32_t covered_count; // groups whose size is below `covered_sizes`
    uint32_t covered_sizes; // sizes that the bitmap tells of: a multiple of OV_HASH_RUN
    uint32_t digest_bytes;  // 16, 20 or 32
    uint8_t zero[40];
};

_Static_assert(sizeof(struct ov_image_hash_head) == OV_HASH_ALIGN, "hash head");

// Where the columns start, in bytes from the start of the section.
struct ov_hash_columns {
    uint64_t bitmap; // one bit a size: some entry has it
    uint64_t ranks;  // uint32_t for each OV_HASH_RUN sizes: groups before its first size
    uint64_t sizes;  // uint32_t for each group that the bitmap does not tell of, ascending
    uint64_t starts; // uint32_t for each group and one more: its first entry
    uint64_t high;   // uint64_t for each entry: the first 8 bytes of the digest, as a number
    uint64_t rest;   // the other bytes of the digest
    uint64_t rules;  // uint32_t for each entry: rule number
    uint64_t end;    // bytes of the whole section
};

// The head's counts are at most 32 bits each, so that no sum here can overflow.
static inline struct ov_hash_columns ov_hash_columns_of(const struct ov_image_hash_head *head) {
    const uint64_t mask = OV_HASH_ALIGN - 1;
    uint64_t entries = head->entry_count, groups = head->group_count;
    uint64_t uncovered = groups - head->covered_count;
    struct ov_hash_columns at;
    at.bitmap = sizeof *head;
    at.ranks = (at.bitmap + head->covered_sizes / 8 + mask) & ~mask;
    at.sizes = (at.ranks + head->covered_sizes / OV_HASH_RUN * sizeof(uint32_t) + mask) & ~mask;
    at.starts = (at.sizes + uncovered * sizeof(uint32_t) + mask) & ~mask;
    at.high = (at.starts + (groups + 1) * sizeof(uint32_t) + mask) & ~mask;
    at.rest = (at.high + entries * OV_HASH_HIGH_BYTES + mask) & ~mask;
    at.rules =
        (at.rest + entries * ((uint64_t)head->digest_bytes - OV_HASH_HIGH_BYTES) + mask) & ~mask;
    at.end = at.rules + entries * sizeof(uint32_t);
    return at;
}
