// SPDX-License-Identifier: Apache-2.0
// The rule set: its arrays grow here, problems are noted here, and ignored rules leave it here.
#include "rules/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const uint64_t DEFAULT_MEMORY_BYTES = (uint64_t)8 << 30;

enum { FIRST_ROWS = 64, REASON_BYTES = 400 };

// What the set keeps alive because rules borrow from it.
struct ov_held_memory {
    struct ov_held_memory *next;
    void *block;
};

enum ov_status ov_ruleset_new(const struct ov_ruleset_options *options,
                              struct ov_ruleset **ret_set) {
    struct ov_ruleset *set = calloc(1, sizeof *set);
    struct ov_ruleset_state *state = calloc(1, sizeof *state);
    if (set == NULL || state == NULL) {
        free(set);
        free(state);
        return OV_MEMORY;
    }
    if (options != NULL) {
        state->options = *options;
    }
    if (state->options.memory_bytes == 0) {
        state->options.memory_bytes = DEFAULT_MEMORY_BYTES;
    }
    set->state = state;
    ov_arena_init(&set->arena, state->options.memory_bytes);
    *ret_set = set;
    return OV_OK;
}

void ov_ruleset_free(struct ov_ruleset *set) {
    if (set == NULL) {
        return;
    }
    while (set->state->held != NULL) {
        struct ov_held_memory *held = set->state->held;
        set->state->held = held->next;
        free(held->block);
        free(held);
    }
    ov_ignore_release(&set->state->ignore);
    ov_arena_release(&set->arena);
    free(set->files);
    free(set->rules);
    free(set->hashes);
    free(set->magics);
    free(set->icons);
    free(set->listed);
    free(set->links);
    free(set->problems);
    free(set->state);
    free(set);
}

size_t ov_ruleset_heap_left(const struct ov_ruleset *set) {
    uint64_t used = set->state->heap_bytes + set->arena.used_bytes;
    uint64_t cap = set->state->options.memory_bytes;
    return used < cap ? (size_t)(cap - used) : 0;
}

enum ov_status ov_ruleset_hold_block(struct ov_ruleset *set, void *block, size_t size) {
    if (size > ov_ruleset_heap_left(set)) {
        return OV_LIMIT;
    }
    struct ov_held_memory *held = calloc(1, sizeof *held);
    if (held == NULL) {
        return OV_MEMORY;
    }
    *held = (struct ov_held_memory){.next = set->state->held, .block = block};
    set->state->held = held;
    set->state->heap_bytes += size;
    return OV_OK;
}

// Grows *array until it holds `count` items of `size` bytes, by doubling.
static enum ov_status grow(struct ov_ruleset *set, void **array, size_t *room, size_t count,
                           size_t size) {
    if (count <= *room) {
        return OV_OK;
    }
    size_t want = *room < FIRST_ROWS ? FIRST_ROWS : *room * 2;
    want = want < count ? count : want;
    size_t more;
    if (__builtin_mul_overflow(want - *room, size, &more) || more > ov_ruleset_heap_left(set)) {
        return OV_LIMIT;
    }
    void *bigger = realloc(*array, want * size);
    if (bigger == NULL) {
        return OV_MEMORY;
    }
    set->state->heap_bytes += more;
    *array = bigger;
    *room = want;
    return OV_OK;
}

enum ov_status ov_ruleset_add_file(struct ov_ruleset *set, const char *path, struct ov_span bytes,
                                   bool is_official, uint32_t *ret_file) {
    const char *copy = ov_arena_text(&set->arena, ov_span_text(path));
    if (copy == NULL) {
        return OV_MEMORY;
    }
    TRY(grow(set, (void **)&set->files, &set->state->file_room, (size_t)set->file_count + 1,
             sizeof *set->files));
    set->files[set->file_count] = (struct ov_rule_file){
        .path = copy,
        .bytes = bytes,
        .is_official = is_official,
    };
    *ret_file = set->file_count++;
    return OV_OK;
}

enum ov_status ov_ruleset_add_rule(struct ov_ruleset *set, struct ov_rule **ret_rule) {
    TRY(grow(set, (void **)&set->rules, &set->state->rule_room, set->rule_count + 1,
             sizeof *set->rules));
    *ret_rule = &set->rules[set->rule_count++];
    **ret_rule = (struct ov_rule){0};
    return OV_OK;
}

enum ov_status ov_ruleset_reserve_hashes(struct ov_ruleset *set, size_t count) {
    return grow(set, (void **)&set->hashes, &set->state->hash_room, set->hash_count + count,
                sizeof *set->hashes);
}

enum ov_status ov_ruleset_add_hash(struct ov_ruleset *set, struct ov_hash_rule **ret_hash) {
    TRY(ov_ruleset_reserve_hashes(set, 1));
    *ret_hash = &set->hashes[set->hash_count++];
    **ret_hash = (struct ov_hash_rule){0};
    return OV_OK;
}

enum ov_status ov_ruleset_add_magic(struct ov_ruleset *set, const struct ov_type_magic *magic) {
    TRY(grow(set, (void **)&set->magics, &set->state->magic_room, set->magic_count + 1,
             sizeof *set->magics));
    set->magics[set->magic_count++] = *magic;
    return OV_OK;
}

enum ov_status ov_ruleset_add_icon(struct ov_ruleset *set, const struct ov_icon_rule *icon) {
    TRY(grow(set, (void **)&set->icons, &set->state->icon_room, set->icon_count + 1,
             sizeof *set->icons));
    set->icons[set->icon_count++] = *icon;
    return OV_OK;
}

enum ov_status ov_ruleset_add_listed(struct ov_ruleset *set, const struct ov_listed_file *listed) {
    TRY(grow(set, (void **)&set->listed, &set->state->listed_room, set->listed_count + 1,
             sizeof *set->listed));
    set->listed[set->listed_count++] = *listed;
    return OV_OK;
}

enum ov_status ov_ruleset_add_link(struct ov_ruleset *set, const struct ov_link_rule *link) {
    TRY(grow(set, (void **)&set->links, &set->state->link_room, set->link_count + 1,
             sizeof *set->links));
    set->links[set->link_count++] = *link;
    return OV_OK;
}

uint32_t ov_ruleset_find_icon_group(const struct ov_ruleset *set, unsigned list,
                                    struct ov_span name) {
    uint32_t group = 0;
    while (group < set->icon_group_count[list] &&
           !ov_span_is_equal(set->icon_groups[list][group], name)) {
        group++;
    }
    return group;
}

enum ov_status ov_ruleset_add_icon_group(struct ov_ruleset *set, unsigned list, struct ov_span name,
                                         uint16_t *ret_group) {
    uint32_t group = ov_ruleset_find_icon_group(set, list, name);
    if (group == OV_ICON_GROUPS_MAX) {
        return OV_INVALID;
    }
    if (group == set->icon_group_count[list]) {
        set->icon_groups[list][set->icon_group_count[list]++] = name;
    }
    *ret_group = (uint16_t)group;
    return OV_OK;
}

enum ov_status ov_ruleset_add_problem(struct ov_ruleset *set, struct ov_place place,
                                      struct ov_span name, bool is_skip, const char *reason) {
    TRY(grow(set, (void **)&set->problems, &set->state->problem_room, set->problem_count + 1,
             sizeof *set->problems));
    set->problems[set->problem_count++] = (struct ov_rule_problem){
        .place = place,
        .name = name,
        .reason = reason,
        .is_skip = is_skip,
    };
    return OV_OK;
}

enum ov_status ov_ruleset_add_problemf(struct ov_ruleset *set, struct ov_place place,
                                       struct ov_span name, bool is_skip, const char *format, ...) {
    char text[REASON_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (size < 0) {
        return OV_INVALID;
    }
    const char *reason = ov_arena_text(&set->arena, ov_span_text(text));
    if (reason == NULL) {
        return OV_MEMORY;
    }
    return ov_ruleset_add_problem(set, place, name, is_skip, reason);
}

// ---- ignored rules -----------------------------------------------------------------------------

static struct ov_span find_hash_line(const struct ov_ruleset *set,
                                     const struct ov_hash_rule *hash) {
    return ov_span_part(set->files[hash->file].bytes, hash->line_at, hash->line_size);
}

static void drop_ignored_hashes(struct ov_ruleset *set, size_t from) {
    const struct ov_ignore *ignore = &set->state->ignore;
    size_t kept = from;
    for (size_t i = from; i < set->hash_count; i++) {
        struct ov_span line = find_hash_line(set, &set->hashes[i]);
        struct ov_span name = ov_span_part(line, set->hashes[i].name_at, set->hashes[i].name_size);
        if (!ov_ignore_has(ignore, name, line)) {
            set->hashes[kept++] = set->hashes[i];
        }
    }
    set->ignored_count += set->hash_count - kept;
    set->hash_count = kept;
}

static void drop_ignored_rules(struct ov_ruleset *set, size_t from) {
    size_t kept = from;
    for (size_t i = from; i < set->rule_count; i++) {
        if (!ov_ignore_has(&set->state->ignore, set->rules[i].name, set->rules[i].source)) {
            set->rules[kept++] = set->rules[i];
        }
    }
    set->ignored_count += set->rule_count - kept;
    set->rule_count = kept;
}

static void drop_ignored_icons(struct ov_ruleset *set, size_t from) {
    size_t kept = from;
    for (size_t i = from; i < set->icon_count; i++) {
        if (!ov_ignore_has(&set->state->ignore, set->icons[i].name, set->icons[i].source)) {
            set->icons[kept++] = set->icons[i];
        }
    }
    set->ignored_count += set->icon_count - kept;
    set->icon_count = kept;
}

// A rule that nobody wants need not be readable. Its line is found by name alone, so a list entry
// with a digest does not silence a problem.
static void drop_ignored_problems(struct ov_ruleset *set, size_t from) {
    size_t kept = from;
    for (size_t i = from; i < set->problem_count; i++) {
        struct ov_span name = ov_rule_name_cut(set->problems[i].name);
        if (name.size == 0 || !ov_ignore_has(&set->state->ignore, name, (struct ov_span){0})) {
            set->problems[kept++] = set->problems[i];
        }
    }
    set->ignored_count += set->problem_count - kept;
    set->problem_count = kept;
}

void ov_ruleset_apply_ignores(struct ov_ruleset *set) {
    struct ov_ruleset_state *state = set->state;
    if (state->ignore.count > 0) {
        bool is_new_list = state->ignore.has_grown;
        drop_ignored_hashes(set, is_new_list ? 0 : state->hashes_checked);
        drop_ignored_rules(set, is_new_list ? 0 : state->rules_checked);
        drop_ignored_icons(set, is_new_list ? 0 : state->icons_checked);
        drop_ignored_problems(set, is_new_list ? 0 : state->problems_checked);
        state->ignore.has_grown = false;
    }
    state->hashes_checked = set->hash_count;
    state->rules_checked = set->rule_count;
    state->icons_checked = set->icon_count;
    state->problems_checked = set->problem_count;
}
