// SPDX-License-Identifier: Apache-2.0
// Adds counters and joins bitmaps.
#include "watch/totals.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(struct watch_file_key) == 32, "no padding: keys are compared byte by byte");
static_assert(sizeof(struct watch_slot) == 256, "whole lines of a processor's cache");
static_assert(sizeof(struct watch_inode) == 16, "no padding");
static_assert(WATCH_COVERAGE_WORDS * 8 == OV_TRACE_COVERAGE_BYTES, "one bitmap");

enum { WORD_BITS = 64, SHIFT_MAX = 63 };

static bool has_bit(const __u64 *coverage, unsigned bit) {
    return (coverage[bit / WORD_BITS] >> bit % WORD_BITS & 1) != 0;
}

static void set_bit(__u64 *coverage, unsigned bit) {
    coverage[bit / WORD_BITS] |= 1ull << bit % WORD_BITS;
}

// Puts a bitmap at a larger scale, in place: bits only move down.
static void widen(__u64 *coverage, unsigned by) {
    __u64 wide[WATCH_COVERAGE_WORDS] = {0};
    for (unsigned bit = 0; by > 0 && bit < WATCH_COVERAGE_BITS; bit++) {
        if (has_bit(coverage, bit)) {
            set_bit(wide, by < SHIFT_MAX ? bit >> by : 0);
        }
    }
    // The last bit stood for all that is behind it as well.
    if (by > 0 && has_bit(coverage, WATCH_COVERAGE_BITS - 1)) {
        for (unsigned bit = WATCH_COVERAGE_BITS >> (by < 9 ? by : 9); bit < WATCH_COVERAGE_BITS;
             bit++) {
            set_bit(wide, bit);
        }
    }
    if (by > 0) {
        memcpy(coverage, wide, sizeof wide);
    }
}

void ov_total_add(struct ov_total *total, const struct watch_file *more) {
    struct watch_file *sum = &total->sum;
    struct watch_file added = *more;
    if (sum->first_ns == 0) {
        *sum = added;
        return;
    }
    __u64 shift = sum->shift > added.shift ? sum->shift : added.shift;
    widen(sum->coverage, (unsigned)(shift - sum->shift));
    widen(added.coverage, (unsigned)(shift - added.shift));
    sum->shift = shift;
    for (unsigned i = 0; i < WATCH_COVERAGE_WORDS; i++) {
        sum->coverage[i] |= added.coverage[i];
    }
    sum->first_ns = added.first_ns < sum->first_ns ? added.first_ns : sum->first_ns;
    sum->last_ns = added.last_ns > sum->last_ns ? added.last_ns : sum->last_ns;
    sum->size_bytes = added.size_bytes > sum->size_bytes ? added.size_bytes : sum->size_bytes;
    sum->opens += added.opens;
    sum->reads += added.reads;
    sum->read_bytes += added.read_bytes;
    sum->page_events += added.page_events;
    sum->page_bytes += added.page_bytes;
    sum->map_pages += added.map_pages;
    sum->direct_bytes += added.direct_bytes;
    sum->writes += added.writes;
    sum->write_bytes += added.write_bytes;
    sum->dirty_pages += added.dirty_pages;
    sum->routes |= added.routes;
}

void ov_total_record(const struct ov_total *total, struct ov_trace_file *ret_record) {
    const struct watch_file *sum = &total->sum;
    *ret_record = (struct ov_trace_file){
        .process = {.pid = total->key.pid, .start_ns = total->key.start_ns},
        .inode = {.device = total->key.inode.device,
                  .inode = total->key.inode.inode,
                  .generation = total->key.inode.generation},
        .size_bytes = sum->size_bytes,
        .first_ns = sum->first_ns,
        .last_ns = sum->last_ns,
        .open_count = sum->opens,
        .read_count = sum->reads,
        .read_bytes = sum->read_bytes,
        .page_events = sum->page_events,
        .page_bytes = sum->page_bytes,
        .map_pages = sum->map_pages,
        .direct_bytes = sum->direct_bytes,
        .write_count = sum->writes,
        .write_bytes = sum->write_bytes,
        .dirty_pages = sum->dirty_pages,
        .routes = (uint32_t)sum->routes,
        .scale = 1ull << (sum->shift & SHIFT_MAX),
    };
    for (unsigned i = 0; i < OV_TRACE_COVERAGE_BYTES; i++) {
        ret_record->coverage[i] = (uint8_t)(sum->coverage[i / 8] >> 8 * (i % 8));
    }
}
