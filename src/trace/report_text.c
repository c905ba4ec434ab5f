// SPDX-License-Identifier: Apache-2.0
// The report for people who read a terminal: what matters first, and lists cut short.
#include "trace/report.h"

#include "trace/phrase.h"

enum { LINES_SHOWN = 20, GROUPS_SHOWN = 12, ITEMS_SHOWN = 8, SIZE_COLUMN = 12, CHAIN_BYTES = 32 };

// ---- lines --------------------------------------------------------------------------------------

static void add_title(struct ov_buf *out, const char *title) {
    ov_buf_printf(out, "\n%s\n", title);
}

// A size, right at its column.
static void add_column(struct ov_buf *out, uint64_t bytes) {
    OV_CLEANUP(ov_buf_release) struct ov_buf text = {0};
    ov_trace_add_size(&text, bytes);
    ov_buf_printf(out, "%*.*s  ", SIZE_COLUMN, (int)text.size, (const char *)text.data);
}

static void add_more(struct ov_buf *out, size_t count, size_t shown) {
    if (count > shown) {
        ov_buf_add_text(out, "              and ");
        ov_trace_add_number(out, count - shown);
        ov_buf_add_text(out, " more (--json has all)\n");
    }
}

static void add_hex(struct ov_buf *out, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        ov_buf_printf(out, "%02x", bytes[i]);
    }
}

// ---- the head -----------------------------------------------------------------------------------

static void add_gaps(const struct ov_trace_model *model, struct ov_buf *out) {
    for (size_t i = 0; i < model->gap_count; i++) {
        ov_buf_add_text(out, "  - ");
        ov_trace_gap_add_text(model, &model->gaps[i], out);
        ov_buf_add_u8(out, '\n');
    }
}

static void add_state(const struct ov_trace_model *model, struct ov_buf *out) {
    if (model->is_complete) {
        ov_buf_add_text(out,
                        "COMPLETE: every sensor that is needed was on and was tried, nothing was "
                        "lost.\n");
        return;
    }
    ov_buf_add_text(out, "INCOMPLETE: what follows was seen, and there may be more:\n");
    add_gaps(model, out);
}

static void add_list(struct ov_buf *out, const char *title, const struct ov_trace_list *list) {
    if (list->count == 0) {
        return;
    }
    ov_buf_add_text(out, title);
    for (size_t i = 0; i < list->item_count; i++) {
        ov_buf_add_u8(out, ' ');
        ov_trace_add_name(out, list->items[i], "''");
    }
    ov_buf_add_text(out, list->count > list->item_count ? " ...\n" : "\n");
}

static void add_head(const struct ov_trace_model *model, struct ov_buf *out) {
    const struct ov_trace_begin *begin = &model->begin;
    static const char *const targets[] = {"command", "process", "unit", "cgroup"};
    ov_buf_printf(out, "%-11s", targets[begin->target]);
    ov_trace_add_name(out, begin->target_name, "");
    add_list(out, "", &begin->words);
    ov_buf_add_text(out, begin->words.count == 0 ? "\n" : "");
    ov_buf_add_text(out, "from       ");
    ov_trace_add_time(out, begin->time_ns);
    ov_buf_add_text(out, ", known until ");
    ov_trace_add_moment(out, begin, model->until_ns);
    ov_buf_add_text(out, "\nby         overt ");
    ov_trace_add_name(out, begin->version, "?");
    ov_buf_add_text(out, " on Linux ");
    ov_trace_add_name(out, begin->kernel, "?");
    ov_buf_add_text(out, begin->has_envelope ? ", in an envelope\n" : ", without an envelope\n");
    add_list(out, "asked for ", &begin->scope);
    add_list(out, "its own   ", &begin->own);
}

static void add_claims(const struct ov_trace_report *report, struct ov_buf *out) {
    add_title(out, "What it did");
    for (size_t i = 0; i < report->claim_count; i++) {
        const struct ov_trace_claim *claim = &report->claims[i];
        if (!claim->is_gap) { // these stand above
            ov_buf_printf(out, "  %-13s", ov_trace_claim_word(claim->kind));
            ov_buf_printf(out, "%s\n", claim->text);
        }
    }
}

// ---- findings -----------------------------------------------------------------------------------

static void add_item(const struct ov_trace_report *report, const struct ov_trace_item *item,
                     struct ov_buf *out) {
    const struct ov_trace_model *model = report->model;
    add_column(out, item->bytes);
    if (item->at_ns > 0) {
        ov_trace_add_moment(out, &model->begin, item->at_ns);
        ov_buf_add_text(out, "  ");
    }
    if (item->name.size > 0 || item->socket != OV_TRACE_NONE) {
        ov_trace_add_name(out, item->name, "(address not known)");
        ov_buf_add_text(out, item->file == OV_TRACE_NONE     ? ""
                             : item->socket != OV_TRACE_NONE ? "  after "
                                                             : "  ");
    }
    if (item->process != OV_TRACE_NONE) {
        const struct ov_trace_model_process *process = &model->processes[item->process];
        ov_buf_printf(out, "process %u ", process->id.pid);
        ov_trace_add_name(out, process->path, "(no name)");
        ov_buf_add_text(out, item->file != OV_TRACE_NONE ? "  " : "");
    }
    if (item->file != OV_TRACE_NONE) {
        ov_trace_add_name(out, model->files[item->file].path, "(no name known)");
    }
    ov_buf_add_u8(out, '\n');
}

static void add_thresholds(const struct ov_trace_rule *rule, struct ov_buf *out) {
    for (unsigned i = 0; i < OV_TRACE_THRESHOLDS_MAX && rule->thresholds[i].name != NULL; i++) {
        ov_buf_printf(out, "%s%s ", i == 0 ? "" : ", ", rule->thresholds[i].name);
        ov_trace_add_number(out, rule->thresholds[i].value);
        ov_buf_printf(out, "%s%s", rule->thresholds[i].unit[0] != '\0' ? " " : "",
                      rule->thresholds[i].unit);
    }
}

static void add_findings(const struct ov_trace_report *report, struct ov_buf *out) {
    add_title(out, "Findings: what somebody should look at");
    if (report->finding_count == 0) {
        ov_buf_add_text(out, "  none\n");
    }
    for (size_t i = 0; i < report->finding_count; i++) {
        const struct ov_trace_finding *finding = &report->findings[i];
        const struct ov_trace_rule *rule = &ov_trace_rules[finding->rule];
        size_t shown = finding->item_count < ITEMS_SHOWN ? finding->item_count : ITEMS_SHOWN;
        ov_buf_printf(out, "  %s: %s: ", rule->word, rule->title);
        ov_trace_add_number(out, finding->count);
        ov_buf_printf(out, "\n    %s (", rule->why);
        add_thresholds(rule, out);
        ov_buf_add_text(out, ")\n");
        for (size_t j = 0; j < shown; j++) {
            add_item(report, &finding->items[j], out);
        }
        add_more(out, finding->count, shown);
    }
}

// ---- lists --------------------------------------------------------------------------------------

static void add_destinations(const struct ov_trace_report *report, struct ov_buf *out) {
    static const char *const reaches[] = {"inside", "kernel", "machine", "network"};
    size_t shown =
        report->destination_count < LINES_SHOWN ? report->destination_count : LINES_SHOWN;
    if (shown > 0) {
        add_title(out, "Sent to");
    }
    for (size_t i = 0; i < shown; i++) {
        const struct ov_trace_destination *to = &report->destinations[i];
        add_column(out, to->sent_bytes);
        ov_buf_printf(out, "%s  ", reaches[to->reach]);
        ov_trace_add_name(out, to->remote, "(address not known)");
        ov_buf_add_text(out, ", received ");
        ov_trace_add_size(out, to->received_bytes);
        ov_buf_add_u8(out, '\n');
    }
    add_more(out, report->destination_count, shown);
}

static void add_kept(const struct ov_trace_report *report, struct ov_buf *out) {
    size_t shown = report->kept_count < LINES_SHOWN ? report->kept_count : LINES_SHOWN;
    if (shown > 0) {
        add_title(out, "Kept");
    }
    for (size_t i = 0; i < shown; i++) {
        const struct ov_trace_model_file *file = &report->model->files[report->by_kept[i]];
        add_column(out, file->written_bytes);
        ov_trace_add_name(out, file->path, "(no name known)");
        ov_buf_add_text(out, file->presence == OV_TRACE_GONE ? " (removed)\n" : "\n");
    }
    add_more(out, report->kept_count, shown);
}

static void add_groups(struct ov_buf *out, const char *title, const struct ov_trace_group *groups,
                       size_t count) {
    size_t shown = count < GROUPS_SHOWN ? count : GROUPS_SHOWN;
    if (shown > 0) {
        add_title(out, title);
    }
    for (size_t i = 0; i < shown; i++) {
        add_column(out, groups[i].read_bytes);
        ov_trace_add_name(out, groups[i].name, "(no name known)");
        ov_buf_add_text(out, ", ");
        ov_trace_add_count(out, groups[i].file_count, "file");
        ov_buf_add_u8(out, '\n');
    }
    add_more(out, count, shown);
}

static void add_processes(const struct ov_trace_model *model, struct ov_buf *out) {
    size_t shown = model->process_count < LINES_SHOWN ? model->process_count : LINES_SHOWN;
    if (shown > 0) {
        add_title(out, "Processes");
    }
    for (size_t i = 0; i < shown; i++) {
        const struct ov_trace_model_process *process = &model->processes[i];
        ov_buf_printf(out, "%12u  ", process->id.pid);
        ov_trace_add_name(out, process->path, "(no name known)");
        ov_buf_add_text(out, process->is_watched ? ", read " : " (not watched itself), read ");
        ov_trace_add_size(out, process->read_bytes);
        ov_buf_add_text(out, ", wrote ");
        ov_trace_add_size(out, process->written_bytes);
        ov_buf_add_text(out, ", sent ");
        ov_trace_add_size(out, process->sent_bytes);
        ov_buf_add_u8(out, '\n');
    }
    add_more(out, model->process_count, shown);
}

static void add_limits(struct ov_buf *out) {
    add_title(out, "What watching cannot see");
    for (size_t i = 0; ov_trace_blind_spots[i] != NULL; i++) {
        ov_buf_printf(out, "  - %s\n", ov_trace_blind_spots[i]);
    }
}

void ov_trace_report_add_text(const struct ov_trace_report *report, struct ov_buf *out) {
    const struct ov_trace_model *model = report->model;
    add_state(model, out);
    if (model->has_begin) {
        ov_buf_add_u8(out, '\n');
        add_head(model, out);
        add_claims(report, out);
        add_findings(report, out);
        add_destinations(report, out);
        add_kept(report, out);
        add_groups(
            out, "Read: what it was asked to look at, outside of it, the system's, its own, copies",
            report->place_groups, report->place_group_count);
        add_groups(out, "Read, by type (without the system's files and its own)", report->types,
                   report->type_count);
        add_groups(out, "Read, by folder (likewise)", report->folders, report->folder_count);
        add_processes(model, out);
    }
    add_limits(out);
    ov_buf_add_text(out, "\nchain ");
    add_hex(out, model->check.chain, CHAIN_BYTES);
    ov_buf_add_u8(out, '\n');
}

// ---- verify -------------------------------------------------------------------------------------

void ov_trace_check_add_text(const struct ov_trace_model *model, struct ov_buf *out) {
    const struct ov_trace_check *check = &model->check;
    static const char *const verdicts[] = {"bad", "cut", "whole"};
    ov_buf_printf(out, "trace     %s\n", verdicts[check->verdict]);
    ov_buf_add_text(out, "records   ");
    ov_trace_add_number(out, check->records);
    ov_buf_add_text(out, " in ");
    ov_trace_add_count(out, check->good_bytes, "byte");
    ov_buf_add_text(out, "\nchain     ");
    add_hex(out, check->chain, CHAIN_BYTES);
    ov_buf_add_u8(out, '\n');
    if (check->bad_why != NULL) {
        ov_buf_printf(out, "broken    record %llu at byte %llu: %s\n",
                      (unsigned long long)check->bad_record, (unsigned long long)check->bad_offset,
                      check->bad_why);
    }
    if (check->verdict == OV_TRACE_CUT) {
        ov_buf_add_text(out, "tail      ");
        ov_trace_add_count(out, check->tail_bytes, "byte");
        ov_buf_add_text(out, " behind the last checkpoint, not counted\n");
    }
    ov_buf_printf(out, "complete  %s\n", model->is_complete ? "yes" : "no");
    add_gaps(model, out);
}
