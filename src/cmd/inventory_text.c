// SPDX-License-Identifier: Apache-2.0
// An inventory as a person reads it: what was found, by what, what it could do, what is not known.
#include "base/printable.h"
#include "cmd/inventory_report.h"

#include <string.h>

enum { SOURCES_MAX = 64 };

// Where and how, behind what was seen.
static void add_notes(struct ov_buf *out, const char *detail, const char *place) {
    if (detail[0] != 0) {
        ov_buf_printf(out, "  (%s)", detail);
    }
    if (place[0] != 0) {
        ov_buf_printf(out, "  in %s", place);
    }
}

// The sources of a report, told once and named by number.
struct sources {
    const char *items[SOURCES_MAX];
    size_t count;
};

// SOURCES_MAX when there is no room: it is written out then.
static size_t number_source(struct sources *sources, const char *source) {
    for (size_t i = 0; i < sources->count; i++) {
        if (strcmp(sources->items[i], source) == 0) {
            return i;
        }
    }
    if (sources->count < SOURCES_MAX) {
        sources->items[sources->count++] = source;
        return sources->count - 1;
    }
    return SOURCES_MAX;
}

static void add_evidence(struct ov_buf *out, const struct ov_evidence *evidence,
                         struct sources *sources) {
    const struct ov_indicator *indicator = evidence->indicator;
    size_t number = number_source(sources, indicator->source);
    ov_buf_printf(out, "    %-20s %s", ov_indicator_name(indicator->kind), evidence->matched);
    add_notes(out, evidence->detail, evidence->place);
    ov_buf_add_text(out, evidence->is_residue ? ", left over" : "");
    ov_buf_add_text(out, indicator->is_hint     ? ", a hint"
                         : indicator->is_shared ? ", others have it, too"
                                                : "");
    if (number < SOURCES_MAX) {
        ov_buf_printf(out, "  [%zu]\n", number + 1);
    } else {
        ov_buf_printf(out, "  [%s]\n", indicator->source);
    }
}

static void add_footprint(struct ov_buf *out, const struct ov_found *found) {
    bool is_there = found->state == OV_PRODUCT_INSTALLED; // what is not there brings nothing in
    const char *channel = is_there ? found->product->update_channel : NULL;
    if (found->power_count == 0 && channel == NULL) {
        return;
    }
    ov_buf_add_text(out, "  What it could do here:\n");
    for (unsigned kind = 0; kind < OV_POWER_KINDS; kind++) {
        const char *name = ov_power_name((enum ov_power_kind)kind);
        for (size_t i = 0; i < found->power_count; i++) {
            if (found->powers[i].kind == kind) {
                ov_buf_printf(out, "    %-34s %s", name, found->powers[i].detail);
                add_notes(out, "", found->powers[i].place);
                ov_buf_add_u8(out, '\n');
                name = ""; // one row of the table can have several lines
            }
        }
    }
    if (channel != NULL) {
        ov_buf_printf(out, "    %-34s %s\n", "gets its updates from", channel);
    }
}

static void add_product(struct ov_buf *out, const struct ov_found *found, struct sources *sources) {
    const struct ov_product *product = found->product;
    ov_buf_printf(out, "\n%s: %s%s%s, by %s%s\n",
                  found->state == OV_PRODUCT_INSTALLED ? "INSTALLED" : "TRACE", product->name,
                  found->version[0] != 0 ? " " : "", found->version, product->vendor,
                  product->is_legacy ? " (no longer made)" : "");
    ov_buf_add_text(out, "  Evidence:\n");
    for (size_t i = 0; i < found->evidence_count; i++) {
        add_evidence(out, &found->evidence[i], sources);
    }
    add_footprint(out, found);
    if (product->note != NULL) {
        ov_buf_printf(out, "  To know: %s\n", product->note);
    }
}

static void add_holders(struct ov_buf *out, const struct ov_inventory *inventory,
                        bool is_expected) {
    bool has_title = false;
    for (size_t i = 0; i < ov_inventory_holder_count(inventory); i++) {
        const struct ov_holder *holder = ov_inventory_holder(inventory, i);
        if (holder->is_expected != is_expected) {
            continue;
        }
        if (!has_title) {
            ov_buf_add_text(out, is_expected
                                     ? "\nParts of the operating system that could do the same:\n"
                                     : "\nON NO LIST, and could do what such products do:\n");
            has_title = true;
        }
        ov_buf_printf(out, "    %-20s %s", holder->what, holder->who);
        add_notes(out, holder->detail, "");
        if (holder->package[0] != 0) {
            ov_buf_printf(out, "  of package %s", holder->package);
        }
        ov_buf_add_u8(out, '\n');
    }
}

static void add_problems(struct ov_buf *out, const struct ov_inventory *inventory) {
    if (ov_inventory_problem_count(inventory) > 0) {
        ov_buf_add_text(out, "\nCOULD NOT BE READ; nothing is known about it:\n");
    }
    for (size_t i = 0; i < ov_inventory_problem_count(inventory); i++) {
        const struct ov_problem *problem = ov_inventory_problem(inventory, i);
        ov_buf_printf(out, "    %s: %s", problem->what, problem->why);
        add_notes(out, "", problem->place);
        ov_buf_add_u8(out, '\n');
    }
}

static void add_methods(struct ov_buf *out, const struct ov_inventory *inventory) {
    ov_buf_add_text(out, "\nLooked at:\n");
    for (size_t i = 0; i < ov_inventory_method_count(inventory); i++) {
        ov_buf_printf(out, "    %s\n", ov_inventory_method(inventory, i));
    }
}

// ---- the summary --------------------------------------------------------------------------------

static size_t count_state(const struct ov_inventory *inventory, enum ov_product_state state) {
    size_t count = 0;
    for (size_t i = 0; i < ov_inventory_count(inventory); i++) {
        count += ov_inventory_get(inventory, i)->state == state;
    }
    return count;
}

static size_t count_holders(const struct ov_inventory *inventory) {
    size_t count = 0;
    for (size_t i = 0; i < ov_inventory_holder_count(inventory); i++) {
        count += !ov_inventory_holder(inventory, i)->is_expected;
    }
    return count;
}

void ov_inventory_report_summary(const struct ov_inventory_report *report, struct ov_buf *out) {
    const struct ov_inventory *inventory = report->inventory;
    size_t problems = ov_inventory_problem_count(inventory);
    if (!ov_inventory_has_found(inventory)) {
        ov_buf_add_text(out, "no security product was found");
    } else {
        ov_buf_printf(out, "installed: %zu, traces: %zu, on no list: %zu",
                      count_state(inventory, OV_PRODUCT_INSTALLED),
                      count_state(inventory, OV_PRODUCT_TRACE), count_holders(inventory));
    }
    if (problems > 0) {
        ov_buf_printf(out, "; %zu could not be read", problems);
    }
}

static void add_products(struct ov_buf *out, const struct ov_inventory *inventory,
                         enum ov_product_state state, struct sources *sources) {
    for (size_t i = 0; i < ov_inventory_count(inventory); i++) {
        const struct ov_found *found = ov_inventory_get(inventory, i);
        if (found->state == state) {
            add_product(out, found, sources);
        }
    }
}

void ov_inventory_report_text(const struct ov_inventory_report *report, struct ov_buf *out) {
    const struct ov_inventory *inventory = report->inventory;
    struct sources sources = {0};
    ov_printable_add(out, ov_span_text(ov_inventory_report_subject(report)));
    ov_buf_add_text(out, ": ");
    ov_inventory_report_summary(report, out);
    ov_buf_add_u8(out, '\n');
    add_products(out, inventory, OV_PRODUCT_INSTALLED, &sources);
    add_products(out, inventory, OV_PRODUCT_TRACE, &sources);
    if (sources.count > 0) {
        ov_buf_add_text(out, "\nWhere these indicators are known from:\n");
    }
    for (size_t i = 0; i < sources.count; i++) {
        ov_buf_printf(out, "    [%zu] %s\n", i + 1, sources.items[i]);
    }
    add_holders(out, inventory, false);
    add_holders(out, inventory, true);
    add_problems(out, inventory);
    add_methods(out, inventory);
}
