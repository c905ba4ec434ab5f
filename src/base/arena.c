// SPDX-License-Identifier: Apache-2.0
// The capped bump allocator.
#include "base/arena.h"

#include <stdlib.h>

enum { MIN_BLOCK_BYTES = 16 * 1024, ALIGN = 16 };

struct ov_arena_block {
    struct ov_arena_block *next;
    size_t size; // bytes that the block can give
    size_t used; // bytes given
    size_t pad;  // keeps bytes[] aligned to 16
    uint8_t bytes[];
};

static unsigned fault_countdown;

void ov_arena_set_fault(unsigned nth) {
    fault_countdown = nth;
}

void ov_arena_init(struct ov_arena *ret_arena, size_t cap_bytes) {
    *ret_arena = (struct ov_arena){.cap_bytes = cap_bytes};
}

void ov_arena_release(struct ov_arena *arena) {
    while (arena->first != NULL) {
        struct ov_arena_block *block = arena->first;
        arena->first = block->next;
        free(block);
    }
    arena->used_bytes = 0;
}

void ov_arena_reset(struct ov_arena *arena) {
    struct ov_arena_block *largest = arena->first;
    for (struct ov_arena_block *block = arena->first; block != NULL; block = block->next) {
        largest = block->size > largest->size ? block : largest;
    }
    while (arena->first != NULL) {
        struct ov_arena_block *block = arena->first;
        arena->first = block->next;
        if (block != largest) {
            free(block);
        }
    }
    arena->used_bytes = 0;
    if (largest != NULL) {
        memset(largest->bytes, 0, largest->used);
        largest->used = 0;
        largest->next = NULL;
        arena->first = largest;
        arena->used_bytes = largest->size;
    }
}

// Adds a block that can give at least `size` bytes; false when the cap or the heap forbids it.
static bool add_block(struct ov_arena *arena, size_t size) {
    size_t want = arena->used_bytes < MIN_BLOCK_BYTES ? MIN_BLOCK_BYTES : arena->used_bytes;
    want = want < size ? size : want;
    size_t left = arena->cap_bytes - arena->used_bytes;
    want = want > left ? left : want;
    if (want < size || (fault_countdown > 0 && --fault_countdown == 0)) {
        return false;
    }
    size_t bytes;
    bool is_too_much = __builtin_add_overflow(sizeof(struct ov_arena_block), want, &bytes);
    struct ov_arena_block *block = is_too_much ? NULL : calloc(1, bytes);
    if (block == NULL) {
        return false;
    }
    block->size = want;
    block->next = arena->first;
    arena->first = block;
    arena->used_bytes += want;
    return true;
}

void *ov_arena_alloc(struct ov_arena *arena, size_t size) {
    size_t rounded;
    if (size > arena->cap_bytes || __builtin_add_overflow(size, ALIGN - 1, &rounded)) {
        return NULL;
    }
    rounded = rounded / ALIGN * ALIGN;
    struct ov_arena_block *block = arena->first;
    if (block == NULL || block->size - block->used < rounded) {
        if (!add_block(arena, rounded)) {
            return NULL;
        }
        block = arena->first;
    }
    void *memory = block->bytes + block->used;
    block->used += rounded;
    return memory;
}

void *ov_arena_array(struct ov_arena *arena, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return ov_arena_alloc(arena, bytes);
}

char *ov_arena_text(struct ov_arena *arena, struct ov_span bytes) {
    char *copy = bytes.size < SIZE_MAX ? ov_arena_alloc(arena, bytes.size + 1) : NULL;
    if (copy != NULL && bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return copy;
}
