// SPDX-License-Identifier: Apache-2.0
// The report as a page that needs nothing but itself: no script, no picture, no font from
// elsewhere.
#include "trace/report.h"

#include "trace/chart.h"
#include "trace/phrase.h"

enum { ROWS_SHOWN = 200, GROUPS_SHOWN = 24 };

static const char style[] =
    "<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:#1b1f24;background:#fff;max-width:72rem;"
    "margin:2rem auto;padding:0 1rem}\n"
    "h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.2rem 0 .5rem}\n"
    "code,td.n{font-family:ui-monospace,monospace;font-size:.86em}\n"
    "code{overflow-wrap:anywhere}p{margin:.3rem 0}small{color:#57606a}\n"
    ".state{display:inline-block;padding:.15rem .6rem;border-radius:.3rem;font-weight:600;"
    "color:#fff}.whole{background:#1a7f37}.gaps{background:#b35900}\n"
    ".claims{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:.7rem;"
    "margin-top:1rem}\n"
    ".claim{border:1px solid #d0d7de;border-left:5px solid #57606a;border-radius:.3rem;"
    "padding:.5rem .8rem}\n"
    ".claim b{display:block;font-size:.78rem;letter-spacing:.06em;color:#57606a}\n"
    ".READ{border-left-color:#2f6fb5}.KEPT{border-left-color:#c77700}.SENT{border-left-color:"
    "#c62f2f}.CAPACITY{border-left-color:#7a3fb0}\n"
    ".finding{border-left:5px solid #c62f2f;background:#fff5f4;padding:.5rem .9rem;"
    "margin:.6rem 0}\n"
    "table{border-collapse:collapse;width:100%;font-size:.92rem}th{text-align:left;color:#57606a;"
    "font-weight:500}\n"
    "td,th{padding:.18rem .6rem .18rem 0;border-bottom:1px solid #eaeef2;vertical-align:top}"
    "td.n,th.n{text-align:right;white-space:nowrap;width:7rem}\n"
    "svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:#57606a}"
    "\n"
    "@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}.claim{border-color:"
    "#30363d}.finding{background:#2b1614}td,th{border-color:#21262d}svg text{fill:#9aa4af}small,"
    ".claim b,th{color:#9aa4af}}\n"
    "@media print{body{margin:0;max-width:none}}\n"
    "</style>\n";

// ---- pieces -------------------------------------------------------------------------------------

static void add_text(struct ov_buf *out, const char *text) {
    ov_trace_markup_add(out, ov_span_text(text));
}

static void add_name(struct ov_buf *out, struct ov_span name) {
    if (name.size == 0) {
        ov_buf_add_text(out, "<small>not known</small>");
        return;
    }
    ov_buf_add_text(out, "<code>");
    ov_trace_markup_add(out, name);
    ov_buf_add_text(out, "</code>");
}

static void add_cell(struct ov_buf *out, uint64_t bytes) {
    ov_buf_add_text(out, "<td class=\"n\">");
    ov_trace_add_size(out, bytes);
    ov_buf_add_text(out, "</td>");
}

static void begin_table(struct ov_buf *out, const char *title, const char *heads) {
    ov_buf_printf(out, "<section>\n<h2>%s</h2>\n<table>\n<thead>\n<tr>%s</tr>\n</thead>\n<tbody>\n",
                  title, heads);
}

static void end_table(struct ov_buf *out, size_t count, size_t shown) {
    ov_buf_add_text(out, "</tbody>\n</table>\n");
    if (count > shown) {
        ov_buf_add_text(out, "<p><small>and ");
        ov_trace_add_number(out, count - shown);
        ov_buf_add_text(out, " more; the report in JSON has all</small></p>\n");
    }
    ov_buf_add_text(out, "</section>\n");
}

static size_t least(size_t count, size_t most) {
    return count < most ? count : most;
}

// ---- the head -----------------------------------------------------------------------------------

static void add_words(struct ov_buf *out, const char *title, const struct ov_trace_list *list) {
    if (list->count == 0) {
        return;
    }
    ov_buf_printf(out, "<p><small>%s</small> ", title);
    for (size_t i = 0; i < list->item_count; i++) {
        add_name(out, list->items[i]);
        ov_buf_add_u8(out, ' ');
    }
    ov_buf_add_text(out, "</p>\n");
}

static void add_state(const struct ov_trace_model *model, struct ov_buf *out) {
    if (model->is_complete) {
        ov_buf_add_text(out, "<p><span class=\"state whole\">COMPLETE</span> every sensor that is "
                             "needed was on and was tried, nothing was lost</p>\n");
        return;
    }
    ov_buf_add_text(out,
                    "<p><span class=\"state gaps\">INCOMPLETE</span> what follows was seen, and "
                    "there may be more:</p>\n<ul>\n");
    for (size_t i = 0; i < model->gap_count; i++) {
        OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
        ov_trace_gap_add_text(model, &model->gaps[i], &text);
        out->has_failed |= text.has_failed;
        ov_buf_add_text(out, "<li>");
        ov_trace_markup_add(out, ov_buf_span(&text));
        ov_buf_add_text(out, "</li>\n");
    }
    ov_buf_add_text(out, "</ul>\n");
}

static void add_head(const struct ov_trace_model *model, struct ov_buf *out) {
    const struct ov_trace_begin *begin = &model->begin;
    ov_buf_add_text(out, "<h1>What a product read, kept and sent</h1>\n");
    add_state(model, out);
    if (!model->has_begin) {
        return;
    }
    if (begin->target_name.size > 0) {
        ov_buf_add_text(out, "<p>");
        add_name(out, begin->target_name);
        ov_buf_add_text(out, "</p>\n");
    }
    add_words(out, "command", &begin->words);
    add_words(out, "asked to look at", &begin->scope);
    add_words(out, "its own folders", &begin->own);
    ov_buf_add_text(out, "<p><small>");
    ov_trace_add_time(out, begin->time_ns);
    ov_buf_add_text(out, ", known until ");
    ov_trace_add_moment(out, begin, model->until_ns);
    ov_buf_add_text(out, ", Linux ");
    ov_trace_markup_add(out, begin->kernel);
    ov_buf_add_text(out, begin->has_envelope ? ", in an envelope" : ", without an envelope");
    ov_buf_add_text(out, "</small></p>\n");
}

static void add_claims(const struct ov_trace_report *report, struct ov_buf *out) {
    ov_buf_add_text(out, "<div class=\"claims\">\n");
    for (size_t i = 0; i < report->claim_count; i++) {
        const struct ov_trace_claim *claim = &report->claims[i];
        if (!claim->is_gap) {
            const char *word = ov_trace_claim_word(claim->kind);
            ov_buf_printf(out, "<div class=\"claim %s\"><b>%s</b>", word, word);
            add_text(out, claim->text);
            ov_buf_add_text(out, "</div>\n");
        }
    }
    ov_buf_add_text(out, "</div>\n");
}

// ---- findings -----------------------------------------------------------------------------------

static void add_item(const struct ov_trace_model *model, const struct ov_trace_item *item,
                     struct ov_buf *out) {
    ov_buf_add_text(out, "<tr>");
    add_cell(out, item->bytes);
    ov_buf_add_text(out, "<td class=\"n\">");
    if (item->at_ns > 0) {
        ov_trace_add_moment(out, &model->begin, item->at_ns);
    }
    ov_buf_add_text(out, "</td><td>");
    if (item->name.size > 0 || item->socket != OV_TRACE_NONE) {
        add_name(out, item->name);
        ov_buf_add_text(out, item->file != OV_TRACE_NONE ? " after " : "");
    }
    if (item->process != OV_TRACE_NONE) {
        add_name(out, model->processes[item->process].path);
        ov_buf_printf(out, " (process %u)", model->processes[item->process].id.pid);
    }
    if (item->file != OV_TRACE_NONE) {
        add_name(out, model->files[item->file].path);
    }
    ov_buf_add_text(out, "</td></tr>\n");
}

static void add_thresholds(const struct ov_trace_rule *rule, struct ov_buf *out) {
    ov_buf_add_text(out, "<p><small>");
    for (unsigned i = 0; i < OV_TRACE_THRESHOLDS_MAX && rule->thresholds[i].name != NULL; i++) {
        ov_buf_printf(out, "%s%s ", i == 0 ? "" : ", ", rule->thresholds[i].name);
        ov_trace_add_number(out, rule->thresholds[i].value);
        ov_buf_printf(out, " %s", rule->thresholds[i].unit);
    }
    ov_buf_add_text(out, "</small></p>\n");
}

static void add_findings(const struct ov_trace_report *report, struct ov_buf *out) {
    ov_buf_add_text(out, "<section>\n<h2>Findings: what somebody should look at</h2>\n");
    if (report->finding_count == 0) {
        ov_buf_add_text(out, "<p>None of the rules found anything.</p>\n");
    }
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct ov_trace_finding *finding = &report->findings[i];
        const struct ov_trace_rule *rule = &ov_trace_rules[finding->rule];
        ov_buf_add_text(out, "<div class=\"finding\"><p><b>");
        add_text(out, rule->title);
        ov_buf_add_text(out, ": ");
        ov_trace_add_number(out, finding->count);
        ov_buf_add_text(out, "</b></p><p>");
        add_text(out, rule->why);
        ov_buf_add_text(out, "</p>\n");
        add_thresholds(rule, out);
        ov_buf_add_text(out, "<table>\n<tbody>\n");
        for (size_t j = 0; j < finding->item_count; j++) {
            add_item(report->model, &finding->items[j], out);
        }
        ov_buf_add_text(out, "</tbody>\n</table>\n</div>\n");
    }
    ov_buf_add_text(out, "</section>\n");
}

// ---- tables -------------------------------------------------------------------------------------

static void add_destinations(const struct ov_trace_report *report, struct ov_buf *out) {
    static const char *const reaches[] = {"its own processes", "the kernel", "this machine",
                                          "the network"};
    size_t shown = least(report->destination_count, ROWS_SHOWN);
    if (shown == 0) {
        return;
    }
    begin_table(
        out, "Where it sent",
        "<th class=\"n\">sent</th><th class=\"n\">received</th><th>to</th><th>address</th>");
    for (size_t i = 0; i < shown; i++) {
        const struct ov_trace_destination *to = &report->destinations[i];
        ov_buf_add_text(out, "<tr>");
        add_cell(out, to->sent_bytes);
        add_cell(out, to->received_bytes);
        ov_buf_printf(out, "<td>%s</td><td>", reaches[to->reach]);
        add_name(out, to->remote);
        ov_buf_add_text(out, "</td></tr>\n");
    }
    end_table(out, report->destination_count, shown);
}

static void add_kept(const struct ov_trace_report *report, struct ov_buf *out) {
    size_t shown = least(report->kept_count, ROWS_SHOWN);
    if (shown == 0) {
        return;
    }
    begin_table(out, "Kept copies", "<th class=\"n\">written</th><th>file</th><th></th>");
    for (size_t i = 0; i < shown; i++) {
        const struct ov_trace_model_file *file = &report->model->files[report->by_kept[i]];
        ov_buf_add_text(out, "<tr>");
        add_cell(out, file->written_bytes);
        ov_buf_add_text(out, "<td>");
        add_name(out, file->path);
        ov_buf_printf(out, "</td><td>%s</td></tr>\n",
                      file->presence == OV_TRACE_GONE ? "removed" : "");
    }
    end_table(out, report->kept_count, shown);
}

static void add_groups(struct ov_buf *out, const char *title, const struct ov_trace_group *groups,
                       size_t count) {
    size_t shown = least(count, GROUPS_SHOWN);
    if (shown == 0) {
        return;
    }
    begin_table(
        out, title,
        "<th class=\"n\">read</th><th class=\"n\">content</th><th class=\"n\">files</th><th>"
        "</th>");
    for (size_t i = 0; i < shown; i++) {
        ov_buf_add_text(out, "<tr>");
        add_cell(out, groups[i].read_bytes);
        add_cell(out, groups[i].content_bytes);
        ov_buf_add_text(out, "<td class=\"n\">");
        ov_trace_add_number(out, groups[i].file_count);
        ov_buf_add_text(out, "</td><td>");
        add_name(out, groups[i].name);
        ov_buf_add_text(out, "</td></tr>\n");
    }
    end_table(out, count, shown);
}

static void add_files(const struct ov_trace_report *report, struct ov_buf *out) {
    const struct ov_trace_model *model = report->model;
    size_t shown = least(model->file_count, ROWS_SHOWN);
    begin_table(out, "Files, the most read first",
                "<th class=\"n\">read</th><th class=\"n\">size</th><th>place</th><th>file</th>");
    for (size_t i = 0; i < shown; i++) {
        size_t at = report->by_read[i];
        ov_buf_add_text(out, "<tr>");
        add_cell(out, model->files[at].read_bytes);
        add_cell(out, model->files[at].size_bytes);
        ov_buf_printf(out, "<td>%s</td><td>", ov_trace_place_word(report->places->places[at]));
        add_name(out, model->files[at].path);
        ov_buf_add_text(out, "</td></tr>\n");
    }
    end_table(out, model->file_count, shown);
}

static void add_processes(const struct ov_trace_model *model, struct ov_buf *out) {
    size_t shown = least(model->process_count, ROWS_SHOWN);
    begin_table(out, "Processes",
                "<th class=\"n\">read</th><th class=\"n\">written</th><th class=\"n\">sent</th>"
                "<th class=\"n\">id</th><th>program</th>");
    for (size_t i = 0; i < shown; i++) {
        const struct ov_trace_model_process *process = &model->processes[i];
        ov_buf_add_text(out, "<tr>");
        add_cell(out, process->read_bytes);
        add_cell(out, process->written_bytes);
        add_cell(out, process->sent_bytes);
        ov_buf_printf(out, "<td class=\"n\">%u</td><td>", process->id.pid);
        add_name(out, process->path);
        for (size_t j = 1; j < process->words.item_count; j++) {
            ov_buf_add_u8(out, ' ');
            add_name(out, process->words.items[j]);
        }
        ov_buf_add_text(out,
                        process->is_watched ? "</td></tr>\n" : " (not watched itself)</td></tr>\n");
    }
    end_table(out, model->process_count, shown);
}

// ---- all ----------------------------------------------------------------------------------------

static void add_foot(const struct ov_trace_model *model, struct ov_buf *out) {
    ov_buf_add_text(out, "<section>\n<h2>What watching cannot see</h2>\n<ul>\n");
    for (size_t i = 0; ov_trace_blind_spots[i] != NULL; i++) {
        ov_buf_add_text(out, "<li>");
        add_text(out, ov_trace_blind_spots[i]);
        ov_buf_add_text(out, "</li>\n");
    }
    ov_buf_add_text(out,
                    "</ul>\n<p><small>Every number can be computed again from the trace, whose "
                    "chain is</small> <code>");
    for (size_t i = 0; i < sizeof model->check.chain; i++) {
        ov_buf_printf(out, "%02x", model->check.chain[i]);
    }
    ov_buf_add_text(out, "</code></p>\n</section>\n</body>\n</html>\n");
}

void ov_trace_report_add_html(const struct ov_trace_report *report, struct ov_buf *out) {
    const struct ov_trace_model *model = report->model;
    ov_buf_add_text(out, "<title>What a product read, kept and sent</title>\n");
    ov_buf_add_text(out, style);
    ov_buf_add_text(out, "</head>\n<body>\n");
    add_head(model, out);
    if (model->has_begin) {
        add_claims(report, out);
        add_findings(report, out);
        ov_trace_chart_add(report, out);
        add_destinations(report, out);
        add_kept(report, out);
        add_groups(out, "Read, by place", report->place_groups, report->place_group_count);
        add_groups(out, "Read, by type, without the system's files and its own", report->types,
                   report->type_count);
        add_groups(out, "Read, by folder, likewise", report->folders, report->folder_count);
        add_processes(model, out);
        add_files(report, out);
    }
    add_foot(model, out);
}
