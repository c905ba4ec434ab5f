// SPDX-License-Identifier: Apache-2.0
// Counts the steps of a model into columns and lanes.
#include "trace/chart_data.h"

#include "trace/finder.h"

#define SECOND_NS 1000000000u

static void add(uint64_t *sum, uint64_t more) {
    *sum = more > UINT64_MAX - *sum ? UINT64_MAX : *sum + more;
}

static size_t column_of(const struct ov_trace_chart *chart, uint64_t at_ns) {
    uint64_t since = at_ns > chart->start_ns ? at_ns - chart->start_ns : 0;
    double part = (double)since / (double)(chart->end_ns - chart->start_ns);
    size_t column = part >= 1 ? OV_TRACE_COLUMNS : (size_t)(part * OV_TRACE_COLUMNS);
    return column < OV_TRACE_COLUMNS ? column : OV_TRACE_COLUMNS - 1;
}

static size_t folder_lane(const struct ov_trace_report *report, const struct ov_trace_chart *chart,
                          struct ov_span path) {
    struct ov_span folder = ov_trace_folder_of(&report->model->begin, path);
    size_t lane = 0;
    while (lane + 1 < chart->folder_lanes &&
           !ov_span_is_equal(report->folders[lane].name, folder)) {
        lane++;
    }
    return lane; // the last one has its own folder, or all others
}

static size_t remote_lane(const struct ov_trace_report *report, const struct ov_trace_chart *chart,
                          const struct ov_trace_model_socket *socket) {
    size_t lane = 0;
    while (lane + 1 < chart->remote_lanes &&
           (report->destinations[lane].reach != socket->reach ||
            !ov_span_is_equal(report->destinations[lane].remote, socket->last.remote))) {
        lane++;
    }
    return lane;
}

// What others did is in no column.
static void count_use(const struct ov_trace_report *report, const struct ov_trace_step *step,
                      struct ov_trace_chart *chart) {
    const struct ov_trace_model *model = report->model;
    const struct ov_trace_model_use *use = &model->uses[step->index];
    const struct ov_trace_model_file *file = &model->files[use->file];
    size_t column = column_of(chart, step->at_ns);
    if (!model->processes[use->process].is_watched ||
        report->places->places[use->file] == OV_TRACE_PLACE_OTHER) {
        return;
    }
    enum ov_trace_place place = report->places->places[use->file];
    if (step->kind == OV_TRACE_STEP_READ &&
        (place == OV_TRACE_PLACE_SYSTEM || place == OV_TRACE_PLACE_OWN)) {
        add(&chart->others[column], step->bytes);
    } else if (step->kind == OV_TRACE_STEP_READ) {
        add(&chart->types[report->places->contents[use->file]][column], step->bytes);
        if (chart->folder_lanes > 0) {
            add(&chart->folders[folder_lane(report, chart, file->path)][column], step->bytes);
        }
    } else if (file->fate == OV_TRACE_FATE_KEPT) {
        add(&chart->kept[column], step->bytes);
    }
}

static void count_send(const struct ov_trace_report *report, const struct ov_trace_step *step,
                       struct ov_trace_chart *chart) {
    const struct ov_trace_model *model = report->model;
    const struct ov_trace_model_socket *socket = &model->sockets[step->index];
    size_t column = column_of(chart, step->at_ns);
    bool is_out =
        socket->reach == OV_TRACE_REACH_NETWORK || socket->reach == OV_TRACE_REACH_MACHINE;
    if (!is_out || !model->processes[socket->process].is_watched) {
        return;
    }
    add(socket->reach == OV_TRACE_REACH_NETWORK ? &chart->network[column] : &chart->machine[column],
        step->bytes);
    if (chart->remote_lanes > 0) {
        add(&chart->remotes[remote_lane(report, chart, socket)][column], step->bytes);
    }
}

static void set_lanes(const struct ov_trace_report *report, struct ov_trace_chart *chart) {
    size_t out = 0;
    while (out < report->destination_count &&
           (report->destinations[out].reach == OV_TRACE_REACH_NETWORK ||
            report->destinations[out].reach == OV_TRACE_REACH_MACHINE) &&
           report->destinations[out].sent_bytes > 0) {
        out++;
    }
    chart->remote_lanes = out < OV_TRACE_REMOTE_LANES ? out : OV_TRACE_REMOTE_LANES;
    while (chart->folder_lanes < report->folder_count &&
           chart->folder_lanes < OV_TRACE_FOLDER_LANES &&
           report->folders[chart->folder_lanes].read_bytes > 0) {
        chart->folder_lanes++; // the most read come first
    }
}

bool ov_trace_chart_count(const struct ov_trace_report *report, struct ov_trace_chart *ret_chart) {
    const struct ov_trace_model *model = report->model;
    struct ov_trace_chart chart = {0};
    if (model->step_count == 0) {
        return false;
    }
    chart.start_ns = model->steps[0].at_ns;
    chart.end_ns = model->steps[model->step_count - 1].at_ns;
    chart.end_ns = chart.end_ns > chart.start_ns ? chart.end_ns : chart.start_ns + 1;
    set_lanes(report, &chart);
    double window_ns = (double)ov_trace_threshold(OV_TRACE_RULE_UPLOAD, 0) * SECOND_NS;
    double column_ns = (double)(chart.end_ns - chart.start_ns) / OV_TRACE_COLUMNS;
    chart.read_columns = window_ns / column_ns >= OV_TRACE_COLUMNS
                             ? OV_TRACE_COLUMNS
                             : (size_t)(window_ns / column_ns) + 1;
    for (size_t i = 0; i < model->step_count; i++) {
        const struct ov_trace_step *step = &model->steps[i];
        if (step->kind == OV_TRACE_STEP_READ || step->kind == OV_TRACE_STEP_WRITE) {
            count_use(report, step, &chart);
        } else if (step->kind == OV_TRACE_STEP_SEND) {
            count_send(report, step, &chart);
        }
    }
    for (size_t i = 0; i < model->event_count; i++) {
        if (model->events[i].event != OV_TRACE_EVENT_EXIT) {
            chart.starts[column_of(&chart, model->events[i].at_ns)]++;
        }
    }
    *ret_chart = chart;
    return true;
}
