// SPDX-License-Identifier: Apache-2.0
//
// Finds the windows of an object in which some rule's trigger may stand: the fast first look.
//
// A trigger has a rare window of fixed bytes, chosen when the image was built. Grams of the window
// are looked up at every fourth byte of the object (every second for short windows) in two Bloom
// filters and a hash table; what has no usable gram goes through the tail, byte sets at 8
// positions. docs/decisions/0010-filter.md says why. Nothing is missed; what is told may be wrong.
#pragma once

#include "match/image.h"
#include "match/kernels.h"
#include "match/marks.h"

struct ov_filter {
    const struct ov_image_filter *head;
    const uint32_t *fours, *threes; // stage 1 of classes 0 and 1, of class 2; or NULL
    unsigned fours_log2, threes_log2;
    const uint8_t *stage2[OV_GRAM_CLASSES]; // 64-bit words, of class 2 32-bit words; or NULL
    const struct ov_image_slot *slots;
    const struct ov_image_entry *entries;
    const struct ov_image_tail *tails;
    uint32_t slot_count, entry_count, tail_count;
};

// Looks up the filter of a variant. OV_DAMAGED when its tables do not hold together; an image
// without that variant gives an empty filter.
enum ov_status ov_filter_open(const struct ov_image *image, uint32_t variant,
                              struct ov_filter *ret_filter);

// What a run works in. About 300 KB: one for each worker.
struct ov_filter_scratch {
    uint32_t at[OV_CHUNK_BYTES + 64], windows[OV_CHUNK_BYTES + 128];
    uint8_t buckets[OV_CHUNK_BYTES + 64];
    uint64_t hashes[OV_CHUNK_BYTES + 64];
    uint8_t edge[OV_CHUNK_BYTES + 4 * OV_FILTER_SLACK]; // the object's end, zeros after it
};

// A stretch of an object that kernels may read with slack.
struct ov_chunk {
    const uint8_t *data;
    uint32_t size; // bytes to cover, at most OV_CHUNK_BYTES
};

// The chunk at `at`: in the object itself, or, at its end, a copy with zeros after it.
struct ov_chunk ov_chunk_take(struct ov_span object, size_t at, struct ov_filter_scratch *scratch);

// Told of a window: trigger number and the window's offset in the object. Returns true when the
// trigger needs no more windows in this object.
typedef bool ov_window_sink(void *arg, uint32_t trigger, size_t window_at);

struct ov_filter_run {
    const struct ov_filter *filter;
    const struct ov_kernels *kernels;
    struct ov_filter_scratch *scratch;
    struct ov_span object;
    ov_window_sink *sink;
    void *sink_arg;
    bool (*has_time)(void *arg);        // asked every megabyte; false ends the run
    const struct ov_mark_search *marks; // looked for in the same pass; or NULL
};

// Passes over the whole object once. Returns false when has_time ended it.
bool ov_filter_run(const struct ov_filter_run *run);
