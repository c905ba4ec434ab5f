// SPDX-License-Identifier: Apache-2.0
// A plan for people: as text, and as a page to print. Both say the same, written by the same lines.
#include "cmd/inventory_plan.h"

#include "base/printable.h"
#include "config.h"
#include "trace/markup.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 2048, DAY_SECONDS = 86400, SHOWN_ENTRIES = 400 };

struct page {
    struct ov_buf *out;
    bool is_html;
};

// ---- pieces -------------------------------------------------------------------------------------

static void add_text(struct page *page, const char *text) {
    if (page->is_html) {
        ov_trace_markup_add(page->out, ov_span_text(text));
    } else {
        ov_printable_add(page->out, ov_span_text(text));
    }
}

static void add_line(struct page *page, const char *begin, const char *end, const char *text) {
    ov_buf_add_text(page->out, page->is_html ? begin : "");
    add_text(page, text);
    ov_buf_add_text(page->out, page->is_html ? end : "");
    ov_buf_add_u8(page->out, '\n');
}

static void add_heading(struct page *page, const char *text) {
    if (page->is_html) {
        add_line(page, "<h2>", "</h2>", text);
        return;
    }
    ov_buf_printf(page->out, "\n%s\n", text);
    for (size_t i = 0; i < strlen(text); i++) {
        ov_buf_add_u8(page->out, '-');
    }
    ov_buf_add_u8(page->out, '\n');
}

__attribute__((format(printf, 2, 3))) static void add_words(struct page *page, const char *form,
                                                            ...) {
    char line[LINE_BYTES];
    va_list args;
    va_start(args, form);
    (void)vsnprintf(line, sizeof line, form, args);
    va_end(args);
    add_line(page, "<p>", "</p>", line);
}

// What only people know.
static void add_blank(struct page *page, const char *label) {
    add_words(page, "%s: ________________________________", label);
}

static void add_command(struct page *page, const char *text) {
    ov_buf_add_text(page->out, page->is_html ? "" : "      $ ");
    add_line(page, "<p class=\"command\"><code>", "</code></p>", text);
}

static void add_item(struct page *page, const char *text) {
    ov_buf_add_text(page->out, page->is_html ? "" : "      ");
    add_line(page, "<div><code>", "</code></div>", text);
}

static void write_day(time_t time, char ret_text[16]) {
    struct tm parts = {0};
    (void)gmtime_r(&time, &parts);
    (void)strftime(ret_text, 16, "%Y-%m-%d", &parts);
}

// ---- steps --------------------------------------------------------------------------------------

static void add_entries(struct page *page, const struct ov_plan_step *step) {
    size_t count = 0;
    char line[LINE_BYTES];
    for (const struct ov_plan_entry *entry = step->entries; entry != NULL; entry = entry->next) {
        (void)snprintf(line, sizeof line, "%s%s%s", entry->path,
                       entry->type == 'd'   ? "/"
                       : entry->type == 'l' ? " (a link)"
                                            : "",
                       entry->may_change && entry->type == 'f' ? " (whatever is in it by then)"
                                                               : "");
        if (count++ == SHOWN_ENTRIES && !page->is_html) {
            (void)snprintf(line, sizeof line,
                           "... and %zu more, each in the plan file and the page",
                           step->entry_count - SHOWN_ENTRIES);
            add_item(page, line);
            return;
        }
        add_item(page, line);
    }
}

static void add_step(struct page *page, const struct ov_plan *plan, const struct ov_plan_step *step,
                     size_t number) {
    OV_CLEANUP(ov_buf_release) struct ov_buf typed = {0};
    char title[LINE_BYTES];
    (void)snprintf(title, sizeof title, "%3zu. %s%s%s", number, ov_step_title(step->kind),
                   step->product != NULL ? ": " : "",
                   step->product != NULL ? step->product->name : "");
    add_line(page, "<p><b>", "</b></p>", title);
    if (step->kind == OV_STEP_PERSON) {
        add_item(page, step->targets[0]);
        return;
    }
    ov_plan_add_typed(&typed, plan, step);
    ov_buf_add_u8(&typed, 0);
    if (!typed.has_failed && typed.size > 1) {
        add_command(page, (const char *)typed.data);
    }
    if (step->kind == OV_STEP_REMOVE) {
        add_entries(page, step);
    } else if (step->kind == OV_STEP_MODULE) {
        add_item(page, "when it is in use, it goes with the restart");
    } else if (step->kind == OV_STEP_PACKAGES) {
        add_item(page, "refuses, and nothing is removed, when another package needs one of them");
    }
}

static void add_steps(struct page *page, const struct ov_plan *plan) {
    size_t number = 0;
    add_heading(page, "Steps, in this order");
    for (const struct ov_plan_step *step = plan->steps; step != NULL; step = step->next) {
        add_step(page, plan, step, ++number);
    }
    if (number == 0) {
        add_words(page, "None: there is nothing to remove.");
    }
}

// ---- what is lost -------------------------------------------------------------------------------

// What is installed does something; of a trace one cannot tell, so it counts where nothing else is.
static uint32_t gather_functions(const struct ov_plan *plan) {
    uint32_t installed = 0, all = 0;
    for (const struct ov_plan_product *item = plan->products; item != NULL; item = item->next) {
        all |= item->product->functions;
        installed |= item->state == OV_PRODUCT_INSTALLED ? item->product->functions : 0;
    }
    return installed != 0 ? installed : all;
}

// Others that stay and do the same.
static void add_stand_ins(struct page *page, const struct ov_plan_view *view, unsigned bit) {
    for (size_t i = 0; i < ov_inventory_count(view->inventory); i++) {
        const struct ov_found *found = ov_inventory_get(view->inventory, i);
        bool is_banned = false;
        for (const struct ov_plan_product *item = view->plan.products; item != NULL;
             item = item->next) {
            is_banned |= item->product == found->product;
        }
        if (!is_banned && found->state == OV_PRODUCT_INSTALLED &&
            (found->product->functions & 1u << bit) != 0) {
            add_words(page, "      does it already: %s", found->product->name);
        }
    }
}

static void add_functions(struct page *page, const struct ov_plan_view *view) {
    uint32_t functions = gather_functions(&view->plan);
    if (functions == 0) {
        return;
    }
    add_heading(page, "What the machine loses, and what can take its place");
    for (unsigned bit = 0; bit < OV_FUNCTION_COUNT; bit++) {
        if ((functions & 1u << bit) == 0) {
            continue;
        }
        add_line(page, "<p><b>", "</b></p>", ov_function_name(bit));
        add_words(page, "      lost: %s", ov_function_loss(bit));
        add_words(page, "      instead: %s", ov_function_replacement(bit));
        add_stand_ins(page, view, bit);
    }
}

// ---- the directive ------------------------------------------------------------------------------

static void add_found(struct page *page, const struct ov_plan_view *view) {
    const struct ov_plan *plan = &view->plan;
    add_heading(page, "Within 30 days: what is there");
    add_blank(page, "Agency or organisation");
    add_blank(page, "Person to be asked, and how");
    if (plan->product_count == 0) {
        add_words(page, "None of the named products was found on this machine.");
    } else {
        add_words(page, "Named products on this machine: %zu. Endpoints: 1 (%s).",
                  plan->product_count, plan->machine[0] != 0 ? plan->machine : "name not known");
    }
    for (const struct ov_plan_product *item = plan->products; item != NULL; item = item->next) {
        add_words(page, "  %s, by %s%s%s: %s", item->product->name, item->product->vendor,
                  item->version[0] != 0 ? ", version " : "", item->version,
                  ov_product_state_name(item->state));
    }
    add_words(page, "Methods: overt %s looked at:", OVERT_VERSION);
    for (size_t i = 0; i < ov_inventory_method_count(view->inventory); i++) {
        add_item(page, ov_inventory_method(view->inventory, i));
    }
    size_t problems = ov_inventory_problem_count(view->inventory);
    if (problems > 0) {
        add_words(page,
                  "What could not be read: %zu (the inventory's report names each); nothing "
                  "is known about it.",
                  problems);
    }
}

static void add_dates(struct page *page, const struct ov_plan *plan) {
    char day[4][16];
    for (int i = 0; i < 4; i++) {
        write_day(plan->made_at + (time_t)i * 30 * DAY_SECONDS, day[i]);
    }
    add_words(page,
              "Counted from %s: 30 days are %s, 60 days %s, 90 days %s. A directive counts "
              "from its own date.",
              day[0], day[1], day[2], day[3]);
}

static void add_directive(struct page *page, const struct ov_plan_view *view) {
    static const char *const blanks[] = {
        "What the system is for (mission function)",
        "Contracts that name the product or its vendor",
        "Replacement that was chosen, and when it is in place",
        "When the steps are carried out",
        "Controls that are weaker meanwhile, and who accepts that",
        "Difficulties that are foreseen",
        "Cost",
    };
    uint32_t functions = gather_functions(&view->plan);
    add_heading(page, "Within 60 days: the plan");
    add_words(page, "Components affected: %zu products, %zu steps (below).",
              view->plan.product_count, view->plan.step_count);
    for (unsigned bit = 0; bit < OV_FUNCTION_COUNT; bit++) {
        if ((functions & 1u << bit) != 0) {
            add_words(page, "  security function that goes: %s", ov_function_name(bit));
        }
    }
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
        add_blank(page, blanks[i]);
    }
    add_heading(page, "Within 90 days: begin, and a report every 30 days");
    add_blank(page, "Begun on");
    add_words(page, "Begin: overt inventory apply PLAN --yes. It writes down what was done, in the "
                    "journal and beside the snapshot.");
    add_words(page, "Report: overt inventory verify PLAN says what is left, what came back, and "
                    "what was installed anew; exit status 0 when nothing is.");
    add_blank(page, "Complete on");
}

static void add_all(struct page *page, const struct ov_plan_view *view) {
    const struct ov_plan *plan = &view->plan;
    char day[16];
    write_day(plan->made_at, day);
    add_words(page, "Plan of removal for %s, made on %s (UTC).",
              plan->machine[0] != 0 ? plan->machine : plan->root, day);
    add_words(page, "Nothing was changed. Each step shows what a person could type.");
    add_steps(page, plan);
    add_functions(page, view);
    add_heading(page, "Report");
    add_dates(page, plan);
    add_found(page, view);
    add_directive(page, view);
}

void ov_plan_report_text(const struct ov_plan_view *view, struct ov_buf *out) {
    struct page page = {.out = out};
    add_all(&page, view);
}

void ov_plan_report_html(const struct ov_plan_view *view, struct ov_buf *out) {
    static const char head[] =
        "<title>Plan of removal</title>\n"
        "<style>\n"
        "body{font:15px/1.5 system-ui,sans-serif;color:#1b1f24;background:#fff;max-width:60rem;"
        "margin:2rem auto;padding:0 1rem}\n"
        "h1{font-size:1.6rem}h2{font-size:1.15rem;margin:2rem 0 .4rem;break-after:avoid}"
        "p{margin:.35rem 0;white-space:pre-wrap}\n"
        "code{font-family:ui-monospace,monospace;font-size:.86em;overflow-wrap:anywhere}"
        "div{margin-left:2rem}.command{background:#f3f5f7;padding:.2rem .6rem;margin-left:2rem}\n"
        "@media print{body{margin:0;max-width:none}}\n"
        "</style>\n</head>\n<body>\n<h1>Plan of removal</h1>\n";
    OV_CLEANUP(ov_buf_release) struct ov_buf body = {0};
    struct page page = {.out = &body, .is_html = true};
    ov_buf_add_text(&body, head);
    add_all(&page, view);
    ov_buf_add_text(&body, "</body>\n</html>\n");
    // What others named is text in it: should it ever not be, there is no page.
    out->has_failed |= body.has_failed || !ov_trace_page_is_ours(ov_buf_span(&body));
    ov_buf_add_text(out, ov_trace_page_head);
    ov_buf_add(out, body.data, body.size);
}
