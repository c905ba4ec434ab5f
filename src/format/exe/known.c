// SPDX-License-Identifier: Apache-2.0
// Which parts of programs are worth a look of their own, by the magics and marks of all formats.
#include "format/format.h"
#include "format/exe/pe_parts.h"

enum {
    ROWS_MAX = 256,
    HEADS = 257,
    MAGIC_MIN = 3,           // shorter ones stand anywhere by chance
    MARK_WITHIN = 64 * 1024, // of the start of a part: the mark of what begins there
    MARKS_MAX = 16,          // of one kind that are tried
};

// One magic of a format that is looked into, and the next of those that begin alike.
struct row {
    const struct ov_format *format;
    const struct ov_magic *magic;
    uint16_t next;
};

// Most parts begin as nothing does: a byte tells.
struct table {
    struct row rows[ROWS_MAX]; // from number 1 on
    uint16_t count;
    uint16_t first[HEADS]; // by the first byte; the last: magics that stand further on
};

// A type may be declared by one word, and its walker by another.
static bool is_looked_into(enum ov_filetype type) {
    for (uint32_t s = 0; s < ov_format_set_count; s++) {
        for (uint32_t i = 0; i < ov_format_sets[s]->count; i++) {
            const struct ov_format *format = &ov_format_sets[s]->formats[i];
            if (format->type == type && (format->walk != NULL || format->read != NULL)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_strong(enum ov_filetype type, const struct ov_magic *magic) {
    bool is_enough = magic->size >= MAGIC_MIN || type == OV_FILETYPE_GZ ||
                     type == OV_FILETYPE_COMPRESS || type == OV_FILETYPE_MSEXE;
    return is_enough && magic->offset != OV_MAGIC_ANYWHERE;
}

static void add_format(struct table *table, const struct ov_format *format) {
    for (uint32_t i = format->magic_count; i > 0; i--) {
        const struct ov_magic *magic = &format->magics[i - 1];
        if (!is_strong(format->type, magic)) {
            continue;
        }
        if (++table->count == ROWS_MAX) {
            __builtin_trap(); // raise ROWS_MAX; no test gets past this
        }
        uint16_t *head = &table->first[magic->offset == 0 ? magic->bytes[0] : HEADS - 1];
        table->rows[table->count] = (struct row){.format = format, .magic = magic, .next = *head};
        *head = table->count;
    }
}

// Made at the first call; of constants, so that it is always the same. Backwards, as each is put in
// front of the others.
static const struct table *get_table(void) {
    static struct table table;
    static bool is_made;
    for (uint32_t s = ov_format_set_count; !is_made && s > 0; s--) {
        for (uint32_t i = ov_format_sets[s - 1]->count; i > 0; i--) {
            const struct ov_format *format = &ov_format_sets[s - 1]->formats[i - 1];
            if (format->magic_count > 0 && is_looked_into(format->type)) {
                add_format(&table, format);
            }
        }
    }
    is_made = true;
    return &table;
}

static bool is_of(struct ov_span part, const struct row *row) {
    const struct ov_format *format = row->format;
    struct ov_span there = ov_span_part(part, row->magic->offset, row->magic->size);
    if (!ov_span_is_equal(there, ov_span_make(row->magic->bytes, row->magic->size))) {
        return false;
    }
    struct ov_span first = ov_span_part(part, 0, OV_MAGIC_WINDOW_BYTES);
    return format->is_sure == NULL || format->is_sure(format->is_beside ? part : first);
}

static const struct ov_format *find_format(struct ov_span part) {
    const struct table *table = get_table();
    const uint16_t heads[] = {table->first[part.data[0]], table->first[HEADS - 1]};
    for (size_t k = 0; k < OV_COUNT(heads); k++) {
        for (uint16_t i = heads[k]; i != 0; i = table->rows[i].next) {
            if (is_of(part, &table->rows[i])) {
                return table->rows[i].format;
            }
        }
    }
    return NULL;
}

// Whether one mark leads the search to what begins where the part does.
static bool leads_to(const struct ov_embedded *embedded, struct ov_span file, struct ov_span part) {
    struct ov_span mark = ov_span_make(embedded->mark.bytes, embedded->mark.size);
    struct ov_span near = ov_span_part(part, 0, MARK_WITHIN);
    if (embedded->host == OV_HOST_UNTYPED || embedded->mark.offset != OV_MAGIC_ANYWHERE) {
        return false; // it does not look for these in programs, or not here
    }
    size_t at = ov_span_search(near, 0, mark);
    for (unsigned i = 0; i < MARKS_MAX && at < near.size; i++) {
        struct ov_span inner = {0};
        size_t mark_at = (size_t)(near.data - file.data) + at;
        if (embedded->find(file, mark_at, &inner) != OV_INNER_NONE && inner.data == part.data) {
            return true;
        }
        at = ov_span_search(near, at + 1, mark);
    }
    return false;
}

static bool is_found_by_mark(struct ov_span file, struct ov_span part, enum ov_filetype type) {
    for (uint32_t s = 0; s < ov_format_set_count; s++) {
        for (uint32_t i = 0; i < ov_format_sets[s]->count; i++) {
            const struct ov_format *format = &ov_format_sets[s]->formats[i];
            for (uint32_t k = 0; format->type == type && k < format->embedded_count; k++) {
                if (leads_to(&format->embedded[k], file, part)) {
                    return true;
                }
            }
        }
    }
    return false;
}

bool ov_known_is_worth(struct ov_span file, struct ov_span part) {
    const struct ov_format *format = part.size > 0 ? find_format(part) : NULL;
    return format != NULL && !is_found_by_mark(file, part, format->type);
}
