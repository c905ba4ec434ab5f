// SPDX-License-Identifier: Apache-2.0
// The table of a PDF's objects: where each one stands, and which one a number means.
//
// Readers find objects through cross-reference tables, and by their headers when those are broken.
// All headers are found here, wherever they stand, so that whatever a table points to is among
// them: older versions, objects that no table names, objects inside of comments, strings and
// streams.
#include "format/pdf/pdf.h"

enum {
    OBJECTS_MAX = 1 << 20,
    FIRST_ROOM = 64,
    REFERENCES_MAX = 8, // one leading to another
};

enum ov_status ov_pdf_work(struct ov_pdf *pdf, uint64_t bytes) {
    if (bytes > pdf->work_left) {
        pdf->work_left = 0;
        ov_budget_note(pdf->walk->budget, OV_LIMIT_SCAN_TIME);
        return OV_LIMIT;
    }
    pdf->work_left -= bytes;
    return OV_OK;
}

void ov_pdf_note_work(struct ov_pdf *pdf, uint64_t bytes) {
    (void)ov_pdf_work(pdf, bytes);
}

enum ov_status ov_pdf_go_on(struct ov_pdf *pdf) {
    return pdf->work_left > 0 ? ov_walk_has_time(pdf->walk) : OV_LIMIT;
}

enum ov_status ov_pdf_table_grow(struct ov_pdf *pdf, void **table, size_t item_bytes,
                                 uint32_t count, uint32_t *room) {
    if (count < *room) {
        return OV_OK;
    }
    if (count >= OBJECTS_MAX) {
        ov_budget_note(pdf->walk->budget, OV_LIMIT_FILES);
        return OV_LIMIT;
    }
    uint32_t more = *room == 0 ? FIRST_ROOM : *room * 2;
    void *items = ov_arena_array(pdf->walk->arena, more, item_bytes);
    if (items == NULL) {
        return OV_MEMORY;
    }
    if (count > 0) {
        memcpy(items, *table, count * item_bytes);
    }
    *table = items;
    *room = more;
    return OV_OK;
}

enum ov_status ov_pdf_object_add(struct ov_pdf *pdf, const struct ov_pdf_object *object) {
    void *table = pdf->objects;
    TRY(ov_pdf_table_grow(pdf, &table, sizeof *object, pdf->count, &pdf->room));
    pdf->objects = table;
    pdf->objects[pdf->count++] = *object;
    return OV_OK;
}

// ---- headers -----------------------------------------------------------------------------------

// Where the line that ends before `at` becomes a comment, or `at`.
static size_t skip_comment_back(struct ov_span file, size_t from, size_t at) {
    size_t start = at;
    while (start > from && file.data[start - 1] != '\n' && file.data[start - 1] != '\r') {
        start--;
    }
    struct ov_span line = ov_span_part(file, start, at - start);
    return start + ov_span_find(line, 0, '%');
}

// The end of the token before `at`: behind it are white space and comments alone.
static size_t skip_space_back(struct ov_span file, size_t from, size_t at) {
    bool is_line = false;
    while (at > from) {
        uint8_t byte = file.data[at - 1];
        if (ov_pdf_is_space(byte)) {
            is_line = is_line || byte == '\n' || byte == '\r';
            at--;
            continue;
        }
        size_t before = is_line ? skip_comment_back(file, from, at) : at;
        is_line = false;
        if (before == at) {
            break;
        }
        at = before;
    }
    return at;
}

// The number that ends at `*at`; false when there is none.
static bool read_number_back(struct ov_span file, size_t from, size_t *at, uint64_t *ret_value) {
    uint64_t value = 0, unit = 1;
    size_t end = *at;
    while (*at > from && end - *at < 10 && file.data[*at - 1] >= '0' && file.data[*at - 1] <= '9') {
        value += unit * (uint64_t)(file.data[*at - 1] - '0');
        unit *= 10;
        (*at)--;
    }
    *ret_value = value;
    return *at < end;
}

// Reads `N G` before the word `obj` at `at`, back to `from` at most.
static bool read_header(struct ov_span file, size_t from, size_t at,
                        struct ov_pdf_object *ret_object) {
    uint64_t number, generation;
    size_t place = skip_space_back(file, from, at);
    if (!read_number_back(file, from, &place, &generation)) {
        return false;
    }
    size_t gap = place;
    place = skip_space_back(file, from, place);
    if (place == gap || !read_number_back(file, from, &place, &number) || number > UINT32_MAX) {
        return false;
    }
    *ret_object = (struct ov_pdf_object){
        .at = at + 3, .number = (uint32_t)number, .generation = (uint16_t)generation};
    return true;
}

enum ov_status ov_pdf_objects_find(struct ov_pdf *pdf) {
    struct ov_span file = pdf->file;
    size_t from = 0; // nothing is looked at twice on the way back
    for (size_t j = ov_span_find(file, 0, 'j'); j < file.size; j = ov_span_find(file, j + 1, 'j')) {
        if (j < from + 2 || file.data[j - 2] != 'o' || file.data[j - 1] != 'b') {
            continue;
        }
        struct ov_pdf_object object;
        if (read_header(file, from, j - 2, &object)) {
            TRY(ov_walk_has_time(pdf->walk));
            TRY(ov_pdf_object_add(pdf, &object));
        }
        from = j + 1;
    }
    return OV_OK;
}

// ---- order -------------------------------------------------------------------------------------

// Of one number, those of this file come last, and of those the last one: that is the one that
// counts.
static bool is_before(const struct ov_pdf *pdf, uint32_t a, uint32_t b) {
    const struct ov_pdf_object *x = &pdf->objects[a], *y = &pdf->objects[b];
    if (x->number != y->number) {
        return x->number < y->number;
    }
    unsigned x_inner = x->flags & OV_PDF_IS_INNER, y_inner = y->flags & OV_PDF_IS_INNER;
    return x_inner != y_inner ? x_inner > y_inner : a < b;
}

static void merge(const struct ov_pdf *pdf, const uint32_t *from, uint32_t *to,
                  const size_t bounds[3]) {
    size_t a = bounds[0], b = bounds[1];
    for (size_t k = bounds[0]; k < bounds[2]; k++) {
        bool is_left = b >= bounds[2] || (a < bounds[1] && is_before(pdf, from[a], from[b]));
        to[k] = is_left ? from[a++] : from[b++];
    }
}

// Merging keeps its pace whatever the numbers are.
enum ov_status ov_pdf_objects_sort(struct ov_pdf *pdf) {
    size_t count = pdf->count;
    uint32_t *from = ov_arena_array(pdf->walk->arena, count, sizeof *from);
    uint32_t *to = ov_arena_array(pdf->walk->arena, count, sizeof *to);
    if (from == NULL || to == NULL) {
        return count == 0 ? OV_OK : OV_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        from[i] = i;
    }
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t at = 0; at < count; at += 2 * width) {
            size_t middle = at + width < count ? at + width : count;
            size_t end = middle + width < count ? middle + width : count;
            merge(pdf, from, to, (size_t[3]){at, middle, end});
        }
        uint32_t *other = from;
        from = to;
        to = other;
    }
    pdf->order = from;
    pdf->order_count = pdf->count;
    return OV_OK;
}

struct ov_pdf_object *ov_pdf_object_find(struct ov_pdf *pdf, int64_t number, uint32_t nth) {
    uint32_t low = 0, high = pdf->order_count; // the first one with a larger number
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((int64_t)pdf->objects[pdf->order[middle]].number <= number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low <= nth) {
        return NULL;
    }
    struct ov_pdf_object *object = &pdf->objects[pdf->order[low - 1 - nth]];
    return object->number == number ? object : NULL;
}

// ---- values ------------------------------------------------------------------------------------

struct ov_span ov_pdf_object_text(const struct ov_pdf *pdf, const struct ov_pdf_object *object) {
    if (object->pack == 0) {
        return ov_span_from(pdf->file, object->at);
    }
    const struct ov_pdf_pack *pack = &pdf->packs[object->pack - 1];
    struct ov_span text = ov_span_part(ov_buf_span(&pdf->packed), pack->at, pack->size);
    return ov_span_from(text, object->at);
}

bool ov_pdf_is_reference(struct ov_pdf *pdf, struct ov_span value, int64_t *ret_number) {
    struct ov_cursor in = ov_cursor_init(value);
    struct ov_pdf_token tokens[3] = {0};
    for (unsigned i = 0; i < 3; i++) {
        ov_pdf_token_read(&in, &tokens[i]);
        if (tokens[i].kind != (i < 2 ? OV_PDF_NUMBER : OV_PDF_WORD)) {
            break;
        }
    }
    ov_pdf_note_work(pdf, in.at);
    *ret_number = tokens[0].integer;
    return tokens[2].kind == OV_PDF_WORD && ov_span_is_text(tokens[2].text, "R");
}

struct ov_span ov_pdf_resolve(struct ov_pdf *pdf, struct ov_span value, uint32_t nth,
                              const struct ov_pdf_object **object) {
    int64_t number;
    for (int i = 0; i < REFERENCES_MAX && ov_pdf_is_reference(pdf, value, &number); i++) {
        const struct ov_pdf_object *found = ov_pdf_object_find(pdf, number, i == 0 ? nth : 0);
        if (found == NULL) {
            return ov_span_make(NULL, 0);
        }
        *object = found;
        value = ov_pdf_object_text(pdf, found);
    }
    return value;
}

bool ov_pdf_dict_of(struct ov_pdf *pdf, struct ov_span value, struct ov_pdf_dict *ret_dict) {
    const struct ov_pdf_object *object = NULL;
    struct ov_cursor in = ov_cursor_init(ov_pdf_resolve(pdf, value, 0, &object));
    struct ov_pdf_token token;
    ov_pdf_token_read(&in, &token);
    if (token.kind == OV_PDF_DICT_OPEN) {
        ov_pdf_dict_read(&in, ret_dict);
    }
    ov_pdf_note_work(pdf, in.at);
    return token.kind == OV_PDF_DICT_OPEN;
}

int64_t ov_pdf_integer(struct ov_pdf *pdf, struct ov_span value, int64_t otherwise) {
    const struct ov_pdf_object *object = NULL;
    struct ov_cursor in = ov_cursor_init(ov_pdf_resolve(pdf, value, 0, &object));
    struct ov_pdf_token token;
    ov_pdf_token_read(&in, &token);
    ov_pdf_note_work(pdf, in.at);
    return token.kind == OV_PDF_NUMBER ? token.integer : otherwise;
}
