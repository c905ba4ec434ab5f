// SPDX-License-Identifier: Apache-2.0
// An inventory as a page to print: it needs nothing but itself, and can load and run nothing.
#include "cmd/inventory_report.h"
#include "trace/markup.h"

static const char style[] =
    "<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:#1b1f24;background:#fff;max-width:72rem;"
    "margin:2rem auto;padding:0 1rem}\n"
    "h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2rem 0 .4rem}\n"
    "code{font-family:ui-monospace,monospace;font-size:.86em;overflow-wrap:anywhere}"
    "small{color:#57606a}p{margin:.3rem 0}\n"
    "table{border-collapse:collapse;width:100%;font-size:.92rem;margin:.4rem 0 1rem}"
    "th{text-align:left;color:#57606a;font-weight:500}\n"
    "td,th{padding:.18rem .6rem .18rem 0;border-bottom:1px solid #eaeef2;vertical-align:top}\n"
    ".installed{border-left:5px solid #c62f2f;padding-left:.8rem}"
    ".trace{border-left:5px solid #c77700;padding-left:.8rem}\n"
    "@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}td,th{border-color:"
    "#21262d}small,th{color:#9aa4af}}\n"
    "@media print{body{margin:0;max-width:none}section{break-inside:avoid-page}}\n"
    "</style>\n";

// ---- pieces -------------------------------------------------------------------------------------

static void add_text(struct ov_buf *out, const char *text) {
    ov_trace_markup_add(out, ov_span_text(text));
}

static void add_cell(struct ov_buf *out, const char *text) {
    ov_buf_add_text(out, "<td>");
    add_text(out, text);
    ov_buf_add_text(out, "</td>");
}

static void add_name_cell(struct ov_buf *out, const char *name, const char *detail) {
    ov_buf_add_text(out, "<td><code>");
    add_text(out, name);
    ov_buf_add_text(out, "</code>");
    if (detail[0] != 0) {
        ov_buf_add_text(out, " <small>");
        add_text(out, detail);
        ov_buf_add_text(out, "</small>");
    }
    ov_buf_add_text(out, "</td>");
}

static void begin_table(struct ov_buf *out, const char *const heads[]) {
    ov_buf_add_text(out, "<table><thead><tr>");
    for (size_t i = 0; heads[i] != NULL; i++) {
        ov_buf_add_text(out, "<th>");
        add_text(out, heads[i]);
        ov_buf_add_text(out, "</th>");
    }
    ov_buf_add_text(out, "</tr></thead><tbody>\n");
}

static void end_table(struct ov_buf *out) {
    ov_buf_add_text(out, "</tbody></table>\n");
}

// ---- products -----------------------------------------------------------------------------------

static void add_evidence(struct ov_buf *out, const struct ov_found *found) {
    static const char *const heads[] = {"Evidence", "What was seen", "Where",
                                        "This indicator is known from", NULL};
    begin_table(out, heads);
    for (size_t i = 0; i < found->evidence_count; i++) {
        const struct ov_evidence *evidence = &found->evidence[i];
        ov_buf_add_text(out, "<tr>");
        add_cell(out, ov_indicator_name(evidence->indicator->kind));
        add_name_cell(out, evidence->matched, evidence->detail);
        ov_buf_add_text(out, "<td>");
        add_text(out, evidence->place);
        ov_buf_add_text(out, evidence->is_residue ? " left over" : "");
        ov_buf_add_text(out, "</td><td>");
        add_text(out, evidence->indicator->source);
        ov_buf_add_text(out, evidence->indicator->is_hint     ? " (a hint)"
                             : evidence->indicator->is_shared ? " (others have it, too)"
                                                              : "");
        ov_buf_add_text(out, "</td></tr>\n");
    }
    end_table(out);
}

static void add_footprint(struct ov_buf *out, const struct ov_found *found) {
    static const char *const heads[] = {"What it could do", "By", "Where", NULL};
    bool is_there = found->state == OV_PRODUCT_INSTALLED; // what is not there brings nothing in
    const char *channel = is_there ? found->product->update_channel : NULL;
    if (found->power_count == 0 && channel == NULL) {
        return;
    }
    begin_table(out, heads);
    for (size_t i = 0; i < found->power_count; i++) {
        ov_buf_add_text(out, "<tr>");
        add_cell(out, ov_power_name(found->powers[i].kind));
        add_name_cell(out, found->powers[i].detail, "");
        add_cell(out, found->powers[i].place);
        ov_buf_add_text(out, "</tr>\n");
    }
    if (channel != NULL) {
        ov_buf_add_text(out, "<tr><td>gets its updates from</td>");
        add_cell(out, channel);
        ov_buf_add_text(out, "<td></td></tr>\n");
    }
    end_table(out);
}

static void add_product(struct ov_buf *out, const struct ov_found *found) {
    const struct ov_product *product = found->product;
    ov_buf_printf(out, "<section class=\"%s\"><h2>", ov_product_state_name(found->state));
    add_text(out, product->name);
    ov_buf_add_text(out, " ");
    add_text(out, found->version);
    ov_buf_printf(out, "</h2><p><b>%s</b>, by ", ov_product_state_name(found->state));
    add_text(out, product->vendor);
    ov_buf_add_text(out, "</p>\n");
    add_evidence(out, found);
    add_footprint(out, found);
    if (product->note != NULL) {
        ov_buf_add_text(out, "<p><small>");
        add_text(out, product->note);
        ov_buf_add_text(out, "</small></p>\n");
    }
    ov_buf_add_text(out, "</section>\n");
}

// ---- the rest -----------------------------------------------------------------------------------

static void add_holders(struct ov_buf *out, const struct ov_inventory *inventory) {
    static const char *const heads[] = {"What", "Who", "Package", "", NULL};
    if (ov_inventory_holder_count(inventory) == 0) {
        return;
    }
    ov_buf_add_text(out, "<section><h2>On no list, and could do what such products do</h2>\n");
    begin_table(out, heads);
    for (size_t i = 0; i < ov_inventory_holder_count(inventory); i++) {
        const struct ov_holder *holder = ov_inventory_holder(inventory, i);
        ov_buf_add_text(out, "<tr>");
        add_cell(out, holder->what);
        add_name_cell(out, holder->who, holder->detail);
        add_cell(out, holder->package);
        add_cell(out, holder->is_expected ? "part of the operating system" : "");
        ov_buf_add_text(out, "</tr>\n");
    }
    end_table(out);
    ov_buf_add_text(out, "</section>\n");
}

static void add_problems(struct ov_buf *out, const struct ov_inventory *inventory) {
    static const char *const heads[] = {"What", "Why", "Where", NULL};
    if (ov_inventory_problem_count(inventory) == 0) {
        return;
    }
    ov_buf_add_text(out, "<section><h2>Could not be read: nothing is known about it</h2>\n");
    begin_table(out, heads);
    for (size_t i = 0; i < ov_inventory_problem_count(inventory); i++) {
        const struct ov_problem *problem = ov_inventory_problem(inventory, i);
        ov_buf_add_text(out, "<tr>");
        add_name_cell(out, problem->what, "");
        add_cell(out, problem->why);
        add_cell(out, problem->place);
        ov_buf_add_text(out, "</tr>\n");
    }
    end_table(out);
    ov_buf_add_text(out, "</section>\n");
}

static void add_methods(struct ov_buf *out, const struct ov_inventory *inventory) {
    ov_buf_add_text(out, "<section><h2>Looked at</h2><ul>\n");
    for (size_t i = 0; i < ov_inventory_method_count(inventory); i++) {
        ov_buf_add_text(out, "<li>");
        add_text(out, ov_inventory_method(inventory, i));
        ov_buf_add_text(out, "</li>\n");
    }
    ov_buf_add_text(out, "</ul></section>\n");
}

void ov_inventory_report_html(const struct ov_inventory_report *report, struct ov_buf *out) {
    const struct ov_inventory *inventory = report->inventory;
    char made_at[32] = "";
    struct tm parts;
    if (gmtime_r(&report->made_at, &parts) != NULL) {
        (void)strftime(made_at, sizeof made_at, "%Y-%m-%d %H:%M UTC", &parts);
    }
    ov_buf_add_text(out, ov_trace_page_head);
    ov_buf_add_text(out, "<title>Inventory</title>\n");
    ov_buf_add_text(out, style);
    ov_buf_add_text(out, "</head>\n<body>\n<header><h1>Security products: ");
    add_text(out, ov_inventory_report_subject(report));
    ov_buf_add_text(out, "</h1><p><b>");
    ov_inventory_report_summary(report, out);
    ov_buf_printf(out, "</b></p><p><small>%s, root ", made_at);
    add_text(out, report->root);
    ov_buf_add_text(out, "</small></p></header>\n<main>\n");
    for (size_t i = 0; i < ov_inventory_count(inventory); i++) {
        add_product(out, ov_inventory_get(inventory, i));
    }
    add_holders(out, inventory);
    add_problems(out, inventory);
    add_methods(out, inventory);
    ov_buf_add_text(out, "</main>\n</body>\n</html>\n");
}
