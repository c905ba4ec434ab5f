// SPDX-License-Identifier: Apache-2.0
// Draws the time line: columns of what was read by type, columns of what left below them, then a
// lane for each folder and each destination, with a line from a read to a send that followed it.
#include "trace/chart.h"

#include "trace/chart_data.h"
#include "trace/phrase.h"

#include <math.h>

enum {
    LEFT = 250, // where the first column begins
    WIDTH = 1080,
    TOP_HEIGHT = 150, // of the columns of reads
    LOW_HEIGHT = 80,  // of those of what left
    LANE = 18,
    GAP = 26,
    LINKS_MAX = 48,
};

static const char *const type_colours[OV_TRACE_CONTENTS] = {"#2f6fb5", "#1b9e9e", "#8ab6e8",
                                                            "#b7c9dd", "#7a3fb0", "#5aa469",
                                                            "#3c4a5c", "#8a7f5c", "#b0b7bf"};

#define NETWORK_COLOUR "#c62f2f"
#define MACHINE_COLOUR "#e58a8a"
#define KEPT_COLOUR    "#c77700"
#define FOLDER_COLOUR  "#2f6fb5"
#define OTHER_COLOUR   "#b0b7bf"
#define START_COLOUR   "#57606a"

static double x_of(double column) {
    return LEFT + column * (WIDTH - LEFT - 4) / OV_TRACE_COLUMNS;
}

static double column_width(void) {
    return (double)(WIDTH - LEFT - 4) / OV_TRACE_COLUMNS;
}

static void add_rect(struct ov_buf *out, size_t column, double y, double height,
                     const char *colour) {
    if (height > 0) {
        ov_buf_printf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"",
                      x_of((double)column), y, column_width() - 1, height, colour);
    }
}

static void add_label(struct ov_buf *out, double y, struct ov_span text) {
    enum { SHOWN = 36 };
    struct ov_span part = text;
    if (text.size > SHOWN) { // the end of a path says more than its beginning
        part = ov_span_from(text, text.size - SHOWN);
        while (part.size > 0 && (part.data[0] & 0xc0) == 0x80) {
            part = ov_span_from(part, 1); // no piece of a character
        }
    }
    ov_buf_printf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s", LEFT - 8, y,
                  part.size < text.size ? "..." : "");
    ov_trace_markup_add(out, part);
    ov_buf_add_text(out, "</text>\n");
}

static void add_rule_line(struct ov_buf *out, double y) {
    ov_buf_printf(out,
                  "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#9aa4af\" "
                  "stroke-width=\"1\"/>\n",
                  LEFT, y, WIDTH - 4, y);
}

// ---- columns ------------------------------------------------------------------------------------

static uint64_t sum_types(const struct ov_trace_chart *chart, size_t column) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < OV_TRACE_CONTENTS; i++) {
        uint64_t more = chart->types[i][column];
        sum = more > UINT64_MAX - sum ? UINT64_MAX : sum + more;
    }
    return sum;
}

static double largest_read(const struct ov_trace_chart *chart) {
    double largest = 1;
    for (size_t i = 0; i < OV_TRACE_COLUMNS; i++) {
        largest = fmax(largest, (double)sum_types(chart, i));
    }
    return largest;
}

static double largest_out(const struct ov_trace_chart *chart) {
    double largest = 1;
    for (size_t i = 0; i < OV_TRACE_COLUMNS; i++) {
        largest = fmax(largest, (double)chart->network[i] + (double)chart->machine[i] +
                                    (double)chart->kept[i]);
    }
    return largest;
}

static void add_size_label(struct ov_buf *out, double y, const char *what, double bytes) {
    ov_buf_printf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s: up to ", LEFT - 8, y,
                  what);
    ov_trace_add_size(out, bytes >= 1.8e19 ? UINT64_MAX : (uint64_t)bytes);
    ov_buf_add_text(out, "</text>\n");
}

static void draw_reads(const struct ov_trace_chart *chart, double base, struct ov_buf *out) {
    double largest = largest_read(chart);
    for (size_t column = 0; column < OV_TRACE_COLUMNS; column++) {
        double y = base;
        for (unsigned i = 0; i < OV_TRACE_CONTENTS; i++) {
            double bytes = (double)chart->types[i][column];
            double height = bytes > 0 ? fmax(bytes / largest * TOP_HEIGHT, 0.8) : 0;
            y -= height;
            add_rect(out, column, y, height, type_colours[i]);
            ov_buf_add_text(out, height > 0 ? "/>\n" : "");
        }
    }
    add_size_label(out, base - TOP_HEIGHT + 12, "read, by type", largest);
}

static void draw_out(const struct ov_trace_chart *chart, double base, struct ov_buf *out) {
    double largest = largest_out(chart);
    for (size_t column = 0; column < OV_TRACE_COLUMNS; column++) {
        const uint64_t parts[] = {chart->network[column], chart->machine[column],
                                  chart->kept[column]};
        static const char *const colours[] = {NETWORK_COLOUR, MACHINE_COLOUR, KEPT_COLOUR};
        double y = base;
        for (unsigned i = 0; i < 3; i++) {
            double height = parts[i] > 0 ? fmax((double)parts[i] / largest * LOW_HEIGHT, 3) : 0;
            add_rect(out, column, y, height, colours[i]);
            ov_buf_add_text(out, height > 0 ? "/>\n" : "");
            y += height;
        }
    }
    add_size_label(out, base + 14, "left or kept", largest);
}

static double draw_word(double x, double y, const char *colour, const char *word,
                        struct ov_buf *out) {
    ov_buf_printf(out,
                  "<rect x=\"%.1f\" y=\"%.1f\" width=\"9\" height=\"9\" fill=\"%s\"/>"
                  "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                  x, y - 9, colour, x + 12, y, word);
    return x + 26 + 6.4 * (double)strlen(word);
}

static void draw_legend(double y, double low_y, struct ov_buf *out) {
    double x = LEFT;
    for (unsigned i = 0; i < OV_TRACE_CONTENTS; i++) {
        x = draw_word(x, y, type_colours[i], ov_trace_content_word((enum ov_trace_content)i), out);
    }
    x = draw_word(LEFT, low_y, NETWORK_COLOUR, "sent to the network", out);
    x = draw_word(x, low_y, MACHINE_COLOUR, "sent on this machine", out);
    (void)draw_word(x, low_y, KEPT_COLOUR, "kept", out);
}

// ---- lanes --------------------------------------------------------------------------------------

static void draw_lane(const uint64_t *bytes, double y, const char *colour, struct ov_buf *out) {
    double largest = 1;
    for (size_t i = 0; i < OV_TRACE_COLUMNS; i++) {
        largest = fmax(largest, (double)bytes[i]);
    }
    for (size_t i = 0; i < OV_TRACE_COLUMNS; i++) {
        if (bytes[i] > 0) {
            add_rect(out, i, y + 2, LANE - 4, colour);
            ov_buf_printf(out, " fill-opacity=\"%.2f\"/>\n",
                          0.25 + 0.75 * sqrt((double)bytes[i] / largest));
        }
    }
}

static void draw_folders(const struct ov_trace_report *report, const struct ov_trace_chart *chart,
                         double y, struct ov_buf *out) {
    for (size_t i = 0; i < chart->folder_lanes; i++) {
        bool is_rest = i + 1 == OV_TRACE_FOLDER_LANES && report->folder_count > chart->folder_lanes;
        add_label(out, y + 13, is_rest ? ov_span_text("other folders") : report->folders[i].name);
        draw_lane(chart->folders[i], y, FOLDER_COLOUR, out);
        y += LANE;
    }
}

static void draw_remotes(const struct ov_trace_report *report, const struct ov_trace_chart *chart,
                         double y, struct ov_buf *out) {
    for (size_t i = 0; i < chart->remote_lanes; i++) {
        const struct ov_trace_destination *to = &report->destinations[i];
        add_label(out, y + 13,
                  to->remote.size > 0 ? to->remote : ov_span_text("address not known"));
        draw_lane(chart->remotes[i], y,
                  to->reach == OV_TRACE_REACH_NETWORK ? NETWORK_COLOUR : MACHINE_COLOUR, out);
        y += LANE;
    }
}

// ---- a read that a send follows -----------------------------------------------------------------

// The folder most read in the columns up to `column`, and the last column in which it was. False
// when nothing was read in time.
static bool find_read(const struct ov_trace_chart *chart, size_t column, size_t *ret_lane,
                      size_t *ret_column) {
    size_t back = column < chart->read_columns ? column : chart->read_columns;
    if (chart->folder_lanes == 0) {
        return false;
    }
    for (size_t i = 0; i <= back; i++) {
        size_t best = 0;
        for (size_t lane = 1; lane < chart->folder_lanes; lane++) {
            best =
                chart->folders[lane][column - i] > chart->folders[best][column - i] ? lane : best;
        }
        if (chart->folders[best][column - i] > 0) {
            *ret_lane = best;
            *ret_column = column - i;
            return true;
        }
    }
    return false;
}

static void draw_link(double from_x, double from_y, double to_x, double to_y, struct ov_buf *out) {
    double bend = (from_y + to_y) / 2;
    ov_buf_printf(
        out,
        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>"
        "<path d=\"M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1f\" fill=\"none\" stroke=\"%s\" "
        "stroke-width=\"1.6\"/><circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n",
        from_x, from_y, NETWORK_COLOUR, from_x, from_y, from_x, bend, to_x, bend, to_x, to_y,
        NETWORK_COLOUR, to_x, to_y, NETWORK_COLOUR);
}

static void draw_links(const struct ov_trace_chart *chart, double folders_y, double remotes_y,
                       struct ov_buf *out) {
    unsigned count = 0;
    double half = column_width() / 2;
    for (size_t lane = 0; lane < chart->remote_lanes; lane++) {
        for (size_t i = 0; i < OV_TRACE_COLUMNS && count < LINKS_MAX; i++) {
            size_t from_lane;
            size_t from_column;
            if (chart->remotes[lane][i] > 0 && find_read(chart, i, &from_lane, &from_column)) {
                draw_link(x_of((double)from_column) + half,
                          folders_y + (double)from_lane * LANE + LANE / 2.0, x_of((double)i) + half,
                          remotes_y + (double)lane * LANE + LANE / 2.0, out);
                count++;
            }
        }
    }
}

// ---- all ----------------------------------------------------------------------------------------

static void draw_times(const struct ov_trace_report *report, const struct ov_trace_chart *chart,
                       double y, struct ov_buf *out) {
    for (unsigned i = 0; i <= 4; i++) {
        uint64_t at_ns = chart->start_ns + (chart->end_ns - chart->start_ns) / 4 * i;
        ov_buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">",
                      x_of(OV_TRACE_COLUMNS * i / 4.0), y, i == 4 ? "end" : "start");
        ov_trace_add_moment(out, &report->model->begin, at_ns);
        ov_buf_add_text(out, "</text>\n");
    }
}

void ov_trace_chart_add(const struct ov_trace_report *report, struct ov_buf *out) {
    struct ov_trace_chart chart;
    if (!ov_trace_chart_count(report, &chart)) {
        return;
    }
    double axis = TOP_HEIGHT + GAP;
    double folders_y = axis + LOW_HEIGHT + GAP;
    double others_y = folders_y + (double)chart.folder_lanes * LANE;
    double kept_y = others_y + LANE + 8;
    double remotes_y = kept_y + LANE + 8;
    double starts_y = remotes_y + (double)chart.remote_lanes * LANE + 8;
    double height = starts_y + LANE + GAP;
    ov_buf_printf(
        out,
        "<section>\n<h2>Time line</h2>\n<p>Above: what was read, by type, without the system's "
        "files and its own. Below: what left "
        "and what was kept, on a scale of its own. Then each folder and each destination, "
        "darker where more was read or sent. A red line leads from a read to a send that "
        "followed within %llu seconds.</p>\n<svg viewBox=\"0 0 %d %.0f\" role=\"img\">\n",
        (unsigned long long)ov_trace_rules[OV_TRACE_RULE_UPLOAD].thresholds[0].value, WIDTH,
        height);
    draw_legend(14, axis + LOW_HEIGHT + 14, out);
    draw_reads(&chart, axis, out);
    add_rule_line(out, axis);
    draw_out(&chart, axis + 1, out);
    draw_folders(report, &chart, folders_y, out);
    add_label(out, others_y + 13, ov_span_text("system's and its own files"));
    draw_lane(chart.others, others_y, OTHER_COLOUR, out);
    add_label(out, kept_y + 13, ov_span_text("copies kept"));
    draw_lane(chart.kept, kept_y, KEPT_COLOUR, out);
    draw_remotes(report, &chart, remotes_y, out);
    draw_links(&chart, folders_y, remotes_y, out);
    add_label(out, starts_y + 13, ov_span_text("processes started"));
    draw_lane(chart.starts, starts_y, START_COLOUR, out);
    draw_times(report, &chart, height - 6, out);
    ov_buf_add_text(out, "</svg>\n</section>\n");
}
