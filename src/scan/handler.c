// SPDX-License-Identifier: Apache-2.0
// Rules with a handler (HandlerType): what they match is scanned once more, as another type.
//
// In that second look they are rules like all others, and so are those that match behind the first:
// clamscan 1.4 tells them apart by the digest of what it scanned again last.
#include "scan/scanner_state.h"

// What is told after the second look.
struct rest {
    uint32_t count;
    struct ov_find *items;
};

// The number of the first find whose rule has a handler, or how many finds there are.
static uint32_t find_handled(const struct ov_subject *seen) {
    const struct ov_finds *finds = &seen->scanner->finds;
    uint32_t at = 0;
    while (at < finds->count &&
           ov_matcher_handler(seen->scanner->matcher, finds->items[at].rule) == OV_FILETYPE_NONE) {
        at++;
    }
    return at;
}

// Unknown data and mail are looked at a second time, with the rules of their own target and again
// with those for any: by then the rule has been handled, and tells.
static bool has_second_pass(const struct ov_subject *seen) {
    return seen->type == OV_FILETYPE_BINARY_DATA || seen->type == OV_FILETYPE_MAIL;
}

// Cuts the finds before the first rule that has a handler, and keeps those behind it. None when
// there is no such rule, or when its type would be no news.
static enum ov_filetype cut_finds(struct ov_subject *seen, struct rest *ret_rest) {
    struct ov_finds *finds = &seen->scanner->finds;
    ov_finds_sort(finds);
    uint32_t at = find_handled(seen);
    if (at == finds->count) {
        return OV_FILETYPE_NONE;
    }
    uint16_t handler = ov_matcher_handler(seen->scanner->matcher, finds->items[at].rule);
    struct ov_find *items = ov_arena_array(seen->arena, finds->count - at, sizeof *items);
    if (handler == OV_FILETYPE_ANY || handler == seen->type || handler >= OV_FILETYPE_COUNT ||
        items == NULL) {
        return OV_FILETYPE_NONE; // the rule is told like all others
    }
    *ret_rest = (struct rest){.count = finds->count - at - 1, .items = items};
    memcpy(items, &finds->items[at + 1], ret_rest->count * sizeof *items);
    if (has_second_pass(seen)) {
        items[ret_rest->count] = finds->items[at];
        items[ret_rest->count++].order[0] = OV_FIND_LATE_LOGICAL;
    }
    finds->count = at;
    return (enum ov_filetype)handler;
}

static enum ov_status scan_again(struct ov_subject *seen, enum ov_filetype type) {
    struct ov_subject again = {.scanner = seen->scanner,
                               .bytes = seen->bytes,
                               .container = seen,
                               .depth = seen->depth + 1,
                               .number = ++seen->member_count,
                               .is_embedded = seen->is_embedded,
                               .is_retyped = true,
                               .name = seen->name};
    return ov_subject_scan_part(&again, type);
}

enum ov_status ov_subject_tell(struct ov_subject *subject, struct ov_subject *seen) {
    struct ov_scanner *scanner = subject->scanner;
    struct rest rest;
    enum ov_filetype handler = OV_FILETYPE_NONE;
    if (!subject->is_retyped) {
        handler = cut_finds(seen, &rest);
    }
    ov_subject_report(subject);
    if (ov_scanner_is_final(scanner)) {
        return OV_END;
    }
    if (handler == OV_FILETYPE_NONE) {
        return OV_OK;
    }
    enum ov_status status = scan_again(seen, handler);
    subject->member_count = seen->member_count;
    if (status != OV_END) {
        memcpy(scanner->finds.items, rest.items, rest.count * sizeof *rest.items);
        scanner->finds.count = rest.count;
        ov_subject_report(subject);
    }
    return ov_scanner_is_final(scanner) ? OV_END : status;
}
