// SPDX-License-Identifier: Apache-2.0
//
// Looks digests up in the hash rules of an image.
//
// A set is a view of one scope's tables (docs/formats/image-hashes.md): opening reads three heads
// and nothing else, a lookup touches about six cache lines. Borrows the image's bytes, owns and
// allocates nothing. A hostile image can make it answer wrongly, but not read outside the image or
// work longer than a binary search. Any number of threads.
//
// Order of matches, as clamscan has it: MD5 with size, MD5 of any size, SHA-1 with size, and so on;
// within one of these, load order.
#pragma once

#include "base/hash_kind.h"
#include "base/span.h"
#include "base/status.h"
#include "match/image.h"

// One kind's table; all zero when the image has none.
struct ov_hash_table {
    const uint8_t *bitmap, *ranks, *sizes, *starts, *high, *rest, *rules; // columns
    uint32_t entry_count, any_count, group_count, covered_count, covered_sizes;
    uint32_t rest_bytes; // of each digest, in `rest`
};

struct ov_hashset {
    struct ov_hash_table tables[OV_HASH_KINDS];
};

// The set of `scope`; an empty one when the image has no such rules. OV_DAMAGED when a section is
// not as long as its counts say; then `ret_reason` says which.
enum ov_status ov_hashset_open(const struct ov_image *image, enum ov_hash_scope scope,
                               struct ov_hashset *ret_set, char ret_reason[OV_IMAGE_REASON_BYTES]);

// The same for one table's section; an empty span gives an empty table.
enum ov_status ov_hash_table_open(struct ov_span section, enum ov_hash_kind kind,
                                  struct ov_hash_table *ret_table);

// Whether the set has no entries at all.
bool ov_hashset_is_empty(const struct ov_hashset *set);

// Which digests a thing of `size` bytes must have looked up: bits 1 << enum ov_hash_kind. Exact:
// a bit is set only when some rule has this size or any size.
unsigned ov_hashset_kinds_wanted(const struct ov_hashset *set, uint64_t size);

// The first rule with this digest and this size, else with this digest and any size.
bool ov_hashset_find(const struct ov_hashset *set, enum ov_hash_kind kind, uint64_t size,
                     const uint8_t *digest, uint32_t *ret_rule);

// All of them, in order. The digest is borrowed while the hits last.
struct ov_hash_hits {
    const struct ov_hash_table *table;
    const uint8_t *digest;
    uint32_t at, end; // entries still to be compared
    bool is_any;      // they are the ones of any size: the last
};

void ov_hash_hits_begin(const struct ov_hashset *set, enum ov_hash_kind kind, uint64_t size,
                        const uint8_t *digest, struct ov_hash_hits *ret_hits);
// False when there are no more.
bool ov_hash_hits_next(struct ov_hash_hits *hits, uint32_t *ret_rule);
