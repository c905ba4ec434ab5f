// SPDX-License-Identifier: Apache-2.0
// Squeezing text, without instructions that only some processors have; and the choice of the way.
#include "base/squeeze.h"

#include <stdatomic.h>

enum { BLOCK_BYTES = 64, GROUP_BYTES = 8 };

// ---- one byte ----------------------------------------------------------------------------------

// Tab, line feed, vertical tab, form feed, return and space: 1, else 0. Without branches and in
// bytes, here and below, so that the compiler can look at many at once.
static inline uint8_t is_space(uint8_t byte) {
    return (uint8_t)((uint8_t)(byte - 9) <= 4) | (uint8_t)(byte == ' ');
}

// What has no place in it: other control characters below space, and bytes from 0x80 on.
static inline uint8_t is_dropped(uint8_t byte) {
    uint8_t is_low = byte < ' ';
    uint8_t is_high = byte >= 0x80;
    return (uint8_t)((is_low | is_high) & (is_space(byte) ^ 1));
}

static inline uint8_t normalise_byte(uint8_t byte) {
    uint8_t is_upper = (uint8_t)(byte - 'A') < 26;
    uint8_t lower = (uint8_t)(byte | is_upper << 5);
    return is_space(byte) != 0 ? ' ' : lower;
}

// ---- blocks ------------------------------------------------------------------------------------

// Where the next byte goes, and whether the last one was a space.
struct place {
    uint8_t *out;
    size_t size;
    bool is_after_space;
};

// Looks at a block as a whole: what its bytes become, and which of them stay (1, or 0 for a space
// that follows one). False if there are bytes to drop: then it is more than neighbours that count.
static bool look_at_block(const uint8_t *block, bool is_after_space, uint8_t *ret_bytes,
                          uint8_t *ret_stays) {
    uint8_t raw[1 + BLOCK_BYTES], bytes[BLOCK_BYTES], stays[BLOCK_BYTES];
    raw[0] = is_after_space ? ' ' : 0;
    memcpy(raw + 1, block, BLOCK_BYTES);
    uint8_t drops = 0;
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        drops |= is_dropped(raw[i + 1]);
    }
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        bytes[i] = normalise_byte(raw[i + 1]);
    }
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        stays[i] = (uint8_t)((is_space(raw[i + 1]) & is_space(raw[i])) ^ 1);
    }
    memcpy(ret_bytes, bytes, BLOCK_BYTES);
    memcpy(ret_stays, stays, BLOCK_BYTES);
    return drops == 0;
}

// Copies what stays of a few bytes, mostly all. Returns how many those are.
static inline size_t copy_group(const uint8_t *bytes, const uint8_t *stays, uint8_t *out) {
    uint64_t all;
    memcpy(&all, stays, sizeof all);
    if (all == 0x0101010101010101) {
        memcpy(out, bytes, GROUP_BYTES);
        return GROUP_BYTES;
    }
    size_t size = 0;
    for (size_t i = 0; i < GROUP_BYTES; i++) {
        out[size] = bytes[i];
        size += stays[i];
    }
    return size;
}

static bool copy_block(const uint8_t *block, struct place *place) {
    uint8_t bytes[BLOCK_BYTES], stays[BLOCK_BYTES];
    if (!look_at_block(block, place->is_after_space, bytes, stays)) {
        return false;
    }
    size_t size = place->size;
    for (size_t i = 0; i < BLOCK_BYTES; i += GROUP_BYTES) {
        size += copy_group(bytes + i, stays + i, place->out + size);
    }
    place->size = size;
    place->is_after_space = bytes[BLOCK_BYTES - 1] == ' ';
    return true;
}

// What each byte becomes: itself in lower case, a space, or 0 when it is dropped.
static const uint8_t *get_table(void) {
    static uint8_t table[256];
    static bool is_made; // of constants: always the same
    for (unsigned byte = 0; !is_made && byte < 256; byte++) {
        table[byte] = is_dropped((uint8_t)byte) != 0 ? 0 : normalise_byte((uint8_t)byte);
    }
    is_made = true;
    return table;
}

// Any bytes, one by one. A space after what was dropped still follows the space before it.
static void copy_bytes(struct ov_span bytes, const uint8_t *table, struct place *place) {
    uint8_t *out = place->out;
    size_t size = place->size;
    bool is_after_space = place->is_after_space;
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t byte = table[bytes.data[i]];
        bool is_blank = byte == ' ';
        bool stays = byte != 0 && !(is_blank && is_after_space);
        out[size] = byte;
        size += stays;
        is_after_space = stays ? is_blank : is_after_space;
    }
    place->size = size;
    place->is_after_space = is_after_space;
}

size_t ov_squeeze_plain(struct ov_span text, uint8_t *ret_out) {
    const uint8_t *table = get_table();
    struct place place = {0};
    place.out = ret_out;
    for (size_t at = 0; at < text.size; at += BLOCK_BYTES) {
        struct ov_span block = ov_span_part(text, at, BLOCK_BYTES);
        if (block.size < BLOCK_BYTES || !copy_block(block.data, &place)) {
            copy_bytes(block, table, &place);
        }
    }
    return place.size;
}

// ---- the choice --------------------------------------------------------------------------------

ov_squeeze_fn *const *ov_squeeze_list(void) {
#if defined(__x86_64__)
    static ov_squeeze_fn *const all[] = {ov_squeeze_avx512, ov_squeeze_plain, NULL};
    // Whatever its file is compiled for, so that the compiler may use it.
    bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2") &&
                      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                      __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    return has_avx512 ? all : all + 1;
#else
    static ov_squeeze_fn *const all[] = {ov_squeeze_plain, NULL};
    return all;
#endif
}

size_t ov_squeeze(struct ov_span text, uint8_t *ret_out) {
    // Racing threads all come to the same one.
    static _Atomic(ov_squeeze_fn *) chosen;
    ov_squeeze_fn *way = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (way == NULL) {
        way = ov_squeeze_list()[0];
        atomic_store_explicit(&chosen, way, memory_order_relaxed);
    }
    return way(text, ret_out);
}

// Whether a block is what it becomes; `before` is the byte before it.
static bool is_block_done(const uint8_t *block, uint8_t before) {
    uint8_t raw[1 + BLOCK_BYTES];
    raw[0] = before;
    memcpy(raw + 1, block, BLOCK_BYTES);
    uint8_t changes = 0;
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        uint8_t byte = raw[i + 1];
        uint8_t is_second = (uint8_t)(byte == ' ') & (uint8_t)(raw[i] == ' ');
        changes |= (uint8_t)(is_dropped(byte) | is_second | (normalise_byte(byte) ^ byte));
    }
    return changes == 0;
}

bool ov_squeeze_is_done(struct ov_span text) {
    uint8_t before = 0;
    for (size_t at = 0; at < text.size; at += BLOCK_BYTES) {
        struct ov_span block = ov_span_part(text, at, BLOCK_BYTES);
        uint8_t rest[BLOCK_BYTES];
        if (block.size < BLOCK_BYTES) { // behind the end: bytes that are what they become
            memset(rest, 'a', sizeof rest);
            memcpy(rest, block.data, block.size);
            block.data = rest;
        }
        if (!is_block_done(block.data, before)) {
            return false;
        }
        before = block.data[BLOCK_BYTES - 1];
    }
    return true;
}
