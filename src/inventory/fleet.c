// SPDX-License-Identifier: Apache-2.0
// Reports of machines: told as lines, and taken up.
#include "inventory/fleet.h"

#include "base/json_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// The lines: "report" MACHINE ROOT TIME OVERT UNLISTED PROBLEMS, then "product" ID NAME VENDOR
// STATE VERSION for each, then "end"; fields are parted by tabs.
enum { REPORT_FIELDS = 7, PRODUCT_FIELDS = 6, TIME_BYTES = 20 };

// ---- in the cage --------------------------------------------------------------------------------

static bool is_plain(uint8_t byte) {
    return byte >= 0x20 && byte < 0x7f;
}

// What is no printable ASCII, and '%', becomes %XX.
static enum ov_status add_field(struct ov_buf *lines, const struct ov_json_value *object,
                                const char *key) {
    const struct ov_json_value *value = ov_json_find(object, key);
    if (value == NULL || value->kind != OV_JSON_TEXT) {
        return OV_DAMAGED;
    }
    if (value->text.size > OV_FLEET_TEXT_BYTES_MAX / 3) {
        return OV_LIMIT;
    }
    ov_buf_add_u8(lines, '\t');
    for (size_t i = 0; i < value->text.size; i++) {
        uint8_t byte = value->text.data[i];
        if (is_plain(byte) && byte != '%') {
            ov_buf_add_u8(lines, byte);
        } else {
            ov_buf_printf(lines, "%%%02X", byte);
        }
    }
    return OV_OK;
}

static enum ov_status add_product(struct ov_buf *lines, const struct ov_json_value *product) {
    static const char *const keys[] = {"id", "product", "vendor", "state", "version"};
    ov_buf_add_text(lines, "product");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        TRY(add_field(lines, product, keys[i]));
    }
    ov_buf_add_u8(lines, '\n');
    return OV_OK;
}

static enum ov_status count_unlisted(const struct ov_json_value *report, size_t *ret_count) {
    const struct ov_json_value *unlisted = ov_json_find(report, "unlisted");
    size_t count = 0;
    if (unlisted == NULL || unlisted->kind != OV_JSON_ARRAY) {
        return OV_DAMAGED;
    }
    for (const struct ov_json_value *item = ov_json_items(unlisted); item != NULL;
         item = item->next) {
        const struct ov_json_value *expected = ov_json_find(item, "expected");
        count += expected == NULL || expected->kind != OV_JSON_TRUE ? 1 : 0;
    }
    *ret_count = count;
    return OV_OK;
}

enum ov_status ov_fleet_tell(struct ov_span report, struct ov_arena *arena, struct ov_buf *lines) {
    static const char *const keys[] = {"machine", "root", "time", "overt"};
    const struct ov_json_value *value = NULL;
    size_t unlisted = 0;
    TRY(ov_json_read(report, arena, &value, NULL));
    const struct ov_json_value *products = ov_json_find(value, "products");
    const struct ov_json_value *problems = ov_json_find(value, "problems");
    if (products == NULL || products->kind != OV_JSON_ARRAY || problems == NULL ||
        problems->kind != OV_JSON_ARRAY) {
        return OV_DAMAGED;
    }
    TRY(count_unlisted(value, &unlisted));
    ov_buf_add_text(lines, "report");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        TRY(add_field(lines, value, keys[i]));
    }
    ov_buf_printf(lines, "\t%zu\t%zu\n", unlisted, problems->count);
    for (const struct ov_json_value *item = ov_json_items(products); item != NULL;
         item = item->next) {
        TRY(add_product(lines, item));
    }
    ov_buf_add_text(lines, "end\n");
    return ov_buf_status(lines);
}

// ---- outside ------------------------------------------------------------------------------------

// One line's fields, copied into the arena.
struct fields {
    const char *items[REPORT_FIELDS];
    size_t count;
};

static enum ov_status add_text(struct ov_arena *arena, struct ov_span text, const char **ret_text) {
    if (text.size > OV_FLEET_TEXT_BYTES_MAX) {
        return OV_LIMIT;
    }
    char *copy = ov_arena_alloc(arena, text.size + 1);
    if (copy == NULL) {
        return OV_MEMORY;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (!is_plain(text.data[i])) {
            return OV_DAMAGED;
        }
        copy[i] = (char)text.data[i];
    }
    copy[text.size] = 0;
    *ret_text = copy;
    return OV_OK;
}

// Takes one line off the front. OV_END behind the last.
static enum ov_status read_line(struct ov_span *rest, struct ov_arena *arena,
                                struct fields *ret_fields) {
    struct fields fields = {0};
    size_t from = 0;
    if (rest->size == 0) {
        return OV_END;
    }
    for (size_t i = 0; i < rest->size; i++) {
        uint8_t byte = rest->data[i];
        if (byte != '\t' && byte != '\n') {
            continue;
        }
        if (fields.count == REPORT_FIELDS) {
            return OV_DAMAGED;
        }
        TRY(add_text(arena, ov_span_part(*rest, from, i - from), &fields.items[fields.count]));
        fields.count++;
        from = i + 1;
        if (byte == '\n') {
            *rest = ov_span_part(*rest, from, rest->size - from);
            *ret_fields = fields;
            return OV_OK;
        }
    }
    return OV_DAMAGED;
}

static bool is_line(const struct fields *fields, const char *word, size_t count) {
    return fields->count == count && strcmp(fields->items[0], word) == 0;
}

static enum ov_status read_count(const char *text, uint64_t *ret_count) {
    size_t size = strlen(text);
    if (size == 0 || size > 9 || strspn(text, "0123456789") != size) {
        return OV_DAMAGED;
    }
    *ret_count = strtoull(text, NULL, 10);
    return OV_OK;
}

// "2026-11-22T10:00:00Z"
static bool is_time(const char *text) {
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    if (strlen(text) != TIME_BYTES) {
        return false;
    }
    for (size_t i = 0; i < TIME_BYTES; i++) {
        bool is_good = form[i] == 'd' ? isdigit((unsigned char)text[i]) != 0 : text[i] == form[i];
        if (!is_good) {
            return false;
        }
    }
    return true;
}

static enum ov_status read_head(struct ov_span *rest, struct ov_arena *arena,
                                struct ov_fleet_report *report) {
    struct fields head;
    TRY(read_line(rest, arena, &head));
    if (!is_line(&head, "report", REPORT_FIELDS) || !is_time(head.items[3])) {
        return OV_DAMAGED;
    }
    report->machine = head.items[1];
    report->root = head.items[2];
    report->time = head.items[3];
    report->overt = head.items[4];
    TRY(read_count(head.items[5], &report->unlisted_count));
    return read_count(head.items[6], &report->problem_count);
}

static enum ov_status read_products(struct ov_span *rest, struct ov_arena *arena,
                                    struct ov_fleet_report *report) {
    size_t most = 0;
    for (size_t i = 0; i < rest->size && most < OV_FLEET_PRODUCTS_MAX; i++) {
        most += rest->data[i] == '\n';
    }
    struct ov_fleet_product *products = ov_arena_array(arena, most + 1, sizeof *products);
    struct fields line;
    size_t count = 0;
    if (products == NULL) {
        return OV_MEMORY;
    }
    for (enum ov_status status; (status = read_line(rest, arena, &line)) != OV_END;) {
        TRY(status);
        if (is_line(&line, "end", 1) && rest->size == 0) {
            report->products = products;
            report->product_count = count;
            return OV_OK;
        }
        if (!is_line(&line, "product", PRODUCT_FIELDS) ||
            (strcmp(line.items[4], "installed") != 0 && strcmp(line.items[4], "trace") != 0)) {
            return OV_DAMAGED;
        }
        if (count == most) {
            return OV_LIMIT;
        }
        products[count++] = (struct ov_fleet_product){line.items[1], line.items[2], line.items[3],
                                                      line.items[4], line.items[5]};
    }
    return OV_DAMAGED;
}

static enum ov_status make_room(struct ov_fleet *fleet) {
    if (fleet->count < fleet->room) {
        return OV_OK;
    }
    size_t room = fleet->room == 0 ? 64 : 2 * fleet->room;
    if (room > 2 * OV_FLEET_REPORTS_MAX) {
        return OV_LIMIT;
    }
    struct ov_fleet_report *reports = ov_arena_array(fleet->arena, room, sizeof *reports);
    if (reports == NULL) {
        return OV_MEMORY;
    }
    if (fleet->count > 0) {
        memcpy(reports, fleet->reports, fleet->count * sizeof *reports);
    }
    fleet->reports = reports;
    fleet->room = room;
    return OV_OK;
}

enum ov_status ov_fleet_take(struct ov_fleet *fleet, const struct ov_fleet_report *report,
                             struct ov_span lines) {
    struct ov_fleet_report taken = {.trust = report->trust};
    TRY(make_room(fleet));
    TRY(read_head(&lines, fleet->arena, &taken));
    TRY(read_products(&lines, fleet->arena, &taken));
    TRY(add_text(fleet->arena, ov_span_text(report->file), &taken.file));
    TRY(add_text(fleet->arena, ov_span_text(report->key), &taken.key));
    fleet->reports[fleet->count++] = taken;
    return OV_OK;
}

// ---- the whole ----------------------------------------------------------------------------------

// The same machine and root.
static int compare_places(const struct ov_fleet_report *a, const struct ov_fleet_report *b) {
    int order = strcmp(a->machine, b->machine);
    return order != 0 ? order : strcmp(a->root, b->root);
}

// Who has signed counts before who has not; then the newest.
static int compare_reports(const void *left, const void *right) {
    const struct ov_fleet_report *a = left;
    const struct ov_fleet_report *b = right;
    int order = compare_places(a, b);
    if (order == 0 && (a->trust == OV_FLEET_SIGNED) != (b->trust == OV_FLEET_SIGNED)) {
        order = a->trust == OV_FLEET_SIGNED ? -1 : 1;
    }
    order = order != 0 ? order : strcmp(b->time, a->time);
    return order != 0 ? order : strcmp(a->file, b->file);
}

void ov_fleet_sort(struct ov_fleet *fleet) {
    if (fleet->count == 0) {
        return;
    }
    qsort(fleet->reports, fleet->count, sizeof fleet->reports[0], compare_reports);
    for (size_t i = 0; i < fleet->count; i++) {
        // A report that names no machine is nobody's double.
        fleet->reports[i].is_superseded =
            i > 0 && fleet->reports[i].machine[0] != 0 &&
            compare_places(&fleet->reports[i - 1], &fleet->reports[i]) == 0;
    }
}

bool ov_fleet_is_before(const struct ov_fleet_report *report, const char *limit) {
    return strcmp(report->time, limit) < 0;
}
