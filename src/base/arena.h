// SPDX-License-Identifier: Apache-2.0
//
// A bump allocator with a cap: everything that one job allocates is given back at once.
//
// Blocks come from the heap (or, with ov_arena_set_fault, from a counter that fails on purpose, for
// tests). Memory is zeroed. Pointers stay valid until reset or release. Not for threads to share.
#pragma once

#include "base/span.h"
#include "base/status.h"

struct ov_arena_block;

struct ov_arena {
    struct ov_arena_block *first; // newest block first
    size_t cap_bytes;             // refuse to hold more than this
    size_t used_bytes;            // sum of block sizes held
};

// An empty arena that holds at most `cap_bytes`. Allocates nothing yet.
void ov_arena_init(struct ov_arena *ret_arena, size_t cap_bytes);

// Gives back everything and forgets it.
void ov_arena_release(struct ov_arena *arena);

// Frees every object but keeps the largest block for the next job.
void ov_arena_reset(struct ov_arena *arena);

// `size` zeroed bytes aligned to 16, or NULL when the cap or the heap is exhausted.
void *ov_arena_alloc(struct ov_arena *arena, size_t size);

// `count` zeroed items of `size` bytes; NULL also when the product overflows.
void *ov_arena_array(struct ov_arena *arena, size_t count, size_t size);

// A copy of the bytes with a NUL after them, or NULL.
char *ov_arena_text(struct ov_arena *arena, struct ov_span bytes);

// Makes the Nth block allocation from now fail, in every arena; 0 switches this off. Tests only.
void ov_arena_set_fault(unsigned nth);
