// SPDX-License-Identifier: Apache-2.0
// rooms: match base
//
// Hash tables of a hostile image: whatever the section says, lookups stay inside it and end.
//
// Input: one byte of kind, four of size, 32 of digest, then the section. Asked are the given size
// and digest, every entry that the section itself seems to hold, and sizes at the edges.
#include "match/hash_layout.h"
#include "match/hashset.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { QUESTION_BYTES = 1 + 4 + OV_HASH_BYTES_MAX, HITS_MAX = 64, ENTRIES_MAX = 64 };

static void ask(const struct ov_hashset *set, enum ov_hash_kind kind, uint64_t size,
                const uint8_t *digest) {
    struct ov_hash_hits hits;
    uint32_t rule, first = 0;
    unsigned kinds = ov_hashset_kinds_wanted(set, size);
    bool is_found = ov_hashset_find(set, kind, size, digest, &first);
    ov_hash_hits_begin(set, kind, size, digest, &hits);
    for (unsigned i = 0; i < HITS_MAX && ov_hash_hits_next(&hits, &rule); i++) {
        // What find says is the first hit; what is found was asked for by its size.
        if (!is_found || (i == 0 && rule != first) || (kinds & 1u << kind) == 0) {
            abort();
        }
    }
}

// Puts the digest of entry `index` together, as the columns have it.
static void read_entry(const struct ov_hash_table *table, uint32_t index,
                       uint8_t ret_digest[OV_HASH_BYTES_MAX]) {
    uint64_t high;
    memcpy(&high, table->high + index * sizeof high, sizeof high);
    high = __builtin_bswap64(high);
    memcpy(ret_digest, &high, sizeof high);
    memcpy(ret_digest + sizeof high, table->rest + (size_t)index * table->rest_bytes,
           table->rest_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint64_t edges[] = {0,          1,          511,        512,         0xfffffe,
                                     0xffffff,   0x1000000,  0xfffffffe, 0xffffffff,  0x100000000,
                                     UINT64_MAX, 0x80000000, 4096,       0x1ffffffff, 63};
    if (size < QUESTION_BYTES) {
        return 0;
    }
    enum ov_hash_kind kind = data[0] % OV_HASH_KINDS;
    struct ov_hashset set = {0};
    struct ov_span section = ov_span_make(data + QUESTION_BYTES, size - QUESTION_BYTES);
    if (ov_hash_table_open(section, kind, &set.tables[kind]) != OV_OK) {
        return 0;
    }
    const struct ov_hash_table *table = &set.tables[kind];
    uint32_t asked_size;
    memcpy(&asked_size, data + 1, sizeof asked_size);
    ask(&set, kind, asked_size, data + 5);
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        ask(&set, kind, edges[i], data + 5);
    }
    for (uint32_t i = 0; i < table->entry_count && i < ENTRIES_MAX; i++) {
        uint8_t digest[OV_HASH_BYTES_MAX];
        read_entry(table, i, digest);
        ask(&set, kind, asked_size, digest);
        ask(&set, kind, i, digest);
        ask(&set, kind, UINT64_MAX, digest);
    }
    return 0;
}
