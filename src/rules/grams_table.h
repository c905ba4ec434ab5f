// SPDX-License-Identifier: Apache-2.0
//
// The layout of the table behind grams.h, shared by its reader and by the tool that trains it.
//
// A gram that stood at least GRAMS_FLOOR times in the training data has a level in two cells, the
// largest of all grams that share the cell; its own is at most the smaller of the two. Level n
// means at least GRAMS_FLOOR << (n - 1) times.
#pragma once

#include <stdint.h>

enum {
    GRAMS6_LOG2 = 21, // cells of four bits
    GRAMS4_LOG2 = 20,
    GRAMS6_FLOOR = 48,
    GRAMS4_FLOOR = 192,
    GRAMS3_LOG2 = 21,
    GRAMS3_FLOOR = 128,
};

struct grams_table {
    uint8_t magic[8]; // "OVGRAMS2"
    uint64_t trained_bytes;
    uint64_t byte_counts[256];
    uint8_t cells6[1 << (GRAMS6_LOG2 - 1)]; // two cells a byte, the even one low
    uint8_t cells4[1 << (GRAMS4_LOG2 - 1)];
    uint8_t cells3[1 << (GRAMS3_LOG2 - 1)];
};

// The two cells of a folded gram (little endian).
static inline void grams_cells(uint64_t gram, unsigned log2, uint32_t ret_cells[2]) {
    uint64_t h = gram * 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    h *= 0xbf58476d1ce4e5b9u;
    h ^= h >> 32;
    ret_cells[0] = (uint32_t)(h & (((uint64_t)1 << log2) - 1));
    ret_cells[1] = (uint32_t)(h >> 32 & (((uint64_t)1 << log2) - 1));
}
