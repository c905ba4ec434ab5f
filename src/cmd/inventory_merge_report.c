// SPDX-License-Identifier: Apache-2.0
// What the reports of many machines say together.
#include "base/json.h"
#include "base/printable.h"
#include "cmd/command.h"
#include "cmd/inventory_merge.h"
#include "trace/markup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ov_inventory_merge_refuse(struct ov_inventory_merge *merge, const char *file,
                               const char *why) {
    if (merge->refusal_count == merge->refusal_room) {
        size_t room = merge->refusal_room == 0 ? 16 : 2 * merge->refusal_room;
        struct ov_merge_refusal *grown = realloc(merge->refusals, room * sizeof *grown);
        if (grown == NULL) {
            abort(); // a file that is passed over in silence is worse
        }
        merge->refusals = grown;
        merge->refusal_room = room;
    }
    const char *kept = ov_arena_text(merge->fleet.arena, ov_span_text(why));
    merge->refusals[merge->refusal_count++] =
        (struct ov_merge_refusal){file, kept != NULL ? kept : "not enough memory"};
}

void ov_inventory_merge_release(struct ov_inventory_merge *merge) {
    free(merge->refusals);
}

// Whose report it is; its file where it names no machine.
static const char *name_machine(const struct ov_fleet_report *report) {
    return report->machine[0] != 0 ? report->machine : report->file;
}

// ---- products over machines ---------------------------------------------------------------------

struct placed {
    const struct ov_fleet_product *product;
    const struct ov_fleet_report *report;
};

struct placings {
    struct placed *items;
    size_t count;
};

static int compare_placed(const void *left, const void *right) {
    const struct placed *a = left;
    const struct placed *b = right;
    int order = strcmp(a->product->id, b->product->id);
    order = order != 0 ? order : strcmp(a->product->state, b->product->state);
    order = order != 0 ? order : strcmp(a->report->machine, b->report->machine);
    return order != 0 ? order : strcmp(a->report->root, b->report->root);
}

// Every product of every report that counts, those of one product together, installed first.
static bool list_placings(const struct ov_fleet *fleet, struct placings *ret_placings) {
    size_t most = 1;
    size_t count = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        most += fleet->reports[i].product_count;
    }
    struct placed *items = calloc(most, sizeof *items);
    if (items == NULL) {
        return false;
    }
    for (size_t i = 0; i < fleet->count; i++) {
        const struct ov_fleet_report *report = &fleet->reports[i];
        for (size_t j = 0; j < report->product_count && !report->is_superseded; j++) {
            items[count++] = (struct placed){&report->products[j], report};
        }
    }
    qsort(items, count, sizeof *items, compare_placed);
    *ret_placings = (struct placings){items, count};
    return true;
}

// How many from `first` on are of the same product.
static size_t count_same(const struct placings *placings, size_t first, size_t *ret_installed) {
    size_t count = 0;
    *ret_installed = 0;
    for (size_t i = first; i < placings->count && strcmp(placings->items[i].product->id,
                                                         placings->items[first].product->id) == 0;
         i++) {
        *ret_installed += strcmp(placings->items[i].product->state, "installed") == 0;
        count++;
    }
    return count;
}

struct sums {
    size_t counted, found, unreadable, superseded, is_signed, unknown, stale, unlisted;
};

static struct sums add_up(const struct ov_inventory_merge *merge) {
    struct sums sums = {0};
    for (size_t i = 0; i < merge->fleet.count; i++) {
        const struct ov_fleet_report *report = &merge->fleet.reports[i];
        if (report->is_superseded) {
            sums.superseded++;
            continue;
        }
        sums.counted++;
        sums.found += report->product_count > 0;
        sums.unlisted += report->unlisted_count > 0;
        sums.unreadable += report->problem_count > 0;
        sums.is_signed += report->trust == OV_FLEET_SIGNED;
        sums.unknown += report->trust == OV_FLEET_UNKNOWN_KEY;
        sums.stale += ov_fleet_is_before(report, merge->stale_before);
    }
    return sums;
}

static const char *const trust_names[] = {
    [OV_FLEET_UNSIGNED] = "unsigned",
    [OV_FLEET_UNKNOWN_KEY] = "unknown key",
    [OV_FLEET_SIGNED] = "signed",
};

// ---- JSON ---------------------------------------------------------------------------------------

static void write_products(struct ov_json *json, const struct placings *placings) {
    ov_json_array(json, "products");
    for (size_t first = 0, count = 0; first < placings->count; first += count) {
        const struct ov_fleet_product *product = placings->items[first].product;
        size_t installed = 0;
        count = count_same(placings, first, &installed);
        ov_json_object(json, NULL);
        ov_json_text(json, "id", product->id);
        ov_json_text(json, "product", product->name);
        ov_json_text(json, "vendor", product->vendor);
        ov_json_uint(json, "installed", installed);
        ov_json_uint(json, "traces", count - installed);
        ov_json_array(json, "machines");
        for (size_t i = first; i < first + count; i++) {
            ov_json_object(json, NULL);
            ov_json_text(json, "machine", name_machine(placings->items[i].report));
            ov_json_text(json, "root", placings->items[i].report->root);
            ov_json_text(json, "state", placings->items[i].product->state);
            ov_json_text(json, "version", placings->items[i].product->version);
            ov_json_object_end(json);
        }
        ov_json_array_end(json);
        ov_json_object_end(json);
    }
    ov_json_array_end(json);
}

static void write_report(struct ov_json *json, const struct ov_inventory_merge *merge,
                         const struct ov_fleet_report *report) {
    ov_json_object(json, NULL);
    ov_json_text(json, "machine", report->machine);
    ov_json_text(json, "root", report->root);
    ov_json_text(json, "time", report->time);
    ov_json_text(json, "overt", report->overt);
    ov_json_text(json, "file", report->file);
    ov_json_text(json, "trust", trust_names[report->trust]);
    ov_json_text(json, "key", report->key);
    ov_json_uint(json, "products", report->product_count);
    ov_json_uint(json, "unlisted", report->unlisted_count);
    ov_json_uint(json, "problems", report->problem_count);
    ov_json_bool(json, "superseded", report->is_superseded);
    ov_json_bool(json, "stale", ov_fleet_is_before(report, merge->stale_before));
    ov_json_object_end(json);
}

static void add_json(const struct ov_inventory_merge *merge, const struct placings *placings,
                     struct ov_buf *out) {
    struct ov_json json;
    struct sums sums = add_up(merge);
    ov_json_init(&json, out);
    ov_json_object(&json, NULL);
    ov_json_uint(&json, "counted", sums.counted);
    ov_json_uint(&json, "with_products", sums.found);
    ov_json_uint(&json, "without_products", sums.counted - sums.found);
    write_products(&json, placings);
    ov_json_array(&json, "reports");
    for (size_t i = 0; i < merge->fleet.count; i++) {
        write_report(&json, merge, &merge->fleet.reports[i]);
    }
    ov_json_array_end(&json);
    ov_json_array(&json, "refused");
    for (size_t i = 0; i < merge->refusal_count; i++) {
        ov_json_object(&json, NULL);
        ov_json_bytes(&json, "file", ov_span_text(merge->refusals[i].file));
        ov_json_text(&json, "why", merge->refusals[i].why);
        ov_json_object_end(&json);
    }
    ov_json_array_end(&json);
    ov_json_object_end(&json);
    ov_buf_add_u8(out, '\n');
}

// ---- text ---------------------------------------------------------------------------------------

static void add_product_lines(const struct placings *placings, struct ov_buf *out) {
    for (size_t first = 0, count = 0; first < placings->count; first += count) {
        const struct ov_fleet_product *product = placings->items[first].product;
        size_t installed = 0;
        count = count_same(placings, first, &installed);
        ov_buf_printf(out, "\n%s (%s): installed %zu, traces %zu\n", product->name, product->vendor,
                      installed, count - installed);
        for (size_t i = first; i < first + count; i++) {
            const struct placed *placed = &placings->items[i];
            ov_buf_printf(out, "  %-9s  %s  %s  %s\n", placed->product->state,
                          name_machine(placed->report), placed->report->root,
                          placed->product->version);
        }
    }
}

static void add_doubts(const struct ov_inventory_merge *merge, struct ov_buf *out) {
    ov_buf_add_text(out, "\nNot to be relied on, or not whole:\n");
    for (size_t i = 0; i < merge->fleet.count; i++) {
        const struct ov_fleet_report *report = &merge->fleet.reports[i];
        bool is_stale = ov_fleet_is_before(report, merge->stale_before);
        if (report->trust == OV_FLEET_SIGNED && !is_stale && !report->is_superseded &&
            report->problem_count == 0) {
            continue;
        }
        ov_buf_printf(out, "  %s: %s, %s%s%s", report->file, name_machine(report),
                      trust_names[report->trust], is_stale ? ", stale" : "",
                      report->is_superseded ? ", superseded (not counted)" : "");
        if (report->problem_count > 0) {
            ov_buf_printf(out, ", %llu could not be read",
                          (unsigned long long)report->problem_count);
        }
        ov_buf_add_u8(out, '\n');
    }
    for (size_t i = 0; i < merge->refusal_count; i++) {
        ov_buf_add_text(out, "  ");
        ov_printable_add(out, ov_span_text(merge->refusals[i].file));
        ov_buf_printf(out, ": refused: %s\n", merge->refusals[i].why);
    }
}

static void add_text(const struct ov_inventory_merge *merge, const struct placings *placings,
                     struct ov_buf *out) {
    struct sums sums = add_up(merge);
    ov_buf_printf(out,
                  "Machines: %zu, with products: %zu, without: %zu. Reports: signed %zu, unknown "
                  "key %zu,\nunsigned %zu, stale %zu, superseded %zu, refused %zu.\n",
                  sums.counted, sums.found, sums.counted - sums.found, sums.is_signed, sums.unknown,
                  sums.counted - sums.is_signed - sums.unknown, sums.stale, sums.superseded,
                  merge->refusal_count);
    if (sums.unlisted > 0) {
        ov_buf_printf(out, "Machines with holders on no list: %zu\n", sums.unlisted);
    }
    add_product_lines(placings, out);
    add_doubts(merge, out);
}

void ov_inventory_merge_html(const struct ov_inventory_merge *merge, struct ov_buf *page) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    struct placings placings;
    if (!list_placings(&merge->fleet, &placings)) {
        page->has_failed = true;
        return;
    }
    add_text(merge, &placings, &text);
    free(placings.items);
    page->has_failed = page->has_failed || ov_buf_status(&text) != OV_OK;
    ov_buf_add_text(page, ov_trace_page_head);
    ov_buf_add_text(page, "<title>Security products of many machines</title>\n"
                          "<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem}"
                          "pre{white-space:pre-wrap;overflow-wrap:anywhere}</style></head>\n"
                          "<body><h1>Security products of many machines</h1>\n<pre>");
    ov_trace_markup_add(page, ov_buf_span(&text));
    ov_buf_add_text(page, "</pre>\n</body></html>\n");
}

int ov_inventory_merge_print(const struct ov_inventory_merge *merge, bool is_json) {
    OV_CLEANUP(ov_buf_release) struct ov_buf out = {0};
    struct placings placings;
    if (!list_placings(&merge->fleet, &placings)) {
        return OV_EXIT_ERROR;
    }
    (is_json ? add_json : add_text)(merge, &placings, &out);
    free(placings.items);
    (void)fwrite(out.data, 1, out.size, stdout);
    struct sums sums = add_up(merge);
    return ov_buf_status(&out) != OV_OK                      ? OV_EXIT_ERROR
           : sums.found > 0 || sums.unlisted > 0             ? OV_EXIT_FOUND
           : sums.unreadable > 0 || merge->refusal_count > 0 ? OV_EXIT_INCOMPLETE
                                                             : OV_EXIT_NOTHING;
}
