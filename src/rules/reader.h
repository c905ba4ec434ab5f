// SPDX-License-Identifier: Apache-2.0
//
// What the readers of rule languages share: lines, growing the set, problems, ignored names.
//
// Private to this room. Everything that is added belongs to the set. No function here opens files.
#pragma once

#include "rules/ignore.h"
#include "rules/tree.h"

enum {
    OV_RULE_LEVEL = 216, // functionality level that we claim: ClamAV 1.4.6
};

// ---- lines ----------------------------------------------------------------------------------

struct ov_lines {
    struct ov_span bytes;
    size_t at;
    uint32_t number; // of the last line given, from 1
};

// The next line that is neither blank nor a comment, without its line end; false at the end.
static inline bool ov_lines_next(struct ov_lines *lines, struct ov_span *ret_line) {
    while (lines->at < lines->bytes.size) {
        const uint8_t *start = lines->bytes.data + lines->at;
        size_t left = lines->bytes.size - lines->at;
        const uint8_t *end = memchr(start, '\n', left);
        size_t size = end != NULL ? (size_t)(end - start) : left;
        lines->at += end != NULL ? size + 1 : size;
        lines->number++;
        while (size > 0 && start[size - 1] == '\r') {
            size--;
        }
        if (size > 0 && start[0] != '#') {
            *ret_line = ov_span_make(start, size);
            return true;
        }
    }
    return false;
}

// Splits `text` at `separator` into at most `room` fields and returns how many fields it really
// has, which may be more than `room`; the surplus is not stored.
size_t ov_fields_split(struct ov_span text, uint8_t separator, struct ov_span *ret_fields,
                       size_t room);

// A decimal number of digits alone, at most `max`.
bool ov_decimal_read(struct ov_span text, uint64_t max, uint64_t *ret_number);

// Digits as C's atoi reads them into an int on a 64-bit Linux, overflow included, because rules
// out there depend on it; false when the text has another character than digits. Empty gives 0.
bool ov_number_read_int(struct ov_span text, int *ret_number);

// The ending of the language of that number, or NULL beyond the last one.
const char *ov_rule_language_ending(size_t index);

// ---- the set --------------------------------------------------------------------------------

struct ov_held_memory;

struct ov_ruleset_state {
    struct ov_ruleset_options options;
    struct ov_held_memory *held; // unpacked containers
    struct ov_ignore ignore;
    size_t file_room, rule_room, hash_room, magic_room, icon_room, listed_room, link_room,
        problem_room;
    size_t heap_bytes; // in the arrays above and in unpacked containers
    size_t rules_checked, hashes_checked, icons_checked,
        problems_checked; // the ignore list was applied up to here
};

// Registers a source; its index goes to *ret_file. `path` is copied.
enum ov_status ov_ruleset_add_file(struct ov_ruleset *set, const char *path, struct ov_span bytes,
                                   bool is_official, uint32_t *ret_file);

// A fresh zeroed row at the end; it counts at once. OV_MEMORY or OV_LIMIT.
enum ov_status ov_ruleset_add_rule(struct ov_ruleset *set, struct ov_rule **ret_rule);
enum ov_status ov_ruleset_add_hash(struct ov_ruleset *set, struct ov_hash_rule **ret_hash);

// Adds a magic; its bytes belong to the set.
enum ov_status ov_ruleset_add_magic(struct ov_ruleset *set, const struct ov_type_magic *magic);

// Adds an icon; its texts live as long as the set.
enum ov_status ov_ruleset_add_icon(struct ov_ruleset *set, const struct ov_icon_rule *icon);

// Adds a file out of a catalog.
enum ov_status ov_ruleset_add_listed(struct ov_ruleset *set, const struct ov_listed_file *listed);

// Adds an entry for links; its texts live as long as the set.
enum ov_status ov_ruleset_add_link(struct ov_ruleset *set, const struct ov_link_rule *link);

// The index of the icon group of that name in that list, which is added to it if need be.
// OV_INVALID when the list is full.
enum ov_status ov_ruleset_add_icon_group(struct ov_ruleset *set, unsigned list, struct ov_span name,
                                         uint16_t *ret_group);

// The index likewise, or the number of groups when there is none of that name.
uint32_t ov_ruleset_find_icon_group(const struct ov_ruleset *set, unsigned list,
                                    struct ov_span name);

// Makes room for `count` more hash rows at once.
enum ov_status ov_ruleset_reserve_hashes(struct ov_ruleset *set, size_t count);

// Notes that a line could not be read, or (is_skip) that it is left out on purpose.
enum ov_status ov_ruleset_add_problem(struct ov_ruleset *set, struct ov_place place,
                                      struct ov_span name, bool is_skip, const char *reason);

// The same with the sentence put together as printf does.
enum ov_status ov_ruleset_add_problemf(struct ov_ruleset *set, struct ov_place place,
                                       struct ov_span name, bool is_skip, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

// The name of a rule as it is reported: without " (Clam)" and what follows.
struct ov_span ov_rule_name_cut(struct ov_span name);

// Whether the name says that the rule finds the potentially unwanted.
bool ov_rule_name_is_pua(struct ov_span name);

// Reads one source by the language that its path's ending names. Problems go to the set; a status
// other than OV_OK means that memory or the cap ran out, OV_UNSUPPORTED that no language has this
// ending.
enum ov_status ov_ruleset_read_file(struct ov_ruleset *set, uint32_t file);

// Why files of this name are known but not read, for instance because their language is not built
// yet; NULL when they are read, or are no rules.
const char *ov_ruleset_why_unread(const struct ov_ruleset *set, const char *name);

// Drops the rules that the ignore list names, among those that were added since the last call, or
// among all when the list has grown. ov_ruleset_load_bytes does it; so must whoever reads by hand.
void ov_ruleset_apply_ignores(struct ov_ruleset *set);

// Takes over a heap block of `size` bytes, which dies with the set and counts against the cap. On
// failure the caller still owns it.
enum ov_status ov_ruleset_hold_block(struct ov_ruleset *set, void *block, size_t size);

// Heap bytes that may still be taken under the set's cap.
size_t ov_ruleset_heap_left(const struct ov_ruleset *set);
