// SPDX-License-Identifier: Apache-2.0
// rooms: format
//
// The formats of one word (OV_WORD), on hostile objects: whether an object is theirs, and their
// walkers, which end, keep to their budget, and tell of parts that can all be read. Built once for
// each word of src/format/meson.build.
#include "format/format.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifndef OV_WORD
#define OV_WORD compressed
#endif
#define JOIN(a, b) a##b
#define SET(word)  JOIN(ov_format_set_, word)

extern const struct ov_format_set SET(OV_WORD);

// Libraries ask for as much memory as a header says, and go on when they do not get it: a worker
// has no more than this.
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1:max_allocation_size_mb=1024";
}

static const struct ov_limits limits = {
    .file_bytes = 1 << 20, .scan_bytes = 4 << 20, .depth = 4, .files = 1000, .time_ms = 2000};

struct listener {
    struct ov_budget budget;
    volatile unsigned sum; // of all bytes: the sanitizer sees whether they are there
    enum ov_status stop;   // what the sink says at its last part
    unsigned parts_left;
};

static unsigned add_up(struct ov_span bytes) {
    unsigned sum = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        sum += bytes.data[i];
    }
    return sum;
}

static enum ov_status take_child(void *arg, const struct ov_child *child) {
    struct listener *listener = arg;
    listener->sum += add_up(child->bytes) + add_up(child->name);
    if (child->bytes.size > limits.file_bytes || child->type >= OV_FILETYPE_COUNT) {
        abort();
    }
    if (child->kind == OV_CHILD_MEMBER &&
        !ov_budget_take_object(&listener->budget, child->bytes.size, 1) &&
        listener->budget.hit == OV_LIMIT_FILES) {
        return OV_LIMIT;
    }
    return --listener->parts_left > 0 ? OV_OK : listener->stop;
}

static enum ov_status take_link(void *arg, const struct ov_link *link) {
    struct listener *listener = arg;
    listener->sum += add_up(link->leads_to) + add_up(link->shown);
    return --listener->parts_left > 0 ? OV_OK : listener->stop;
}

static void take_fact(void *arg, enum ov_fact fact) {
    (void)arg;
    if (fact >= OV_FACT_COUNT) {
        abort();
    }
}

static void take_alert(void *arg, enum ov_heuristic heuristic) {
    (void)arg;
    if ((unsigned)heuristic >= OV_HEURISTIC_COUNT) {
        abort();
    }
}

static void walk(const struct ov_format *format, struct ov_span object, unsigned parts) {
    struct listener listener = {.parts_left = parts, .stop = OV_END};
    struct ov_sink sink = {.arg = &listener,
                           .child = take_child,
                           .fact = take_fact,
                           .alert = take_alert,
                           .link = take_link};
    struct ov_arena arena;
    ov_arena_init(&arena, 16 << 20);
    ov_budget_init(&listener.budget, &limits);
    struct ov_walk job = {
        .sink = &sink, .arena = &arena, .budget = &listener.budget, .type = format->type};
    struct ov_cursor in = ov_cursor_init(object);
    enum ov_status status = format->walk(&in, &job);
    // A walker that was stopped says so: what it goes on to do would be for nobody.
    if (listener.parts_left == 0 && status != OV_END) {
        abort();
    }
    ov_arena_release(&arena);
}

static bool has_magic(const struct ov_format *format, struct ov_span object) {
    for (uint32_t i = 0; i < format->magic_count; i++) {
        const struct ov_magic *magic = &format->magics[i];
        struct ov_span there = ov_span_part(object, magic->offset, magic->size);
        if (magic->offset == OV_MAGIC_ANYWHERE ||
            ov_span_is_equal(there, ov_span_make(magic->bytes, magic->size))) {
            return true;
        }
    }
    return false;
}

// Asks what a scanner asks once a magic stands in the object.
static void identify(const struct ov_format *format, struct ov_span object) {
    if (!has_magic(format, object)) {
        return;
    }
    if (format->is_sure != NULL) {
        (void)format->is_sure(object);
    }
    if (format->refine != NULL && format->refine(object) >= OV_FILETYPE_COUNT) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    for (uint32_t i = 0; i < SET(OV_WORD).count; i++) {
        const struct ov_format *format = &SET(OV_WORD).formats[i];
        identify(format, ov_span_make(data, size));
        if (format->walk != NULL) {
            walk(format, ov_span_make(data, size), 100000);
            walk(format, ov_span_make(data, size), 1);
        }
    }
    return 0;
}
