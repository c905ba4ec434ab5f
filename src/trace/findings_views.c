// SPDX-License-Identifier: Apache-2.0
// The rules on what is seen twice: pages and calls of every file, pages and what the kernel asked
// before an access of canaries.
#include "trace/finder.h"

#include <stdlib.h>

// ---- pages and calls ----------------------------------------------------------------------------

enum {
    EXPLAINED = 1 << OV_TRACE_ROUTE_CALL | 1 << OV_TRACE_ROUTE_URING | 1 << OV_TRACE_ROUTE_SPLICED
};

// Of a file, over all processes.
struct views {
    uint64_t calls_alone, pages_alone; // bytes
    uint64_t calls_at_ns, pages_at_ns;
};

static bool is_compared(const struct ov_trace_model *model, const struct ov_trace_model_use *use) {
    const struct ov_trace_model_file *file = &model->files[use->file];
    return model->processes[use->process].is_watched && file->has_name &&
           file->kind == OV_TRACE_KIND_FILE && ov_trace_filesystem_has_pages(file->filesystem);
}

static void compare_use(const struct ov_trace_model_use *use, bool has_overlay,
                        struct views *views) {
    const struct ov_trace_file *last = &use->last;
    uint64_t pages = last->direct_bytes > UINT64_MAX - last->page_bytes
                         ? UINT64_MAX
                         : last->page_bytes + last->direct_bytes;
    uint64_t more = last->read_bytes > pages ? last->read_bytes - pages : 0;
    if (more >= ov_trace_threshold(OV_TRACE_RULE_CALLS_ALONE, 0)) {
        views->calls_alone =
            more > UINT64_MAX - views->calls_alone ? UINT64_MAX : views->calls_alone + more;
        views->calls_at_ns = views->calls_at_ns == 0 ? last->first_ns : views->calls_at_ns;
    }
    if (!has_overlay && (last->routes & EXPLAINED) == 0 && last->read_count == 0 &&
        pages >= ov_trace_threshold(OV_TRACE_RULE_PAGES_ALONE, 0)) {
        views->pages_alone =
            pages > UINT64_MAX - views->pages_alone ? UINT64_MAX : views->pages_alone + pages;
        views->pages_at_ns = views->pages_at_ns == 0 ? last->first_ns : views->pages_at_ns;
    }
}

// What is called on an overlay has its pages in the file beneath.
static bool has_overlay(const struct ov_trace_model *model) {
    bool is_there = false;
    for (size_t i = 0; i < model->file_count; i++) {
        is_there |= ov_span_is_text(model->files[i].filesystem, "overlay");
    }
    return is_there;
}

static enum ov_status find_in_files(struct ov_trace_finder *finder) {
    const struct ov_trace_model *model = finder->model;
    struct views *views = ov_arena_array(finder->arena, model->file_count + 1, sizeof *views);
    bool is_overlaid = has_overlay(model);
    TRY(views != NULL ? OV_OK : OV_MEMORY);
    for (size_t i = 0; i < model->use_count; i++) {
        if (is_compared(model, &model->uses[i])) {
            compare_use(&model->uses[i], is_overlaid, &views[model->uses[i].file]);
        }
    }
    for (size_t i = 0; i < model->file_count; i++) {
        size_t at = finder->by_read[i];
        struct ov_trace_item item = ov_trace_item_empty();
        item.file = at;
        item.other_bytes = model->files[at].covered_bytes;
        if (views[at].calls_alone > 0) {
            item.bytes = views[at].calls_alone;
            item.at_ns = views[at].calls_at_ns;
            ov_trace_finder_add(finder, OV_TRACE_RULE_CALLS_ALONE, &item);
        }
        if (views[at].pages_alone > 0) {
            item.bytes = views[at].pages_alone;
            item.at_ns = views[at].pages_at_ns;
            ov_trace_finder_add(finder, OV_TRACE_RULE_PAGES_ALONE, &item);
        }
    }
    return OV_OK;
}

// ---- canaries -----------------------------------------------------------------------------------

// Sorted: all of one canary and process together, what was asked for first, then by place.
struct touch {
    uint32_t device, pid;
    uint64_t inode;
    uint32_t is_page; // else it was asked for
    uint64_t from, to;
    uint64_t at_ns;
};

static int compare_numbers(uint64_t a, uint64_t b) {
    return a == b ? 0 : a < b ? -1 : 1;
}

static int compare_groups(const struct touch *a, const struct touch *b) {
    int order = compare_numbers(a->device, b->device);
    order = order != 0 ? order : compare_numbers(a->inode, b->inode);
    return order != 0 ? order : compare_numbers(a->pid, b->pid);
}

static int compare_touches(const void *first, const void *second) {
    const struct touch *a = first;
    const struct touch *b = second;
    int order = compare_groups(a, b);
    order = order != 0 ? order : compare_numbers(a->is_page, b->is_page);
    order = order != 0 ? order : compare_numbers(a->from, b->from);
    return order != 0 ? order : compare_numbers(a->at_ns, b->at_ns);
}

static bool is_sensor_on(const struct ov_trace_model *model) {
    bool is_on = false;
    for (size_t i = 0; i < model->sensor_count; i++) {
        is_on |= ov_span_is_text(model->sensors[i].name, "pre-access") &&
                 model->sensors[i].state == OV_TRACE_STATE_ON;
    }
    return is_on;
}

// A command and what came from it: their descriptors are newer than the marks.
static bool has_begun_here(const struct ov_trace_model *model, uint32_t pid) {
    struct ov_trace_pid id = {.pid = pid};
    size_t at = ov_trace_model_find_process(model, &id);
    const struct ov_trace_model_process *process =
        at != OV_TRACE_NONE ? &model->processes[at] : NULL;
    return process != NULL && process->has_record && process->is_watched &&
           model->begin.target == OV_TRACE_OF_COMMAND;
}

static uint64_t size_of(const struct ov_trace_model *model, const struct touch *touch) {
    uint64_t size = 0;
    for (size_t i = 0; i < model->planted_count; i++) {
        const struct ov_trace_planted *planted = &model->planted[i];
        if (planted->inode.device == touch->device && planted->inode.inode == touch->inode) {
            size = planted->size_bytes;
        }
    }
    return size;
}

// Bytes of pages that nobody asked for: of the first `asked` touches, which count in whole pages,
// and of the others up to `count`.
static uint64_t count_unasked(const struct touch *touches, size_t asked, size_t count,
                              const struct ov_trace_model *model) {
    uint64_t mask = model->begin.page_bytes - 1;
    uint64_t size = size_of(model, touches);
    uint64_t at = 0;    // all before it is counted, or was asked for
    uint64_t reach = 0; // of those that begin before `at`
    uint64_t sum = 0;
    size_t next = 0;
    for (size_t i = asked; i < count; i++) {
        uint64_t to = touches[i].to < size ? touches[i].to : size;
        at = touches[i].from > at ? touches[i].from : at;
        while (at < to) {
            for (; next < asked && (touches[next].from & ~mask) <= at; next++) {
                uint64_t end = touches[next].to < size ? (touches[next].to + mask) & ~mask : size;
                reach = end > reach ? end : reach;
            }
            uint64_t stop = next < asked ? touches[next].from & ~mask : to;
            stop = reach > at ? reach : stop;
            stop = stop < to ? stop : to;
            sum += reach > at ? 0 : stop - at;
            at = stop;
        }
    }
    return sum;
}

static size_t find_file(const struct ov_trace_model *model, const struct touch *touch) {
    size_t found = OV_TRACE_NONE;
    for (size_t i = 0; i < model->file_count; i++) {
        const struct ov_trace_inode *inode = &model->files[i].inode;
        if (inode->device == touch->device && inode->inode == touch->inode) {
            found = i;
        }
    }
    return found;
}

static void tell_canary(struct ov_trace_finder *finder, const struct touch *touch, uint64_t bytes,
                        const char *what) {
    struct ov_trace_pid id = {.pid = touch->pid};
    struct ov_trace_item item = ov_trace_item_empty();
    item.name = ov_span_text(what);
    item.file = find_file(finder->model, touch);
    item.process = ov_trace_model_find_process(finder->model, &id);
    item.at_ns = touch->at_ns;
    item.bytes = bytes;
    ov_trace_finder_add(finder, OV_TRACE_RULE_CANARY_VIEWS, &item);
}

// All touches of one canary by one process.
static void compare_group(struct ov_trace_finder *finder, const struct touch *touches, size_t count,
                          bool is_on) {
    const struct ov_trace_model *model = finder->model;
    uint64_t least = ov_trace_threshold(OV_TRACE_RULE_CANARY_VIEWS, 0);
    uint64_t asked_bytes = 0;
    size_t asked = 0;
    while (asked < count && touches[asked].is_page == 0) {
        uint64_t bytes = touches[asked].to - touches[asked].from;
        asked_bytes = bytes > asked_bytes ? bytes : asked_bytes;
        asked++;
    }
    uint64_t size = size_of(model, touches);
    asked_bytes = asked_bytes < size ? asked_bytes : size;
    if (asked == count) {
        if (asked_bytes >= least) {
            tell_canary(finder, touches, asked_bytes, "asked for, and no page was read:");
        }
        return;
    }
    if (is_on && has_begun_here(model, touches[0].pid)) {
        uint64_t unasked = count_unasked(touches, asked, count, model);
        if (unasked >= least) {
            tell_canary(finder, &touches[asked], unasked, "read, and not asked for:");
        }
    }
}

static bool is_write(enum ov_trace_route route) {
    return route == OV_TRACE_ROUTE_WRITTEN || route == OV_TRACE_ROUTE_DIRTIED;
}

static enum ov_status find_in_canaries(struct ov_trace_finder *finder) {
    const struct ov_trace_model *model = finder->model;
    struct touch *touches = ov_arena_array(finder->arena, model->canary_count + 1, sizeof *touches);
    bool is_on = is_sensor_on(model);
    size_t count = 0;
    TRY(touches != NULL ? OV_OK : OV_MEMORY);
    for (size_t i = 0; i < model->canary_count; i++) {
        const struct ov_trace_canary *canary = &model->canaries[i];
        if (!is_write(canary->route)) { // these have a rule of their own
            touches[count++] = (struct touch){.device = canary->inode.device,
                                              .pid = canary->process.pid,
                                              .inode = canary->inode.inode,
                                              .is_page = canary->route != OV_TRACE_ROUTE_PRE_ACCESS,
                                              .from = canary->from,
                                              .to = canary->to,
                                              .at_ns = canary->at_ns};
        }
    }
    qsort(touches, count, sizeof *touches, compare_touches);
    for (size_t begin = 0; begin < count;) {
        size_t end = begin + 1;
        while (end < count && compare_groups(&touches[begin], &touches[end]) == 0) {
            end++;
        }
        compare_group(finder, &touches[begin], end - begin, is_on);
        begin = end;
    }
    return OV_OK;
}

enum ov_status ov_trace_find_in_views(struct ov_trace_finder *finder) {
    TRY(find_in_files(finder));
    return find_in_canaries(finder);
}
