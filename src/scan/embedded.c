// SPDX-License-Identifier: Apache-2.0
// Objects inside objects that no container tells of: an archive behind a program or a picture.
//
// As clamscan does while it matches an object's own bytes. All marks are looked for in one pass;
// what stands at one is checked by its format before it is an object. It is not searched again: its
// bytes are part of those that were.
#include "scan/embedded.h"

#include "format/format.h"
#include "scan/identify.h"

enum {
    INNER_MAX = 10000,   // in one object
    INNER_OPEN_MAX = 10, // of one type, with no end of their own: each is the rest of the object
    ROOM_FIRST = 16,
};

struct row {
    enum ov_filetype type;
    const struct ov_embedded *embedded;
};

struct table {
    struct ov_marks marks;
    struct row rows[OV_MARKS_MAX]; // by number of the mark
    struct row fixed[OV_MARKS_MAX];
    uint32_t fixed_count;
};

static void add_row(struct table *table, enum ov_filetype type,
                    const struct ov_embedded *embedded) {
    struct row row = {.type = type, .embedded = embedded};
    const struct ov_magic *mark = &embedded->mark;
    if (mark->offset != OV_MAGIC_ANYWHERE && table->fixed_count < OV_MARKS_MAX) {
        table->fixed[table->fixed_count++] = row;
        return;
    }
    uint32_t number = table->marks.count;
    if (!ov_marks_add(&table->marks, ov_span_make(mark->bytes, mark->size))) {
        __builtin_trap(); // raise OV_MARKS_MAX; no test gets past this
    }
    table->rows[number] = row;
}

// Made at the first call; of constants, so that it is always the same.
static const struct table *get_table(void) {
    static struct table table;
    static bool is_made;
    for (uint32_t s = 0; !is_made && s < ov_format_set_count; s++) {
        for (uint32_t i = 0; i < ov_format_sets[s]->count; i++) {
            const struct ov_format *format = &ov_format_sets[s]->formats[i];
            for (uint32_t k = 0; k < format->embedded_count; k++) {
                add_row(&table, format->type, &format->embedded[k]);
            }
        }
    }
    if (!is_made) {
        ov_marks_finish(&table.marks);
    }
    is_made = true;
    return &table;
}

// ---- what may hold what ------------------------------------------------------------------------

// Archives whose members are told anyway, or whose bytes look like parts of other archives.
static bool is_searched(enum ov_filetype type) {
    switch (type) {
    case OV_FILETYPE_CPIO_OLD:
    case OV_FILETYPE_GZ:
    case OV_FILETYPE_OLD_TAR:
    case OV_FILETYPE_OOXML_HWP:
    case OV_FILETYPE_OOXML_PPT:
    case OV_FILETYPE_OOXML_WORD:
    case OV_FILETYPE_OOXML_XL:
    case OV_FILETYPE_POSIX_TAR:
    case OV_FILETYPE_TNEF:
    case OV_FILETYPE_ZIP:
        return false;
    default:
        return true;
    }
}

static bool is_untyped(enum ov_filetype type) {
    return type == OV_FILETYPE_BINARY_DATA || ov_filetype_is_text(type);
}

static bool may_hold(enum ov_filetype object, const struct row *row) {
    switch (row->embedded->host) {
    case OV_HOST_EXE:
        return object == OV_FILETYPE_MSEXE;
    case OV_HOST_EXE_OR_OLE2:
        return object == OV_FILETYPE_MSEXE || object == OV_FILETYPE_MSOLE2;
    case OV_HOST_UNTYPED:
        return is_untyped(object);
    default:
        return object != row->type;
    }
}

// ---- one object --------------------------------------------------------------------------------

static void note_whole(struct ov_embedded_search *search, enum ov_filetype type) {
    bool is_late;
    bool is_known = false;
    for (uint32_t i = 0; i < search->also_count; i++) {
        is_known = is_known || search->also[i] == type;
    }
    if (!is_known && search->also_count < OV_EMBEDDED_ALSO_MAX &&
        ov_walker_of(type, &is_late) != NULL) {
        search->also[search->also_count++] = type;
    }
}

static bool make_room(struct ov_embedded_search *search) {
    if (search->count < search->room) {
        return true;
    }
    uint32_t room = search->room == 0 ? ROOM_FIRST : search->room * 2;
    struct ov_embedded_find *found = ov_arena_array(search->subject->arena, room, sizeof *found);
    for (uint32_t i = 0; found != NULL && i < search->count; i++) {
        found[i] = search->found[i];
    }
    search->status = found != NULL ? OV_OK : OV_MEMORY;
    search->found = found != NULL ? found : search->found;
    search->room = found != NULL ? room : search->room;
    return found != NULL;
}

static void note_inner(struct ov_embedded_search *search, const struct row *row, enum ov_inner kind,
                       struct ov_span inner) {
    if (kind == OV_INNER_OPEN && search->open_counts[row->type]++ >= INNER_OPEN_MAX) {
        return;
    }
    if (search->count >= INNER_MAX || !make_room(search)) {
        return;
    }
    size_t at = (size_t)(inner.data - search->subject->bytes.data);
    if (kind == OV_INNER_CLOSED && row->embedded->is_repeated) {
        search->ends[row->type] = at + inner.size;
    }
    search->found[search->count++] =
        (struct ov_embedded_find){.type = row->type, .at = at, .bytes = inner.size};
}

static void see_mark(struct ov_embedded_search *search, const struct row *row, size_t at) {
    struct ov_span object = search->subject->bytes, inner = ov_span_make(NULL, 0);
    if (at < search->ends[row->type] || !may_hold(search->subject->type, row)) {
        return;
    }
    enum ov_inner kind = row->embedded->find(object, at, &inner);
    if (kind == OV_INNER_NONE || inner.size == 0) {
        return;
    }
    if (inner.size == object.size) {
        note_whole(search, row->type);
        return;
    }
    note_inner(search, row, kind, inner);
}

static void take_mark(void *arg, uint32_t mark, size_t at) {
    see_mark(arg, &get_table()->rows[mark], at);
}

static void look_at_fixed(struct ov_embedded_search *search) {
    const struct table *table = get_table();
    struct ov_span object = search->subject->bytes;
    for (uint32_t i = 0; i < table->fixed_count; i++) {
        const struct row *row = &table->fixed[i];
        const struct ov_magic *mark = &row->embedded->mark;
        struct ov_span there = ov_span_part(object, mark->offset, mark->size);
        if (ov_span_is_equal(there, ov_span_make(mark->bytes, mark->size))) {
            see_mark(search, row, mark->offset);
        }
    }
}

const struct ov_mark_search *ov_embedded_start(struct ov_embedded_search *ret_search,
                                               struct ov_subject *subject) {
    struct ov_mark_search marks = {
        .marks = &get_table()->marks, .sink = take_mark, .sink_arg = ret_search};
    *ret_search = (struct ov_embedded_search){.marks = marks, .subject = subject};
    return !subject->is_embedded && is_searched(subject->type) ? &ret_search->marks : NULL;
}

bool ov_embedded_has_found(const struct ov_embedded_search *search) {
    return search->count > 0 || search->also_count > 0;
}

enum ov_status ov_embedded_scan(struct ov_embedded_search *search) {
    struct ov_subject *subject = search->subject;
    if (!subject->is_embedded && is_searched(subject->type)) {
        look_at_fixed(search);
    }
    for (uint32_t i = 0; i < search->also_count; i++) {
        TRY(ov_subject_walk_as(subject, search->also[i]));
    }
    for (uint32_t i = 0; i < search->count; i++) {
        const struct ov_embedded_find *found = &search->found[i];
        struct ov_span bytes = ov_span_part(subject->bytes, found->at, found->bytes);
        struct ov_child child = {.kind = OV_CHILD_MEMBER,
                                 .bytes = bytes,
                                 .type = found->type,
                                 .packed_bytes = bytes.size,
                                 .plain_bytes = bytes.size};
        TRY(ov_subject_scan_member(subject, &child, true));
    }
    return search->status;
}
