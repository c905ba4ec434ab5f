// SPDX-License-Identifier: Apache-2.0
// The inner loops in plain C: the twin that every other set is held against.
#include "match/kernels.h"

#include <stdbool.h>
#include <string.h>

static uint32_t fold32(const uint8_t *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return (uint32_t)ov_fold(word);
}

static bool may_hold(const uint32_t *words, unsigned log2, uint32_t hash) {
    uint32_t bits = ov_gram_bits(hash);
    return (words[hash >> (32 - log2)] & bits) == bits;
}

static uint32_t find_grams6(const uint32_t *words, unsigned log2, const uint8_t *data,
                            uint32_t size, uint32_t *ret_at) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i += 4) {
        ret_at[count] = i;
        count += may_hold(words, log2, ov_gram_hash6(fold32(data + i), fold32(data + i + 2)));
    }
    return count;
}

static uint32_t find_grams_by_4(const uint32_t *words, unsigned log2, const uint8_t *data,
                                uint32_t size, uint32_t *ret_at) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i += 4) {
        uint32_t low = fold32(data + i), high = fold32(data + i + 2);
        uint32_t hash = ov_gram_hash4(low);
        uint32_t missing = ~words[hash >> (32 - log2)];
        ret_at[count] = i;
        count += (missing & ov_gram_bits(hash)) == 0 || (missing & ov_gram_bits6(low, high)) == 0;
    }
    return count;
}

static uint32_t find_grams3_by_2(const uint32_t *words, unsigned log2, const uint8_t *data,
                                 uint32_t size, uint32_t *ret_at) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i += 2) {
        ret_at[count] = i;
        count += may_hold(words, log2, ov_gram_hash3(fold32(data + i)));
    }
    return count;
}

static uint32_t find_grams4_by_1(const uint32_t *words, unsigned log2, const uint8_t *data,
                                 uint32_t size, uint32_t *ret_at) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i++) {
        ret_at[count] = i;
        count += may_hold(words, log2, ov_gram_hash4(fold32(data + i)));
    }
    return count;
}

static uint32_t find_windows(const uint32_t *words, unsigned log2, const uint8_t *data,
                             const uint32_t *at, uint32_t count, uint32_t *ret_windows) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < 2; k++) {
            const uint8_t *window = data + (ptrdiff_t)at[i] + k - 1;
            ret_windows[kept] = at[i] + k;
            kept += may_hold(words, log2, ov_gram_hash4(fold32(window)));
        }
    }
    return kept;
}

// Shift-or (Baeza-Yates and Gonnet) with 8 buckets side by side: byte k of the state holds the
// buckets whose first k + 1 positions are allowed so far.
static uint32_t find_tail(const struct ov_image_tail *tail, uint8_t live, const uint8_t *data,
                          uint32_t size, uint32_t *ret_at, uint8_t *ret_buckets) {
    uint32_t count = 0;
    uint64_t state = 0;
    for (uint32_t i = 0; i < size + OV_TAIL_POSITIONS - 1; i++) {
        state = (state << 8 | live) & tail->allow[data[i]];
        uint8_t buckets = (uint8_t)(state >> 56);
        if (buckets != 0 && i >= OV_TAIL_POSITIONS - 1) {
            ret_at[count] = i - (OV_TAIL_POSITIONS - 1);
            ret_buckets[count++] = buckets;
        }
    }
    return count;
}

static uint32_t find_marks(const struct ov_mark_table *table, const uint8_t *data, uint32_t size,
                           uint32_t *ret_at) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < size; i++) {
        uint8_t buckets = table->sets[0][data[i]];
        for (unsigned k = 1; buckets != 0 && k < OV_MARK_POSITIONS; k++) {
            buckets &= table->sets[k][data[i + k]];
        }
        ret_at[count] = i;
        count += buckets != 0;
    }
    return count;
}

static size_t find_pair(const struct ov_pair *pair, const uint8_t *data, size_t from, size_t last) {
    for (size_t i = from; i <= last; i++) {
        if ((data[i + pair->at_a] & pair->mask_a) == pair->value_a &&
            (data[i + pair->at_b] & pair->mask_b) == pair->value_b) {
            return i;
        }
    }
    return SIZE_MAX;
}

const struct ov_kernels ov_kernels_plain = {
    .name = "plain",
    .grams = {find_grams6, find_grams_by_4, find_grams3_by_2, find_grams4_by_1},
    .windows = find_windows,
    .tail = find_tail,
    .marks = find_marks,
    .pair = find_pair,
};
