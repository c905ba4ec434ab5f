// SPDX-License-Identifier: Apache-2.0
// One object: its parts, each an object of its own, and then its own bytes; or the other way round.
#include "base/fd.h"
#include "format/format.h"
#include "scan/embedded.h"
#include "format/text.h"
#include "scan/identify.h"
#include "scan/retype.h"
#include "scan/scanner_state.h"

enum {
    ARENA_BYTES = 64 << 20, // what a walker may take for one object
    FEW_OBJECTS = 16,       // more, and most of the image is touched somewhere
    PREFETCH_BYTES = 4096,  // of one target type: less touches few pages of its filter
};

ov_walker *ov_walker_of(enum ov_filetype type, bool *ret_is_late) {
    static const struct ov_format *by_type[OV_FILETYPE_COUNT];
    static bool is_made; // of constants: always the same
    for (uint32_t s = 0; !is_made && s < ov_format_set_count; s++) {
        for (uint32_t i = 0; i < ov_format_sets[s]->count; i++) {
            const struct ov_format *format = &ov_format_sets[s]->formats[i];
            by_type[format->type] = format->walk != NULL ? format : by_type[format->type];
        }
    }
    is_made = true;
    *ret_is_late = by_type[type] != NULL && by_type[type]->is_late;
    return by_type[type] != NULL ? by_type[type]->walk : NULL;
}

// ---- own bytes ---------------------------------------------------------------------------------

// An image that is not in memory yet is read page by page as it is touched: enough for a tiny
// file, and far too slow for more. So the filter of a target type is read ahead once it pays.
static void read_ahead(struct ov_scanner *scanner, uint32_t target, size_t bytes) {
    if (++scanner->object_count == FEW_OBJECTS) {
        ov_mapped_expect_much(scanner->image.bytes);
    }
    uint64_t before = scanner->target_bytes[target];
    scanner->target_bytes[target] += bytes;
    if (before < PREFETCH_BYTES && before + bytes >= PREFETCH_BYTES) {
        ov_image_prefetch_filter(&scanner->image, target);
    }
}

// The types of what the object lies in, the innermost first. Returns how many.
static uint32_t list_containers(const struct ov_subject *subject,
                                uint16_t ret_types[OV_MEMBER_DEPTH]) {
    uint32_t count = 0;
    for (const struct ov_subject *at = subject->container; at != NULL; at = at->container) {
        if (count < OV_MEMBER_DEPTH) {
            ret_types[count++] = (uint16_t)at->type;
        }
    }
    return count;
}

// Rules are written for HTML in its views, and tried out on these alone, as clamscan does not match
// pages as they stand. What is too large for views is matched, so that it is looked at at all.
static bool is_matched_in_views(const struct ov_subject *subject) {
    return subject->type == OV_FILETYPE_HTML && subject->view_count > 0;
}

// As what the bytes are matched: the object's own, another form of them, or once more because a
// look at all of them told another type.
enum pass { PASS_OWN, PASS_VIEW, PASS_RETYPED };

// Text as it stands is matched with the rules for any target alone: those for text are written for
// its view. Where the view is the same, or there is none, one look does for both.
static uint32_t choose_target(const struct ov_subject *subject, enum pass pass) {
    bool is_ascii = subject->type == OV_FILETYPE_TEXT_ASCII;
    bool has_view = pass == PASS_OWN && ov_filetype_is_text(subject->type) &&
                    subject->bytes.size <= OV_TEXT_VIEW_BYTES_MAX &&
                    !(is_ascii && ov_text_is_normal(subject->bytes));
    return has_view ? 0 : subject->target;
}

static enum ov_status match_rules(struct ov_subject *subject, enum pass pass,
                                  const struct ov_mark_search *marks) {
    struct ov_scanner *scanner = subject->scanner;
    uint16_t containers[OV_MEMBER_DEPTH];
    uint32_t container_count = list_containers(subject, containers);
    uint32_t target = choose_target(subject, pass);
    struct ov_object object = {
        .bytes = subject->bytes,
        .target = target,
        .container_count = container_count,
        .containers = containers,
        // Text in lower case is no layer of its own for clamscan; the forms of HTML are.
        .layer_count = container_count + (pass == PASS_VIEW && !ov_filetype_is_text(subject->type)),
        .anchors = ov_subject_anchors(subject),
        .budget = &scanner->budget,
        .marks = marks,
    };
    const struct ov_match *matches = NULL;
    size_t count = 0;
    scanner->finds.count = 0;
    if (pass == PASS_OWN && is_matched_in_views(subject)) {
        if (marks != NULL) {
            ov_matcher_look(scanner->matcher, &object);
        }
        return OV_OK;
    }
    bool is_late_mail = subject->type == OV_FILETYPE_MAIL && !subject->is_retyped;
    scanner->finds.has_late =
        pass == PASS_OWN && (subject->type == OV_FILETYPE_TEXT_ASCII || is_late_mail ||
                             subject->type == OV_FILETYPE_BINARY_DATA);
    read_ahead(scanner, target, subject->bytes.size);
    enum ov_status status = ov_matcher_run(scanner->matcher, &object, &matches, &count);
    for (size_t i = 0; i < count; i++) {
        const struct ov_image_rule *rule = ov_matcher_rule(scanner->matcher, matches[i].rule);
        ov_finds_add_match(&scanner->finds, rule, &matches[i],
                           scanner->image.header->window_overlap);
    }
    return status;
}

bool ov_scanner_is_final(const struct ov_scanner *scanner) {
    return scanner->verdict->has_strong && !scanner->options.is_all_matches;
}

void ov_subject_report(struct ov_subject *subject) {
    struct ov_scanner *scanner = subject->scanner;
    if (scanner->finds.count == 0 || ov_subject_is_allowed(subject)) {
        return;
    }
    struct ov_detection place = {.depth = subject->depth};
    for (const struct ov_subject *at = subject; at->container != NULL; at = at->container) {
        place.members[at->depth - 1] = at->number;
        if (place.name_bytes == 0 && at->name.size > 0) {
            struct ov_span name = ov_span_part(at->name, 0, sizeof place.name);
            memcpy(place.name, name.data, name.size);
            place.name_bytes = (uint8_t)name.size;
        }
    }
    ov_finds_report(&scanner->finds, scanner->options.is_all_matches, &place, scanner->verdict);
}

static enum ov_status scan_bytes(struct ov_subject *subject, const struct ov_digest_job *digests,
                                 const struct ov_mark_search *marks) {
    struct ov_scanner *scanner = subject->scanner;
    struct ov_digest_job own = {.bytes = subject->bytes};
    enum ov_status matched = match_rules(subject, PASS_OWN, marks);
    if (digests == NULL && scanner->has_objects) {
        own.kinds = ov_hashset_kinds_wanted(&scanner->objects, subject->bytes.size);
        ov_digest_many(&own, own.kinds != 0);
    }
    ov_subject_look_up(subject, digests != NULL ? digests : &own);
    enum ov_status hashed = ov_subject_hash_parts(subject);
    enum ov_status told = ov_subject_tell(subject, subject);
    if (told == OV_END || matched != OV_OK) {
        return told == OV_END ? OV_END : matched;
    }
    return hashed != OV_OK ? hashed : told;
}

// ---- parts -------------------------------------------------------------------------------------

// A view is matched and no more: it has no hash that a rule could know, and is no layer.
static enum ov_status scan_view(struct ov_subject *subject, const struct ov_child *child) {
    struct ov_subject view = *subject;
    subject->view_count++;
    view.bytes = child->bytes;
    view.type = child->type;
    view.target = ov_filetype_target(child->type);
    view.is_exe = false;
    view.exe = (struct ov_exe){0};
    enum ov_status status = match_rules(&view, PASS_VIEW, NULL);
    ov_subject_report(subject);
    return ov_scanner_is_final(subject->scanner) ? OV_END : status;
}

// Whether a part is the whole of something that contains it: a text that reads as a mail whose part
// is that text, or an archive made to contain itself. To look again would tell nothing new, and
// again, until a limit ends it.
static bool is_seen_already(const struct ov_subject *container, const struct ov_child *child) {
    for (; container != NULL; container = container->container) {
        bool is_same_type = child->type == OV_FILETYPE_NONE || child->type == container->type;
        if (is_same_type && ov_span_is_equal(container->bytes, child->bytes)) {
            return true;
        }
    }
    return false;
}

enum ov_status ov_subject_scan_part(struct ov_subject *member, enum ov_filetype type) {
    struct ov_budget *budget = &member->scanner->budget;
    if (!ov_budget_take_object(budget, member->bytes.size, member->depth)) {
        // Others may still fit, unless there have been too many.
        return budget->hit == OV_LIMIT_FILES ? OV_LIMIT : OV_OK;
    }
    struct ov_arena arena;
    ov_arena_init(&arena, ARENA_BYTES);
    member->arena = &arena;
    enum ov_status status = ov_subject_open(member, type);
    status = status == OV_OK ? ov_subject_scan(member, NULL) : status;
    ov_arena_release(&arena);
    return status;
}

enum ov_status ov_subject_scan_member(struct ov_subject *container, const struct ov_child *child,
                                      bool is_embedded) {
    struct ov_scanner *scanner = container->scanner;
    uint32_t number = ++container->member_count;
    TRY(ov_subject_match_member(container, child));
    if (ov_scanner_is_final(scanner)) {
        return OV_END;
    }
    if (child->bytes.size == 0 || is_seen_already(container, child)) {
        return OV_OK;
    }
    struct ov_subject member = {.scanner = scanner,
                                .bytes = child->bytes,
                                .container = container,
                                .depth = container->depth + 1,
                                .number = number,
                                .is_embedded = is_embedded,
                                .name = child->name};
    return ov_subject_scan_part(&member, child->type);
}

static enum ov_status take_child(void *arg, const struct ov_child *child) {
    const struct ov_subject *subject = arg;
    if (ov_scanner_is_final(subject->scanner)) { // by a fact
        return OV_END;
    }
    return child->kind == OV_CHILD_VIEW ? scan_view(arg, child)
                                        : ov_subject_scan_member(arg, child, false);
}

static void take_fact(void *arg, enum ov_fact fact) {
    struct ov_subject *subject = arg;
    uint32_t bit = 1u << fact;
    if ((subject->facts & bit) == 0) {
        subject->facts |= bit;
        ov_subject_alert_fact(subject, fact);
    }
}

static void take_alert(void *arg, enum ov_heuristic heuristic) {
    struct ov_subject *subject = arg;
    uint32_t number = (uint32_t)heuristic;
    uint64_t bit = (uint64_t)1 << number % 64;
    if (number < OV_HEURISTIC_COUNT && (subject->alerts[number / 64] & bit) == 0) {
        subject->alerts[number / 64] |= bit;
        ov_subject_alert(subject, heuristic);
    }
}

static enum ov_status take_link(void *arg, const struct ov_link *link) {
    return ov_subject_judge_link(arg, link);
}

// Walks the object. That its structure is damaged or unknown is no failure of ours: its bytes are
// matched all the same.
enum ov_status ov_subject_walk(struct ov_subject *subject, ov_walker *walker,
                               enum ov_filetype type) {
    struct ov_sink sink = {
        .arg = subject, .child = take_child, .fact = take_fact, .alert = take_alert};
    sink.link = ov_scanner_wants_links(subject->scanner) ? take_link : NULL;
    struct ov_walk walk = {.sink = &sink,
                           .arena = subject->arena,
                           .budget = &subject->scanner->budget,
                           .type = type,
                           .name = subject->name};
    struct ov_cursor in = ov_cursor_init(subject->bytes);
    if (subject->walked_count < OV_SUBJECT_WALKED_MAX) {
        subject->walked[subject->walked_count++] = walker;
    }
    enum ov_status status = walker(&in, &walk);
    if (status == OV_DAMAGED) {
        take_fact(subject, OV_FACT_BROKEN);
    }
    return status == OV_DAMAGED || status == OV_UNSUPPORTED ? OV_OK : status;
}

static bool is_mail(enum ov_filetype type) {
    return type == OV_FILETYPE_MAIL || type == OV_FILETYPE_MHTML;
}

enum ov_status ov_subject_walk_as(struct ov_subject *subject, enum ov_filetype type) {
    bool is_late;
    if (is_mail(type) && subject->container != NULL && is_mail(subject->container->type)) {
        return OV_OK; // the mail around it was searched for mails in its texts
    }
    ov_walker *walk = ov_walker_of(type, &is_late);
    for (uint32_t i = 0; i < subject->walked_count; i++) {
        if (subject->walked[i] == walk) {
            return OV_OK;
        }
    }
    enum ov_filetype own = subject->type;
    subject->type = type;
    enum ov_status status = ov_subject_walk(subject, walk, type);
    subject->type = own;
    return status;
}

// The object's bytes once more, for the rules of the type that it turned out to be.
static enum ov_status match_as(struct ov_subject *subject, enum ov_filetype type) {
    struct ov_subject other = *subject;
    other.type = type;
    other.target = ov_filetype_target(type);
    enum ov_status status = match_rules(&other, PASS_RETYPED, NULL);
    enum ov_status told = ov_subject_tell(subject, &other);
    return status == OV_OK || told == OV_END ? told : status;
}

// What a look at the whole object says of its type, then the walk of its own type, which is late.
// Text that is HTML has the views of HTML, and that of text only if it is something else besides.
static enum ov_status walk_late(struct ov_subject *subject, ov_walker *walk,
                                const struct ov_embedded_search *search) {
    enum ov_filetype type = ov_retype(subject, search);
    if (type != OV_FILETYPE_NONE) {
        TRY(ov_subject_walk_as(subject, type));
    }
    if (walk != NULL && (type != OV_FILETYPE_HTML || ov_embedded_has_found(search))) {
        TRY(ov_subject_walk(subject, walk, subject->type));
    }
    return type == OV_FILETYPE_MAIL ? match_as(subject, type) : OV_OK;
}

// Walks the object as what it is beside its type: most objects are nothing. Once before its own
// bytes are matched, and once, for formats that are late, after.
static enum ov_status walk_beside(struct ov_subject *subject, bool is_late) {
    const struct ov_format *format = NULL;
    while ((format = ov_identify_beside(subject->bytes, format)) != NULL) {
        if (format->type != subject->type && format->is_late == is_late) {
            TRY(ov_subject_walk(subject, format->walk, format->type));
        }
    }
    return OV_OK;
}

// Of programs that were unpacked or found in others, and what lies in them, nobody can tell whether
// they were broken: headers are made up, and ends are guessed.
static bool is_alerted_broken(const struct ov_subject *subject) {
    for (const struct ov_subject *at = subject; at->container != NULL; at = at->container) {
        bool is_from_program = at->is_embedded || at->container->type == OV_FILETYPE_MSEXE;
        if (at->type == OV_FILETYPE_MSEXE && is_from_program) {
            return false;
        }
    }
    return subject->type != OV_FILETYPE_MACHO_UNIBIN;
}

enum ov_status ov_subject_scan(struct ov_subject *subject, const struct ov_digest_job *digests) {
    bool is_late, is_trusted;
    TRY(ov_subject_check_signature(subject, &is_trusted));
    if (is_trusted) {
        return OV_OK;
    }
    ov_walker *walk = ov_walker_of(subject->type, &is_late);
    enum ov_status walked = OV_OK;
    if (walk != NULL && !is_late) {
        walked = ov_subject_walk(subject, walk, subject->type);
    }
    walked = walked == OV_OK ? walk_beside(subject, false) : walked;
    if (walked == OV_END) {
        return OV_END;
    }
    struct ov_embedded_search search;
    const struct ov_mark_search *marks = ov_embedded_start(&search, subject);
    enum ov_status status = scan_bytes(subject, digests, marks);
    if (status == OV_OK && subject->exe.is_broken && is_alerted_broken(subject)) {
        ov_subject_alert(subject, OV_HEURISTIC_BROKEN_EXECUTABLE);
        status = ov_scanner_is_final(subject->scanner) ? OV_END : OV_OK;
    }
    status = status == OV_OK ? ov_embedded_scan(&search) : status;
    status = status == OV_OK ? walk_beside(subject, true) : status;
    if (status == OV_OK) {
        walked = walk_late(subject, is_late ? walk : NULL, &search);
    }
    return status != OV_OK ? status : walked;
}
